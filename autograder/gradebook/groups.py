"""The shared grade of a group's submission: what a person gave to one member is given to all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Table, select, update

from autograder.gradebook.registration import BASE, COMMENT, GRADE, SUBMITTED_NOTEBOOK
from autograder.gradebook.write_submission import SUBMITTED

__all__ = ["share_marks"]

Values = dict[str, list[tuple[str, Any]]]


def share_marks(db: Connection, notebook_id: str, groups: Iterable[Collection[str]]) -> list[tuple[str, str]]:
    """Give points, extra credit and comments that a person gave to one member of a group to the others.

    Where members have different ones already, nothing is changed.

    Returns:
        Each member of a group that was given different things, with a message for people.
    """
    disputes = []
    for group in groups:
        for table, column, cleared in (
            (GRADE, "manual_score", {"needs_manual_grade": False}),
            (GRADE, "extra_credit", {}),
            (COMMENT, "manual_comment", {}),
        ):
            for cell, values in _given(db, notebook_id, group, table, column).items():
                given = {value for _, value in values if value not in (None, "")}
                if len(given) > 1:
                    shown = " and ".join(sorted(f"'{str(value)[:40]}'" for value in given))
                    reason = f"the group {', '.join(sorted(group))} was given different things for {cell}: {shown}."
                    disputes += [(student, f"{reason} Correct it in the formgrader.") for student in sorted(group)]
                elif given:
                    (value,) = given
                    empty = [row for row, there in values if there in (None, "")]
                    db.execute(update(table).where(table.c.id.in_(empty)).values({column: value, **cleared}))
    return disputes


def _given(db: Connection, notebook_id: str, group: Collection[str], table: Table, column: str) -> Values:
    """Return the id and the value of each member's row, by the name of the cell; extra credit of 0 is none."""
    question = (
        select(table.c.id, BASE.c.name, table.c[column])
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == table.c.notebook_id)
        .join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        .join(BASE, BASE.c.id == table.c.cell_id)
        .where(SUBMITTED_NOTEBOOK.c.notebook_id == notebook_id, SUBMITTED.c.student_id.in_(group))
    )
    found: Values = defaultdict(list)
    for row, name, value in db.execute(question).all():
        found[str(name)].append((row, None if column == "extra_credit" and not value else value))
    return found

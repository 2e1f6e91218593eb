"""The totals of a class in the gradebook, and how the penalties for lateness follow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update

from autograder.gradebook.database import Database
from autograder.gradebook.lateness import LateRules, kept_terms, penalty_of
from autograder.gradebook.registration import ASSIGNMENT, GRADE, NOTEBOOK, SUBMITTED_NOTEBOOK
from autograder.gradebook.stamps import Stamp
from autograder.gradebook.write_submission import SUBMITTED, scores_by_notebook

if TYPE_CHECKING:
    pass

__all__ = [
    "Total",
    "TotalChange",
    "change_lines",
    "check_points",
    "follow_points",
    "outdated",
    "questions",
    "totals_of",
]

_SAME = 1e-9


class Total(msgspec.Struct, frozen=True):
    """The total of one submission.

    Attributes:
        score: the points by checks and by hand, extra credit included.
        penalty: the points of these that are lost for lateness.
        late: whether it counts as late.
    """

    score: float
    penalty: float = 0.0
    late: bool = False

    @property
    def points(self) -> float:
        """The total itself, never below 0."""
        return max(0.0, self.score - self.penalty)

    def same(self, other: Total) -> bool:
        """Return whether ``other`` shows the same numbers."""
        pairs = ((self.score, other.score), (self.penalty, other.penalty))
        return self.late == other.late and all(abs(one - another) < _SAME for one, another in pairs)


class TotalChange(msgspec.Struct, frozen=True):
    """The total of one student before and after."""

    student: str
    before: Total
    after: Total

    def line(self) -> str:
        """Return the change as a line for people."""
        return (
            f"{self.student}: total {self.before.points:g} → {self.after.points:g} "
            f"(late penalty {self.before.penalty:g} → {self.after.penalty:g})"
        )


def totals_of(db: Connection, assignment: str, *, written: bool = False) -> dict[str, Total]:
    """Return the totals of all who handed in ``assignment``, by student.

    With ``written`` they are those of nbgrader's own pages, which show the penalty that was written last.
    """
    kept, scores = {} if written else kept_terms(db), scores_by_notebook(db, assignment)
    found = {}
    for row in _submissions(db, assignment):
        score, terms = scores.get(row.notebook, 0.0), kept.get(row.id)
        found[str(row.student_id)] = Total(score, penalty_of(terms, score, row.penalty), bool(terms and terms.late))
    return found


def follow_points(db: Connection, assignment: str, rules: LateRules) -> list[TotalChange]:
    """Write the penalties anew where a person has changed the points since; return the changes, by student."""
    kept, scores, changes = kept_terms(db), scores_by_notebook(db, assignment), []
    for row in _submissions(db, assignment):
        terms = kept.get(row.id)
        if terms is None:
            continue
        score = scores.get(row.notebook, 0.0)
        lost = rules.lost(row.student_id, score, terms)
        before, after = Total(score, row.penalty or 0.0, terms.late), Total(score, lost or 0.0, terms.late)
        if before.same(after):
            continue
        own = SUBMITTED_NOTEBOOK.c.id == row.notebook
        db.execute(update(SUBMITTED_NOTEBOOK).where(own).values(late_submission_penalty=lost))
        changes.append(TotalChange(str(row.student_id), before, after))
    return sorted(changes, key=lambda change: change.student)


def outdated(db: Connection, assignment: str, stamps: Mapping[str, Stamp], rules: LateRules) -> set[str]:
    """Return the students of ``stamps`` whose kept lateness is not what ``rules`` give now."""
    kept = kept_terms(db)
    return {
        row.student_id
        for row in _submissions(db, assignment)
        if row.student_id in stamps
        and kept.get(row.id) != rules.terms(row.student_id, _stamp(stamps, row), row.duedate, row.extension)
    }


def questions(db: Connection, assignment: str, stamps: Mapping[str, Stamp], rules: LateRules) -> dict[str, str]:
    """Return the sentences for a person, by student, where lateness cannot be decided without one."""
    granted = {row.student_id: (row.duedate, row.extension) for row in _submissions(db, assignment)}
    asked = {name: rules.question(name, stamp, *granted.get(name, (None, None))) for name, stamp in stamps.items()}
    return {name: sentence for name, sentence in asked.items() if sentence}


def _stamp(stamps: Mapping[str, Stamp], row: Row[Any]) -> Stamp:
    stamp = stamps[row.student_id]
    return Stamp(at=row.timestamp) if stamp == Stamp() else stamp


def _submissions(db: Connection, assignment: str) -> Sequence[Row[Any]]:
    question = (
        select(SUBMITTED.c.id, SUBMITTED.c.student_id, SUBMITTED.c.timestamp, SUBMITTED.c.extension)
        .add_columns(ASSIGNMENT.c.duedate, SUBMITTED_NOTEBOOK.c.id.label("notebook"))
        .add_columns(SUBMITTED_NOTEBOOK.c.late_submission_penalty.label("penalty"))
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .where(ASSIGNMENT.c.name == assignment)
    )
    return db.execute(question).all()


def check_points(url: str, assignment: str, notebook: str) -> dict[str, float]:
    """Return the points by checks that the gradebook at ``url`` holds for an assignment's notebook, by student."""
    points = (
        select(SUBMITTED.c.student_id, func.sum(GRADE.c.auto_score))
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .join(GRADE, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
        .join(NOTEBOOK, NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id)
        .where(ASSIGNMENT.c.name == assignment, NOTEBOOK.c.name == notebook)
        .group_by(SUBMITTED.c.student_id)
    )
    database = Database(url)
    try:
        rows = database.read(lambda connection: connection.execute(points).all())
    finally:
        database.close()
    return {str(student): float(total or 0.0) for student, total in rows}


def change_lines(assignment: str, changes: Sequence[TotalChange]) -> list[str]:
    """Return the lines that tell people which totals followed points given by hand."""
    if not changes:
        return []
    head = f"{assignment}: points were given by hand since; the late penalties follow them:"
    return [head, *(f"  {change.line()}" for change in changes)]

"""What a regrade would change, student by student and check by check."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.table import Table

from autograder.grading.result import CheckResult, Result

__all__ = ["CheckChange", "StudentChange", "difference_table", "regrade_difference"]


class CheckChange(msgspec.Struct, frozen=True):
    """One check before and after; points are None where the check did not exist.

    Attributes:
        check: its grade id.
        before: points that were written.
        after: points that it would have now.
        outcome: passed, partial, failed, not-reached, or removed.
    """

    check: str
    before: float | None
    after: float | None
    outcome: str


class StudentChange(msgspec.Struct, frozen=True):
    """What changes for one student.

    Attributes:
        student: the student's id.
        before: points by checks that were written.
        after: points by checks now.
        checks: the checks that changed.
    """

    student: str
    before: float
    after: float
    checks: tuple[CheckChange, ...]


def regrade_difference(old: Result, new: Result) -> tuple[CheckChange, ...]:
    """The checks whose points differ, were added or were removed, in the new result's order."""
    before = {check.check: check for check in old.checks}
    after = {check.check: check for check in new.checks}
    names = [*after, *(name for name in before if name not in after)]
    changes = (_change(name, before.get(name), after.get(name)) for name in names)
    return tuple(change for change in changes if change.before != change.after)


def _change(name: str, before: CheckResult | None, after: CheckResult | None) -> CheckChange:
    return CheckChange(
        name,
        before.points if before else None,
        after.points if after else None,
        after.outcome if after else "removed",
    )


def difference_table(changes: Sequence[StudentChange], assignment: str) -> Table:
    """A table with a row for each student and check that changed."""
    table = Table("Student", "Check", "Was", "Now", "Total", title=f"A regrade of {assignment} would change")
    for change in sorted(changes, key=lambda each: (each.after - each.before, each.student)):
        total = f"{change.before:g} → {change.after:g}"
        for number, check in enumerate(change.checks):
            student, total = (change.student, total) if number == 0 else ("", "")
            table.add_row(student, check.check, _points(check.before), _points(check.after), total)
    return table


def _points(points: float | None) -> str:
    return "–" if points is None else f"{points:g}"

"""The changes that a regrade would make, student by student and check by check."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.table import Table

from autograder.grading.result import CheckResult, Result

__all__ = ["CheckChange", "StudentChange", "difference_table", "regrade_difference"]


class CheckChange(msgspec.Struct, frozen=True):
    """One check before and after a regrade; points are None where the check did not exist.

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
    """The changes for one student.

    Attributes:
        student: the student's id.
        before: points by checks that were written.
        after: points by checks now.
        checks: the checks that changed.
        total_before: the total that the gradebook holds, by checks and by hand, less the penalty for lateness; None
            if it was not asked.
        total_after: the total that it would hold.
        penalty_before: points of these lost for lateness.
        penalty_after: points of these that would be lost.
        late_before: whether the submission counted as late.
        late_after: whether it would count as late.
    """

    student: str
    before: float
    after: float
    checks: tuple[CheckChange, ...] = ()
    total_before: float | None = None
    total_after: float | None = None
    penalty_before: float = 0.0
    penalty_after: float = 0.0
    late_before: bool = False
    late_after: bool = False


def regrade_difference(old: Result, new: Result) -> tuple[CheckChange, ...]:
    """Return the checks whose points differ, were added or were removed, in the new result's order."""
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
    """Return a table with a row for each student and each check, penalty or lateness that changed, and the totals."""
    table = Table("Student", "Check", "Was", "Now", "Total", title=f"A regrade of {assignment} would change")
    for change in sorted(changes, key=lambda each: (_gain(each), each.student)):
        for number, (what, was, now) in enumerate(_rows(change)):
            student, total = (change.student, _total(change)) if number == 0 else ("", "")
            table.add_row(student, what, was, now, total)
    return table


def _rows(change: StudentChange) -> list[tuple[str, str, str]]:
    rows = [(check.check, _points(check.before), _points(check.after)) for check in change.checks]
    if abs(change.penalty_before - change.penalty_after) > 1e-9:
        rows.append(("late penalty", _points(-change.penalty_before), _points(-change.penalty_after)))
    if change.late_before != change.late_after:
        rows.append(("handed in", _lateness(change.late_before), _lateness(change.late_after)))
    return rows or [("the total", _points(change.total_before), _points(change.total_after))]


def _lateness(late: bool) -> str:
    return "late" if late else "on time"


def _gain(change: StudentChange) -> float:
    if change.total_before is None or change.total_after is None:
        return change.after - change.before
    return change.total_after - change.total_before


def _total(change: StudentChange) -> str:
    if change.total_before is None or change.total_after is None:
        return f"{change.before:g} → {change.after:g}"
    return f"{_points(change.total_before)} → {_points(change.total_after)}"


def _points(points: float | None) -> str:
    return "–" if points is None else f"{round(points, 4) + 0.0:g}"

"""The report on grading a class, with the changes that a regrade would make.

The changes are listed student by student and check by check. What a page of feedback shows is hashed here, too: a page
that would show the same is not written again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from rich.table import Table
from rich.text import Text

from autograder.authoring.assignment import Assignment
from autograder.gradebook.journal import digest
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Submission
from autograder.terminal import harmless

if TYPE_CHECKING:
    from autograder.gradebook.marks import Marks
    from autograder.gradebook.notice import BoardName

__all__ = [
    "CheckChange",
    "ClassReport",
    "Kind",
    "StudentChange",
    "SubmissionReport",
    "difference_table",
    "page_content",
    "regrade_difference",
    "state_of",
]


# ---- the changes of a regrade


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
            # A student's id may look like rich's markup.
            table.add_row(*(Text(harmless(cell)) for cell in (student, what, was, now, total)))
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


# ---- the report

Kind = Literal["graded", "stored", "unreadable", "not graded", "misplaced", "unwritten"]
_FINE = ("graded", "stored")
_INTERRUPTED, _NEEDS_A_LOOK = 130, 3


class SubmissionReport(msgspec.Struct, frozen=True):
    """The outcome of one submission.

    Attributes:
        student: the student's id.
        kind: graded now; stored, its result being known; unreadable, not a notebook; not graded, the machinery having
            failed; misplaced, not where it belongs; unwritten, graded but not written into the gradebook.
        points: the points by checks; None without a result.
        reason: a sentence for a person, if something needs a look.
        seconds: the time that grading took.
        checks_run: the number of checks that really ran.
        told: the reason for the student: files by their names alone, what is wrong and what to do.
    """

    student: str
    kind: Kind
    points: float | None = None
    reason: str = ""
    seconds: float = 0.0
    checks_run: int = 0
    told: str = ""


class ClassReport(msgspec.Struct, frozen=True):
    """The outcome of grading a class.

    Attributes:
        assignment: its name.
        submissions: the outcomes, in the order of the students' ids.
        changes: the changes of a regrade for students who were graded before.
        changes_written: whether those changes were written.
        interrupted: whether the run was stopped before its end.
        waiting: submissions that were not begun, or not finished, when it was stopped.
        seconds: wall time.
        start_seconds: the part of these until the first worker had its first result.
        written: the number of submissions that were written into the gradebook.
        phases: seconds by what they went to, summed over submissions and workers.
        checks: seconds by check, the student's part included, summed over submissions.
        followed: lines on totals whose late penalty followed points given by hand since the last run.
    """

    assignment: str
    submissions: tuple[SubmissionReport, ...]
    changes: tuple[StudentChange, ...] = ()
    changes_written: bool = True
    interrupted: bool = False
    waiting: int = 0
    seconds: float = 0.0
    start_seconds: float = 0.0
    written: int = 0
    phases: dict[str, float] = msgspec.field(default_factory=dict)
    checks: dict[str, float] = msgspec.field(default_factory=dict)
    followed: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The number of submissions of each kind."""
        return dict(Counter(submission.kind for submission in self.submissions))

    @property
    def needing_a_look(self) -> Sequence[SubmissionReport]:
        """The submissions without a grade in the gradebook, or with a lateness that a person has to decide."""
        return [each for each in self.submissions if each.kind not in _FINE or each.reason]

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if all is graded, 3 if something needs a look, 130 if stopped before the end."""
        if self.interrupted:
            return _INTERRUPTED
        return _NEEDS_A_LOOK if self.needing_a_look or not self.changes_written else 0

    def lines(self) -> list[str]:
        """Return the report for people: a line for the class, and a line for each submission that needs a look."""
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items())) or "no submissions"
        head = f"{counts}; {self.written} written to the gradebook in {self.seconds:.1f} s."
        looks = [_printable(f"{each.student}: {each.kind}: {each.reason}") for each in self.needing_a_look]
        if self.interrupted:
            looks.append(f"Stopped; {self.waiting} not graded yet. Run the same command again to go on from here.")
        if not self.changes_written and not self.interrupted:
            looks.append(
                f"Changes for {len(self.changes)} students were not written. Run again with --yes to write them."
            )
        return [head, *self.followed, *looks]


def _printable(text: str) -> str:
    """Return ``text`` as any terminal can show it: a folder's name may hold anything, and so may an error."""
    sound = text.encode("utf-8", errors="backslashreplace").decode("utf-8")
    return "".join(each if each.isprintable() or each == "\n" else f"\\x{ord(each):02x}" for each in sound)


# ---- pages of feedback


def page_content(
    design: bytes,
    assignment: Assignment,
    submission: Submission,
    result: Result,
    marks: Marks | None,
    name: BoardName | None,
    told: Sequence[str],
) -> str:
    """Return a hash of all that the page is made from: hidden tests are not among it."""
    cells = [(cell.grade_id, cell.cell_id, cell.kind, cell.release_source, cell.points) for cell in assignment.cells]
    shown = msgspec.structs.replace(result, assignment_key="", submission_key="", versions={}, entry=None)
    rest = [assignment.title, assignment.exercise_of, cells, submission, marks, name, list(told)]
    return digest(design, shown.content(), msgspec.json.encode(rest, order="deterministic"))


def state_of(path: Path) -> str:
    """Return a text that changes with a file; empty if there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"

"""The report on grading a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from autograder.engine.difference import StudentChange

__all__ = ["ClassReport", "Kind", "SubmissionReport"]

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

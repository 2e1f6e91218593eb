"""What grading a class came to."""

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
    """What became of one submission.

    Attributes:
        student: whose.
        kind: graded now; stored, its result being known; unreadable, not a notebook; not graded, the machinery having
            failed; misplaced, not where it belongs; unwritten, graded but not written into the gradebook.
        points: by checks; None without a result.
        reason: for a person, if something needs a look.
        seconds: that grading took.
        checks_run: how many checks really ran.
    """

    student: str
    kind: Kind
    points: float | None = None
    reason: str = ""
    seconds: float = 0.0
    checks_run: int = 0


class ClassReport(msgspec.Struct, frozen=True):
    """What became of a class.

    Attributes:
        assignment: its name.
        submissions: in the order of the students' ids.
        changes: what a regrade changes for those who were graded before.
        changes_written: whether those changes were written.
        interrupted: whether the run was stopped before its end.
        waiting: submissions that were not begun, or not finished, when it was stopped.
        seconds: wall time.
        start_seconds: of these, until the first worker had its first result.
        written: how many submissions were written into the gradebook.
        phases: seconds by what they went to, summed over submissions and workers.
        checks: seconds by check, the student's part included, summed over submissions.
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

    @property
    def counts(self) -> dict[str, int]:
        """How many submissions of each kind."""
        return dict(Counter(submission.kind for submission in self.submissions))

    @property
    def needing_a_look(self) -> Sequence[SubmissionReport]:
        """Submissions without a grade in the gradebook."""
        return [each for each in self.submissions if each.kind not in _FINE or each.reason]

    @property
    def exit_code(self) -> int:
        """0: all graded; 3: something needs a look; 130: stopped before the end."""
        if self.interrupted:
            return _INTERRUPTED
        return _NEEDS_A_LOOK if self.needing_a_look or not self.changes_written else 0

    def lines(self) -> list[str]:
        """The report for people: a line in all, and a line for each submission that needs a look."""
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items())) or "no submissions"
        head = f"{counts}; {self.written} written to the gradebook in {self.seconds:.1f} s."
        looks = [f"{each.student}: {each.kind}: {each.reason}" for each in self.needing_a_look]
        if self.interrupted:
            looks.append(f"Stopped; {self.waiting} not graded yet. Run the same command again to go on from here.")
        if not self.changes_written:
            looks.append(
                f"Changes for {len(self.changes)} students were not written. Run again with --yes to write them."
            )
        return [head, *looks]

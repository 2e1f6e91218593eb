"""The result of grading one submission: plain data, written the same way byte for byte for the same input."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

from autograder.challenge.entries import CompetitionEntry
from autograder.submission.model import Repair

__all__ = [
    "CheckResult",
    "Outcome",
    "Result",
    "GradingUsage",
    "FORGEABLE",
    "check_outputs",
    "decode_result",
    "encode_result",
]

FORGEABLE = "For graders: this check ran in the student's own process, so its result can be forged.\n"
"""The sentence on such a check in the graded notebook; pages for students leave it out."""
Outcome = Literal["passed", "partial", "failed", "not-reached"]


class CheckResult(msgspec.Struct, frozen=True):
    """The outcome of one check.

    Attributes:
        check: the check's grade_id.
        exercise: the exercise that it belongs to.
        points: the points earned, a number within [0, ``max_points``].
        max_points: the most points that can be earned.
        outcome: passed, partial, failed, or not-reached (the time of the whole submission was used up before).
        message: the message for the student; holds no hidden input and no expected value of a hidden test.
        diagnosis: the name of the misconception whose results these are, or empty.
        explanation: the misconception's sentence, or empty.
        observed: where no misconception fits, the visible traits of the wrong results; holds no value.
        inherited: the exercises whose errors make this check fail: with right ones in their place it passes.
        seen: whether the visible part already gave less than all points, so that the student could see it.
        level: in adopted courses, the level of grading: ``apart``, ``asked`` and for what, ``together``, ``by hand``.
    """

    check: str
    exercise: str
    points: float
    max_points: float
    outcome: Outcome
    message: str = ""
    diagnosis: str = ""
    explanation: str = ""
    observed: str = ""
    inherited: tuple[str, ...] = ()
    seen: bool = False
    level: str = ""

    @property
    def forgeable(self) -> bool:
        """True if the check was graded within the student's own process, so that the student can forge the result."""
        return self.level == "together"

    @property
    def text(self) -> str:
        """The whole text for the student: what happened, then its cause."""
        return "\n\n".join(filter(None, (self.message, self.explanation or self.observed)))


class GradingUsage(msgspec.Struct, frozen=True):
    """The time and memory that grading took. Not part of a result's content, so it is stored beside it.

    Attributes:
        cpu_seconds, wall_seconds, peak_rss_bytes: those of the whole submission.
        phases: wall seconds by what they went to.
        checks: wall seconds by check, the student's part included; empty in a result of an older version.
        questions: the number that went over the wire between the two processes, in either direction.
        entry: processor seconds of the competition's two processes, to train and to answer; zeros without an entry.
    """

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_rss_bytes: int = 0
    phases: dict[str, float] = msgspec.field(default_factory=dict)
    checks: dict[str, float] = msgspec.field(default_factory=dict)
    questions: int = 0
    entry: tuple[float, float] = (0.0, 0.0)


class Result(msgspec.Struct, frozen=True):
    """The outcome of grading one submission to one assignment.

    Attributes:
        assignment: the assignment's name.
        assignment_key: hash of all of the assignment that can change a grade.
        submission_key: hash of the student's code.
        status: ``graded``; or ``not-graded`` when the machinery failed, which is never a zero.
        reason: the reason why it was not graded.
        checks: one per check, in the assignment's order.
        outputs: for each code cell that ran, by cell id, its outputs in nbformat's form.
        repairs: the repairs to the submitted file before grading.
        usage: the time and memory used; not part of the result's content.
        versions: the versions of Python and the packages that can change a result.
        entry: the outcome of an entry to the challenge; for the board and the staff, never for a student's page.
    """

    assignment: str
    assignment_key: str
    submission_key: str
    status: Literal["graded", "not-graded"]
    reason: str = ""
    checks: tuple[CheckResult, ...] = ()
    outputs: dict[str, list[dict[str, Any]]] = msgspec.field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()
    usage: GradingUsage = GradingUsage()
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    entry: CompetitionEntry | None = None

    @property
    def points(self) -> float:
        """The points earned by checks; a written answer's points are a person's to give."""
        return sum(check.points for check in self.checks)

    def content(self) -> bytes:
        """Return the result without its times, as bytes: equal for equal results."""
        return msgspec.json.encode(msgspec.structs.replace(self, usage=GradingUsage()), order="deterministic")


def encode_result(result: Result) -> bytes:
    """Return the result as JSON bytes."""
    return msgspec.json.encode(result, order="deterministic")


def decode_result(data: bytes) -> Result:
    """Return the result that :func:`encode_result` wrote.

    Raises:
        msgspec.ValidationError: the bytes are JSON but not a result.
    """
    return msgspec.json.decode(data, type=Result)


def check_outputs(check: CheckResult, order: int) -> list[dict[str, Any]]:
    """Return a check's outputs as nbgrader reads a grade from them: a message, then one error or one plain number."""
    outputs: list[dict[str, Any]] = []
    if check.forgeable:
        outputs.append({"output_type": "stream", "name": "stdout", "text": FORGEABLE})
    if check.outcome in ("failed", "not-reached"):
        text = check.text or "This check failed."
        outputs.append({"output_type": "error", "ename": "CheckFailed", "evalue": text, "traceback": text.split("\n")})
        return outputs
    if check.message:
        outputs.append({"output_type": "stream", "name": "stdout", "text": check.message + "\n"})
    data = {"text/plain": json.dumps(float(check.points))}
    outputs.append({"output_type": "execute_result", "execution_count": order, "metadata": {}, "data": data})
    return outputs

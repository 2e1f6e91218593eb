"""The cause of a failed check: a misconception, an inherited error, or what can be seen of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from autograder.grading.check import CheckRun
from autograder.grading.diagnosis import diagnose
from autograder.grading.observing import observe
from autograder.grading.reference import ReferenceNotebook
from autograder.grading.result import CheckResult

__all__ = ["Cause", "Retrial", "explain", "with_cause"]


class Cause(NamedTuple):
    """The cause of a check's failure.

    Attributes:
        diagnosis: the name of a misconception, or empty.
        explanation: its sentence.
        observed: without a misconception, the visible traits of the wrong results.
    """

    diagnosis: str = ""
    explanation: str = ""
    observed: str = ""


class Retrial(NamedTuple):
    """An exercise's checks once more, with right functions in the place of wrong ones that it builds on.

    Attributes:
        below: the exercises that were replaced.
        runs: the checks.
    """

    below: tuple[str, ...]
    runs: Mapping[str, CheckRun]

    def inherited(self, run: CheckRun) -> tuple[str, ...]:
        """Return the exercises whose errors made ``run`` fail; none if it fails on right foundations, too."""
        again = self.runs[run.cell.grade_id]
        return self.below if run.fell_short and again.reached and not again.fell_short else ()


def explain(runs: Sequence[CheckRun], trusted: ReferenceNotebook) -> dict[str, Cause]:
    """Return the cause of each failed check of ``runs`` (all of one exercise), as far as there is one to be told."""
    named = diagnose(runs, trusted)
    causes = {check: Cause(answer.slug, answer.text) for check, answer in named.items()}
    unnamed = [run.cell.grade_id for run in runs if run.fell_short and run.cell.grade_id not in causes]
    if unnamed:
        observed = observe(runs, trusted)
        causes |= {check: Cause(observed=observed[check]) for check in unnamed if check in observed}
    return causes


def with_cause(
    result: CheckResult, cause: Cause | None, inherited: tuple[str, ...], follow_through: bool
) -> CheckResult:
    """Return ``result`` with its cause; with the points of a check that fails by others' errors, if they count."""
    if inherited:
        return _inheriting(result, inherited, follow_through)
    if cause is None or result.outcome == "passed":
        return result
    diagnosis, explanation, observed = cause
    return msgspec.structs.replace(result, diagnosis=diagnosis, explanation=explanation, observed=observed)


def _inheriting(result: CheckResult, inherited: tuple[str, ...], follow_through: bool) -> CheckResult:
    names = " and ".join(f"`{name}`" for name in inherited)
    sentence = (
        f"`{result.exercise}` is right here: with a right {names} in the place of yours this check passes."
        f" It only inherits the error of {names}."
    )
    if not follow_through:
        return msgspec.structs.replace(result, inherited=inherited, explanation=sentence)
    message = f"{sentence} An error is paid for once, so this check has its points."
    return msgspec.structs.replace(
        result, points=result.max_points, outcome="passed", message=message, inherited=inherited
    )

"""The part of a result that feedback tells while the deadline lies ahead, and how many bits that can carry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.authoring.regions import split_hidden
from autograder.grading.result import CheckResult, Result
from autograder.settings import Shown

__all__ = ["bits_told", "told_of"]

MERGED = "hidden checks"


def told_of(result: Result, assignment: Assignment, shown: Shown) -> Result:
    """Return the part of ``result`` that a page may be made from.

    Args:
        result: the result of grading.
        assignment: the assignment, which tells which checks have a hidden part.
        shown: ``full`` leaves it as it is. In ``brief``, a failure that only hidden parts saw becomes the number of
            hidden checks that pass, and what is seen of wrong results is left out unless it has a name. In ``points``
            no check shows anything.
    """
    if shown == "full":
        return result
    checks = list[CheckResult]()
    for exercise in dict.fromkeys(check.exercise for check in result.checks):
        own = [check for check in result.checks if check.exercise == exercise]
        checks += _summed(own) if shown == "points" else _brief(own, _hidden(assignment))
    return msgspec.structs.replace(result, checks=tuple(checks))


def _hidden(assignment: Assignment) -> set[str]:
    return {check.grade_id for check in assignment.checks if split_hidden(check.source)[1].strip()}


def _brief(checks: Sequence[CheckResult], hidden: set[str]) -> list[CheckResult]:
    seen = [msgspec.structs.replace(each, observed="", inherited=()) for each in checks if _visible(each, hidden)]
    rest = [each for each in checks if not _visible(each, hidden)]
    if all(each.outcome == "passed" for each in rest):
        return seen + [msgspec.structs.replace(each, message="", inherited=()) for each in rest]
    passed = sum(each.outcome == "passed" for each in rest)
    named = next((each for each in rest if each.explanation and not each.inherited), rest[0])
    message = (
        f"{passed} of {len(rest)} hidden checks of this exercise pass. Which ones do not is told after the deadline."
    )
    return [*seen, _merged(rest, message, named if not named.inherited else None)]


def _visible(check: CheckResult, hidden: set[str]) -> bool:
    """Return whether the outcome is what the student can see in the notebook."""
    return check.seen or check.check not in hidden


def _summed(checks: Sequence[CheckResult]) -> list[CheckResult]:
    if all(each.outcome == "passed" for each in checks):
        return [msgspec.structs.replace(each, message="", inherited=()) for each in checks]
    return [_merged(checks, "", None)]


def _merged(checks: Sequence[CheckResult], message: str, named: CheckResult | None) -> CheckResult:
    return CheckResult(
        MERGED,
        checks[0].exercise,
        sum(each.points for each in checks),
        sum(each.max_points for each in checks),
        "failed",
        message,
        diagnosis=named.diagnosis if named else "",
        explanation=named.explanation if named else "",
    )


def bits_told(assignment: Assignment) -> float:
    """Return the bits that one attempt's feedback can carry at most, in ``brief``, if each check gives all or nothing.

    For each exercise: the points, the number of hidden checks that pass, which visible parts fail, and a name.
    """
    hidden, bits = _hidden(assignment), 0.0
    for exercise in dict.fromkeys(check.exercise for check in assignment.checks):
        points = [
            check.points for check in assignment.checks if check.exercise == exercise and check.grade_id in hidden
        ]
        names = sum(assignment.exercise_of[each.of] == exercise for each in assignment.misconceptions)
        outcomes = {
            (sum(passed), round(sum(worth * got for worth, got in zip(points, passed, strict=True)), 6))
            for passed in product((0, 1), repeat=len(points))
        }
        bits += math.log2(len(outcomes)) + math.log2(1 + names) if points else 0.0
    return bits

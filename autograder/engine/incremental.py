"""The reuse of the parts of a stored result that are still valid after the assignment changed.

A check's result depends on the student's code, the instructor's given cells and solutions, the check's own source and
points, and the grader; not on the other checks. So after one hidden test changed, that test alone runs again. A failed
check is also explained, and which misconception explains it best is judged over all checks of its exercise: when a
check that runs again fails, the others of its exercise run again with it, and the outcome is what grading from scratch
gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.grading.lazy_entry import code_of, wants_to_count
from autograder.grading.result import CheckResult, GradingUsage, Result
from autograder.submission.model import Submission

__all__ = ["StoredResult", "check_keys", "explanation_keys", "grade_with", "without_checks", "reusable_results"]

Grade = Callable[[Submission, Assignment], Result]


class StoredResult(msgspec.Struct, frozen=True):
    """A result, with hashes of what each of its checks depended on.

    Attributes:
        result: the outcome.
        keys: a hash, for each check, of everything but the student's code that its outcome depends on.
        explained: a hash, for each check, of the misconceptions that a failure was compared with.
        repeated: the number of checks that really ran when this was made; the rest were taken from an earlier result.
    """

    result: Result
    keys: dict[str, str]
    explained: dict[str, str]
    repeated: int = 0


def check_keys(assignment: Assignment, grader: str) -> dict[str, str]:
    """Return, for each check, a hash of everything but the student's code that its outcome depends on.

    Args:
        assignment: the assignment that the checks belong to.
        grader: a hash of the grader's code, settings and secret.
    """
    cells = [cell for cell in assignment.cells if cell.kind in ("given", "exercise")]
    shared = [(cell.kind, cell.grade_id, cell.source) for cell in cells]
    base = _hash([grader, assignment.unit, shared])
    if assignment.adopted:  # A check may build on what the ones before it did.
        base = _hash([base, [(cell.grade_id, cell.source, cell.level) for cell in assignment.cells]])
    return {cell.grade_id: _hash([base, cell.grade_id, cell.source, cell.points]) for cell in assignment.checks}


def explanation_keys(assignment: Assignment) -> dict[str, str]:
    """Return, for each check, a hash of the misconceptions of its exercise and of the exercise's other checks."""
    of = assignment.exercise_of
    keys: dict[str, str] = {}
    for exercise in {of.get(check.exercise, "") for check in assignment.checks}:
        mistakes = [each for each in assignment.misconceptions if of[each.of] == exercise]
        checks = [check for check in assignment.checks if of.get(check.exercise, "") == exercise]
        key = _hash([mistakes, [(check.grade_id, check.source) for check in checks]])
        keys.update({check.grade_id: key for check in checks})
    return keys


def _hash(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:32]


def reusable_results(earlier: StoredResult, assignment: Assignment, keys: Mapping[str, str]) -> dict[str, CheckResult]:
    """Return the check results of ``earlier`` that grading again would give again."""
    explained = explanation_keys(assignment)
    return {
        result.check: result
        for result in earlier.result.checks
        if result.outcome != "not-reached"
        and earlier.keys.get(result.check) == keys.get(result.check)
        and (not result.message or earlier.explained.get(result.check) == explained.get(result.check))
    }


def grade_with(
    earlier: StoredResult | None, submission: Submission, assignment: Assignment, grader: str, grade: Grade
) -> StoredResult:
    """Grade ``submission``, keeping the valid parts of ``earlier``.

    Args:
        earlier: an outcome for the same code; None grades everything.
        submission: the student's notebook.
        assignment: the assignment as it is now.
        grader: a hash of the grader, as for :func:`check_keys`.
        grade: a function that grades a submission to an assignment from scratch.
    """
    keys = check_keys(assignment, grader)
    kept = _whole(reusable_results(earlier, assignment, keys), earlier.result, assignment) if earlier else {}
    if assignment.adopted and len(kept) < len(assignment.checks):
        kept = {}
    repeated = 0
    if earlier is None or len(kept) < len(assignment.checks):
        fresh, repeated = _run(kept, submission, assignment, grade)
        remaining = _without(kept, _exercises_with_failures(fresh, assignment), assignment)
        if len(remaining) < len(kept):
            kept = remaining
            fresh, repeated = _run(kept, submission, assignment, grade)
    else:
        fresh = earlier.result
    return StoredResult(
        _merged(fresh, kept, submission, assignment, earlier), keys, explanation_keys(assignment), repeated
    )


def _run(
    kept: Mapping[str, CheckResult], submission: Submission, assignment: Assignment, grade: Grade
) -> tuple[Result, int]:
    return grade(*without_checks(submission, assignment, kept.keys())), len(assignment.checks) - len(kept)


def without_checks(submission: Submission, assignment: Assignment, without: Set[str]) -> tuple[Submission, Assignment]:
    """Return both without the checks named in ``without``."""
    if not without:
        return submission, assignment
    cells = tuple(cell for cell in submission.cells if cell.grade_id not in without)
    fewer = tuple(cell for cell in assignment.cells if cell.grade_id not in without)
    return msgspec.structs.replace(submission, cells=cells), msgspec.structs.replace(assignment, cells=fewer)


def _whole(kept: dict[str, CheckResult], earlier: Result, assignment: Assignment) -> dict[str, CheckResult]:
    """Return ``kept`` without the exercises that failed somewhere and of which a check runs again."""
    changed = {
        assignment.exercise_of.get(check.exercise, "") for check in assignment.checks if check.grade_id not in kept
    }
    return _without(kept, changed & _exercises_with_failures(earlier, assignment), assignment)


def _without(kept: dict[str, CheckResult], exercises: Set[str], assignment: Assignment) -> dict[str, CheckResult]:
    of = assignment.exercise_of
    return {check: result for check, result in kept.items() if of.get(result.exercise, "") not in exercises}


def _exercises_with_failures(result: Result, assignment: Assignment) -> set[str]:
    of = assignment.exercise_of
    return {of[check.exercise] for check in result.checks if check.outcome != "passed" and check.exercise in of}


def _merged(
    fresh: Result,
    kept: Mapping[str, CheckResult],
    submission: Submission,
    assignment: Assignment,
    earlier: StoredResult | None,
) -> Result:
    ran = {check.check: check for check in fresh.checks}
    checks = tuple(kept.get(cell.grade_id) or ran[cell.grade_id] for cell in assignment.checks)
    entry = fresh.entry or (earlier.result.entry if earlier else None)
    if entry is not None:  # An entry that need not be trained again may be chosen anew all the same.
        entry = msgspec.structs.replace(entry, counts=wants_to_count(code_of(submission)))
    return msgspec.structs.replace(
        fresh,
        entry=entry,
        assignment=assignment.name,
        assignment_key=assignment.key,
        submission_key=submission.key,
        checks=checks,
        usage=_usage(fresh, checks, earlier),
        repairs=submission.repairs,
    )


def _usage(fresh: Result, checks: Sequence[CheckResult], earlier: StoredResult | None) -> GradingUsage:
    """Return the usage of this run; a check that did not run again counts the seconds that it took when it ran."""
    before = earlier.result.usage.checks if earlier else {}
    known = {**before, **fresh.usage.checks}
    seconds = {check.check: known[check.check] for check in checks if check.check in known}
    entered = fresh.usage.entry if fresh.entry or not earlier else earlier.result.usage.entry
    return msgspec.structs.replace(fresh.usage, checks=seconds, entry=entered)

"""The grading of one submission: a pure function of the submission, the assignment and the course secret.

A failed check is given its cause: a misconception, an inherited error, or what can be seen of the results.

A marker stands among the names of every hidden test. Where it appears in a result, something of them got out, and the
submission is not graded.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec

from autograder import __version__
from autograder.authoring.assignment import Assignment
from autograder.errors import MachineryError
from autograder.grading.adopted_check import AdoptedRun, AdoptedTests, run_together
from autograder.grading.check import CheckRun, own_warnings
from autograder.grading.diagnosis import diagnose
from autograder.grading.harness import foundations, on_right_foundations
from autograder.grading.lazy_entry import LazyEntry
from autograder.grading.observing import observe
from autograder.grading.reference import ReferenceNotebook, reference_for
from autograder.grading.result import CheckResult, GradingUsage, Result
from autograder.grading.student_session import Budget, StudentSession
from autograder.isolation.sandbox import Sandbox
from autograder.secrets import Secret
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

__all__ = [
    "Cause",
    "Retrial",
    "canary_of",
    "explain",
    "grade_submission",
    "not_graded",
    "refuse_leak",
    "versions",
    "with_cause",
]


# ---- the cause of a failed check


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
    with own_warnings():  # The instructor's code gets what a wrong answer made: it may well overflow.
        named = diagnose(runs, trusted)
        unnamed = [run.cell.grade_id for run in runs if run.fell_short and run.cell.grade_id not in named]
        observed = observe(runs, trusted) if unnamed else {}
    causes = {check: Cause(answer.slug, answer.text) for check, answer in named.items()}
    return causes | {check: Cause(observed=observed[check]) for check in unnamed if check in observed}


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


# ---- the marker of hidden tests


def canary_of(secret: Secret, assignment: Assignment) -> str:
    """Return the marker of ``assignment``: words that nobody types, from the course secret."""
    return f"canary-{secret.derive('canary', assignment.name).hex()[:24]}"


def refuse_leak(result: Result, canary: str) -> None:
    """Look for the marker in all that a student can see of ``result``.

    Raises:
        MachineryError: it is there. The submission is not graded until a person has looked.
    """
    if canary.encode() in result.content():
        raise MachineryError(
            f"{result.assignment}: the marker of the hidden tests is in what the student of submission "
            f"{result.submission_key[:8]} would see. Keep the file, find out how it got there, and report it."
        )


# ---- the grading itself


def grade_submission(
    submission: Submission,
    assignment: Assignment,
    sandbox: Sandbox,
    secret: Secret,
    settings: GradingSettings | None = None,
    hidden_data: Path | None = None,
    reference: ReferenceNotebook | None = None,
) -> Result:
    """Run the student's cells in the sandbox and the checks here; equal inputs give equal results.

    Args:
        hidden_data: the folder of the challenge's hidden pictures; only an assignment that competes needs it.
        reference: the instructor's side of an assignment that differs in nothing but its checks, if there is one.

    Raises:
        MachineryError: the sandbox failed, or a check did what no check may: the submission is not graded.
    """
    started = time.perf_counter()
    settings = settings or GradingSettings()
    trusted = reference or reference_for(assignment)
    side = StudentSession(submission, assignment, trusted, sandbox, settings, Budget(settings.total_seconds))
    canary = canary_of(secret, assignment)
    challenge = LazyEntry(side, secret, hidden_data)
    runs = _runs(side, secret, canary, challenge)
    try:
        _walk(side, runs)
        hidden_started = time.perf_counter()
        _run_hidden_parts(side, runs)
        run_together(side, {name: run for name, run in runs.items() if isinstance(run, AdoptedRun)})
    finally:
        side.close()
    ended = time.perf_counter()
    results = _results(runs, _retry(side, runs), side)
    phases = {
        "student": side.seconds,
        "hidden": ended - hidden_started,
        "visible": hidden_started - started - side.seconds,
        "diagnosis": time.perf_counter() - ended,
    }
    result = Result(
        assignment.name,
        assignment.key,
        submission.key,
        "graded",
        checks=results,
        outputs=side.outputs,
        repairs=submission.repairs,
        usage=GradingUsage(
            side.cpu_seconds,
            time.perf_counter() - started,
            side.peak_rss_bytes,
            phases,
            _check_seconds(runs),
            side.questions,
            challenge.seconds,
        ),
        versions=versions(),
        entry=challenge.entry,
    )
    refuse_leak(result, canary)
    return result


def _runs(side: StudentSession, secret: Secret, canary: str, challenge: LazyEntry) -> dict[str, CheckRun]:
    """Return the assignment's checks, not yet run."""
    assignment, names = side.assignment, side.trusted.adopted
    if names is not None:
        tests = AdoptedTests.of(side, names)
        return {cell.grade_id: AdoptedRun(cell, 0, canary, tests=tests) for cell in assignment.checks}
    return {
        cell.grade_id: CheckRun(cell, check_seed(secret, assignment, cell.grade_id), canary, challenge)
        for cell in assignment.checks
    }


def not_graded(assignment: Assignment, submission_key: str, reason: str) -> Result:
    """Return the result of a submission that the machinery failed to grade: no points, and no zero either."""
    return Result(assignment.name, assignment.key, submission_key, "not-graded", reason, versions=versions())


def check_seed(secret: Secret, assignment: Assignment, check: str) -> int:
    """Return the seed of a check's random inputs: secret, and the same for every student of the course."""
    return secret.seed("check", assignment.name, check)


def versions() -> dict[str, str]:
    """Return the versions that can change a result."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("numpy", "torch")}
    return {"autograder": __version__, "python": platform.python_version(), **packages}


def _check_seconds(runs: dict[str, CheckRun]) -> dict[str, float]:
    return {check: run.seconds for check, run in runs.items() if run.reached}


def _walk(side: StudentSession, runs: dict[str, CheckRun], *, quiet: bool = False) -> None:
    """Run the notebook from the top: the student's cells, and the visible part of each check."""
    for cell in side.submission.cells:
        if side.budget.spent:
            return
        side.advance(cell, again=quiet)
        if cell.kind == "check":
            run = runs[cell.grade_id]
            run.visible(side, _seconds(run, runs, side), quiet=quiet)


def _run_hidden_parts(side: StudentSession, runs: dict[str, CheckRun]) -> None:
    for run in runs.values():
        if run.reached and not side.budget.spent:
            run.hidden(side, _seconds(run, runs, side))


def _seconds(run: CheckRun, runs: dict[str, CheckRun], side: StudentSession) -> float:
    """Return the time for a check: a fifth of the usual where another check of the exercise already ran out of it."""
    slow = any(other.timed_out and other.cell.exercise == run.cell.exercise for other in runs.values())
    return side.budget.left(side.settings.check_seconds / (5 if slow else 1))


def _retry(side: StudentSession, runs: dict[str, CheckRun]) -> dict[str, Retrial]:
    """Return the checks once more, on right foundations, of each exercise that fails and builds on others that do."""
    by_exercise = _by_exercise(runs, side.assignment) if not side.assignment.adopted else {}
    erring: list[str] = []
    retrials = {}
    for exercise, group in by_exercise.items():
        if not any(run.fell_short for run in group):
            continue
        below = [] if _is_blank(side, exercise) else foundations(exercise, side.submission, side.assignment)
        below = [each for each in below if each in erring]
        if below and not side.budget.spent:
            fresh = {run.cell.grade_id: run.again() for run in group}
            _run_on_right_foundations(side, exercise, below, fresh)
            retrials[exercise] = Retrial(tuple(below), fresh)
        if exercise not in retrials or any(run.fell_short for run in retrials[exercise].runs.values()):
            erring.append(exercise)
    return retrials


def _is_blank(side: StudentSession, exercise: str) -> bool:
    """Return whether the student's cell is as it was handed out."""
    cell = side.assignment.exercises[exercise]
    return side.submission.cell(cell.grade_id).source.strip() == cell.release_source.strip()


def _run_on_right_foundations(
    side: StudentSession, exercise: str, below: Sequence[str], fresh: dict[str, CheckRun]
) -> None:
    """Run fresh checks on right foundations; show nothing that is printed or raised: it is the instructor's code."""
    submission = on_right_foundations(side.submission, side.assignment, exercise, below)
    again = StudentSession(
        submission, side.assignment, side.trusted, side.sandbox, side.settings, side.budget, allowance=side.allowance
    )
    try:
        _walk(again, fresh, quiet=True)
        _run_hidden_parts(again, fresh)
    finally:
        again.close()
        side.add_usage(again)


def _by_exercise(runs: dict[str, CheckRun], assignment: Assignment) -> dict[str, list[CheckRun]]:
    groups: dict[str, list[CheckRun]] = {name: [] for name in assignment.exercises}
    for run in runs.values():
        groups.setdefault(assignment.exercise_of.get(run.cell.exercise, ""), []).append(run)
    return groups


def _results(runs: dict[str, CheckRun], retrials: dict[str, Retrial], side: StudentSession) -> tuple[CheckResult, ...]:
    explained: dict[str, CheckResult] = {}
    for exercise, group in _by_exercise(runs, side.assignment).items():
        if not any(run.fell_short for run in group) or (side.assignment.adopted and not side.assignment.misconceptions):
            continue
        retrial = retrials.get(exercise)
        judged = list(retrial.runs.values()) if retrial else group
        causes = explain(judged, side.trusted)
        for run in group:
            inherited = retrial.inherited(run) if retrial else ()
            result = with_cause(run.result(), causes.get(run.cell.grade_id), inherited, side.settings.follow_through)
            explained[run.cell.grade_id] = result
    return tuple(explained.get(check) or run.result() for check, run in runs.items())

"""The grader of a worker, which grades with a warm sandbox and reuses what is still valid of a stored result.

It grades by :func:`autograder.grading.grade.grade_submission`, in a child.

After the assignment changed, the parts of a stored result that are still valid are kept. A check's result depends on
the student's code, the instructor's given cells and solutions, the check's own source and points, and the grader; not
on the other checks. So after one hidden test changed, that test alone runs again. A failed check is also explained, and
which misconception explains it best is judged over all checks of its exercise: when a check that runs again fails, the
others of its exercise run again with it, and the outcome is what grading from scratch gives.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.engine.worker import Bundle, Job, Options, sandbox_settings
from autograder.errors import MachineryError
from autograder.grading.adopted_check import with_files_beside
from autograder.grading.grade import grade_submission
from autograder.grading.lazy_entry import code_of, competes, outer_seconds, wants_to_count
from autograder.grading.reference import beside_notebook, reference_for
from autograder.grading.result import CheckResult, GradingUsage, Result
from autograder.grading.student_session import names_torch
from autograder.isolation.sandbox import Sandbox
from autograder.submission.model import Submission, SubmissionCell

__all__ = [
    "Grader",
    "StoredResult",
    "check_keys",
    "explanation_keys",
    "grade_with",
    "reusable_results",
    "solved",
    "without_checks",
]

Grade = Callable[[Submission, Assignment], Result]


# ---- the parts of a stored result that are still valid


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


# ---- the grader


class Grader:
    """A grader of submissions in one sandbox.

    Args:
        options: the folders that the sandbox may read, and the layers that may be missing.
        sandbox: a line to a warm one, to be used first; default one of its own.
    """

    def __init__(self, options: Options, sandbox: Sandbox | None = None) -> None:
        self._options = options
        self._lent = sandbox
        self._hidden = Path(options.hidden_data) if options.hidden_data else None
        self._sandbox: Sandbox | None = None
        self._seen: dict[str, int] = {}

    @staticmethod
    def preload() -> None:
        """Import what hidden tests usually import, once for all workers."""
        import matplotlib.pyplot  # noqa: F401 -- given cells do
        import scipy.signal  # noqa: F401

    def start(self) -> None:
        """Take the sandbox that was lent, or make one.

        Raises:
            LayerMissing: this machine lacks a layer of it.
        """
        self._sandbox, self._lent = self._lent, None
        if self._sandbox is None:
            self._sandbox = Sandbox.start(**sandbox_settings(self._options))

    def start_again(self) -> None:
        """Get a sandbox in which nothing from before is left."""
        if self._sandbox is None:
            self.start()
        else:
            self._sandbox.restart()

    def close(self) -> None:
        """End the sandbox."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def deadline(self, bundle: Bundle) -> float:
        """Return twice the submission's own time, for a result graded in two parts, plus some grace, in seconds."""
        return outer_seconds(bundle.assignment, bundle.settings, times=2)

    def _beside_notebook(self, assignment: Assignment) -> contextlib.AbstractContextManager[None]:
        """Work where the released notebook lies, so that its relative paths hold on the trusted side, too."""
        if assignment.adopted:
            return with_files_beside([Path(path) for path in self._options.readable], assignment)
        return beside_notebook(Path(self._options.notebooks) if self._options.notebooks else None, assignment)

    def prepare(self, bundle: Bundle, job: Job) -> None:
        """Do once, here, what every child would otherwise do for itself.

        The instructor's own cells run at the first submission. At the second one that is graded whole, the instructor's
        own solution is graded, which fills every cache and makes every late import; a single submission, or one of
        which a few checks run again, is not made to wait for that.
        """
        if self._sandbox is not None and not self._sandbox.torch and names_torch(job.submission, bundle.assignment):
            self._sandbox.close()
            self._options = msgspec.structs.replace(self._options, torch=True)
            self._sandbox = Sandbox.start(**sandbox_settings(self._options))
        with self._beside_notebook(bundle.assignment):
            self._prepare(bundle, whole=not job.earlier)

    def _prepare(self, bundle: Bundle, *, whole: bool) -> None:
        first = bundle.digest not in self._seen
        seen = self._seen.setdefault(bundle.digest, 0)
        self._seen[bundle.digest] += whole
        if first:
            reference_for(bundle.assignment)
            _ = bundle.grader  # Kept with the bundle; every child would hash the sources again.
            if self._hidden is not None and competes(bundle.assignment):
                from autograder.challenge.competition import hidden_test

                hidden_test(bundle.secret, self._hidden)
        elif whole and seen == 1 and self._sandbox is not None:
            # Without the hidden pictures, so that it does not train an entry.
            reference = reference_for(bundle.assignment)
            answers = solved(bundle.assignment)
            with contextlib.suppress(Exception):  # If it fails, each submission's own grading will say why.
                with reference.remembered.learning():
                    grade_submission(answers, bundle.assignment, self._sandbox, bundle.secret, bundle.settings)
                reference.get_ready()
            gc.collect()
            gc.freeze()

    def grade(self, bundle: Bundle, job: Job) -> bytes:
        """Return the encoded :class:`StoredResult`, in which the valid parts of an earlier one are kept."""
        sandbox, secret = self._sandbox, bundle.secret
        if sandbox is None:
            raise MachineryError("The sandbox is not running. Run the command again.")

        reference = None if bundle.assignment.adopted else reference_for(bundle.assignment)

        def from_scratch(submission: Submission, assignment: Assignment) -> Result:
            return grade_submission(submission, assignment, sandbox, secret, bundle.settings, self._hidden, reference)

        earlier = msgspec.json.decode(job.earlier, type=StoredResult) if job.earlier else None
        with self._beside_notebook(bundle.assignment):
            graded = grade_with(earlier, job.submission, bundle.assignment, bundle.grader, from_scratch)
        return msgspec.json.encode(graded, order="deterministic")


def solved(assignment: Assignment) -> Submission:
    """Return the instructor's own answers as a submission."""
    cells = tuple(
        SubmissionCell(
            cell.kind,  # type: ignore[arg-type]
            cell.grade_id,
            cell.cell_id,
            cell.source if cell.kind in ("exercise", "free") else cell.release_source,
            cell.exercise,
            cell.cell_type,  # type: ignore[arg-type]
        )
        for cell in assignment.cells
    )
    return Submission(cells, (), "solved")

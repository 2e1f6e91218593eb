"""A check: its visible part runs when the notebook reaches it, its hidden part once all student code has run.

Hidden parts come last because what a student's code sees there, it must have no later occasion to print. A check goes
on after its first failure, which alone decides points and message: all later questions are evidence for the
diagnosis.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType, TracebackType
from typing import Any

import numpy as np

from autograder.authoring.assignment import AssignmentCell
from autograder.authoring.source_cells import split_hidden
from autograder.errors import AuthoringError, AutograderError, MachineryError
from autograder.grading.comparison import kind_of, type_name
from autograder.grading.harness import GUARD, CompiledCell, compile_check, harness_names
from autograder.grading.lazy_entry import LazyEntry
from autograder.grading.result import CheckResult, Outcome
from autograder.grading.student_session import StudentSession
from autograder.isolation.failures import StudentError, WorkerLost, plain_text
from autograder.isolation.lending import Unlendable
from autograder.isolation.proxies import RecordedCall
from autograder.isolation.shared_functions import allow_source
from autograder.isolation.student_process import StudentProcess
from autograder.lab import CheckFailed
from autograder.submission.model import Stopped, cause_of, missing_name

__all__ = ["CheckRun", "own_warnings"]

_MESSAGE_LIMIT = 4000
_EVIDENCE_SHARE = 0.25
"""The share of a check's time for which it goes on after its first failure."""
_EVIDENCE_CALLS = 2000
_BLANK = "This exercise is still blank."
_WORD = re.compile(r"[a-z][a-z'’-]*[.,:;]*(?=\s|$)")


class _EnoughEvidence(Exception):
    """The end of a failed check that has gone on for long enough."""


@dataclass
class CheckRun:
    """One check on its way through a submission.

    Attributes:
        cell: the check's cell in the assignment.
        seed: the seed of its random inputs, from the course secret.
        canary: a marker that no student may ever see, among the names of the hidden part.
        challenge: the competition in which a hidden part may enter the submission.
        failure: the failure so far, in words for the student; empty if there is none.
        exchanges: every call that it made to the student's code, with what came back.
        seconds: wall time, the student's part included.
        seen: whether the visible part, run in its place in the notebook, gave less than all of its points.
    """

    cell: AssignmentCell
    seed: int
    canary: str = ""
    challenge: LazyEntry | None = None
    failure: str = ""
    points: float | None = None
    exchanges: list[RecordedCall] = field(default_factory=list)
    seconds: float = 0.0
    timed_out: bool = False
    reached: bool = False
    blank: bool = False
    seen: bool = False
    _until: float = math.inf
    _names: dict[str, Any] = field(default_factory=dict)
    _worker: StudentProcess | None = None
    _printed: io.StringIO = field(default_factory=io.StringIO)

    def visible(self, side: StudentSession, seconds: float, *, quiet: bool = False) -> None:
        """Run the part that students see, with all that a student's code says of it in the message."""
        source, hidden = split_hidden(self.cell.source)
        self._worker = side.worker
        aside = partial(_unrecorded, side)
        harness = harness_names(
            side.trusted.solution,
            self.seed,
            side.find,
            self.canary,
            self.challenge,
            aside,
            partial(self._public, side),
            lambda word: side.worker.error_names(word),
            side.trusted.remembered,
        )
        self._names = {**side.captured_names.get(self.cell.grade_id, {}), **side.trusted.given, **harness}
        self._printed = io.StringIO()
        self.exchanges.clear()
        self.reached = True
        part = compile_check(source, self.cell.grade_id)
        for code, text in part.functions.items():
            allow_source(code, text, side.trusted.given)
        self._run(part, side, seconds, quiet=quiet, last=not hidden.strip())
        if not quiet:
            self.seen = self.fell_short if not hidden.strip() else bool(self.failure)

    def hidden(self, side: StudentSession, seconds: float) -> None:
        """Run the hidden part, if there is one; where the visible part failed, for evidence alone.

        The notebook's functions are again what they were when it reached this check.

        If the student's process was lost since, what the visible part made there is gone: it runs again first.
        """
        _, source = split_hidden(self.cell.source)
        if not source.strip() or self.blank or self.timed_out:
            return
        worker = side.worker
        if worker is not self._worker and self.failure:
            return
        try:
            worker.return_to(self.cell.grade_id)
        except StudentError as error:
            self.failure = self.failure or _explain(error, True, "", side.stopped)
            return
        if worker is not self._worker:
            self.visible(side, seconds, quiet=True)
        if not self.timed_out:
            self._run(compile_check(source, self.cell.grade_id), side, seconds, quiet=True, last=True)

    def again(self) -> CheckRun:
        """Return the same check, not yet run."""
        return CheckRun(self.cell, self.seed, self.canary, self.challenge)

    @property
    def fell_short(self) -> bool:
        """True if the check was reached and gave less than all of its points."""
        return self.reached and (bool(self.failure) or (self.points or 0.0) < self.cell.points)

    def _public(self, side: StudentSession, function: Callable[..., Any]) -> Callable[..., Any]:
        """Let a function of the hidden part run in the student's process: its author says that it is not a secret."""
        _, source = split_hidden(self.cell.source)
        functions = compile_check(source, self.cell.grade_id).functions
        code = function.__code__ if isinstance(function, FunctionType) else None
        if code is None or code not in functions:
            raise AuthoringError(
                f"check '{self.cell.grade_id}': public() takes a function that this hidden part defines in one"
                f" statement, not {function!r}."
            )
        allow_source(code, functions[code], side.trusted.given, everywhere=True)
        return function

    def _run(self, part: CompiledCell, side: StudentSession, seconds: float, *, quiet: bool, last: bool) -> None:
        worker, started = side.worker, time.perf_counter()
        if self.failure:
            seconds *= _EVIDENCE_SHARE
            self._until = time.monotonic() + seconds
        worker.deadline, worker.transcript, worker.quiet = time.monotonic() + seconds, self.exchanges, quiet
        self._names[GUARD] = _Guard(self, side, quiet, seconds * _EVIDENCE_SHARE)
        try:
            with contextlib.redirect_stdout(self._printed), own_warnings():
                value = part.execute(self._names)
            if last and not self.failure:
                self.points = self._credit(value)
        except _EnoughEvidence:
            pass
        except Unlendable as error:
            raise AuthoringError(f"check '{self.cell.grade_id}': {error}") from error
        except Exception as error:
            if _is_machinery(error):
                raise
            if not self.failure:
                self._fail(error, quiet, side)
        finally:
            worker.deadline, worker.transcript, worker.quiet = None, None, False
            self.seconds += time.perf_counter() - started
        side.stop_if_failed()

    def _fail(self, error: Exception, quiet: bool, side: StudentSession) -> None:
        """Note the failure for the student, with the place in their code if an error is what failed."""
        self.timed_out = self._worker is not None and self._worker.lost == "timeout"
        raised = any(isinstance(each, StudentError) for each in (error, error.__cause__))
        place = side.place() if raised else ""
        self.failure = _explain(error, quiet, place, side.stopped)
        self.blank = self.failure.partition("\n")[0].startswith(_BLANK.rstrip("."))

    def _credit(self, value: object) -> float:
        """Return the points that a check's last expression stands for: all of them if it is not a number.

        Raises:
            TypeError: it is an array. Where a number was meant, a student's empty list made it one, and earned all.
        """
        if kind_of(value) == "array":
            raise TypeError(f"check '{self.cell.grade_id}' ends in an array, which is not a number of points")
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            return self.cell.points
        points = float(value)
        if not math.isfinite(points) or not 0 <= points <= self.cell.points:
            raise MachineryError(
                f"check '{self.cell.grade_id}' gave {points} points of {self.cell.points}. Correct the check."
            )
        return points

    def result(self) -> CheckResult:
        """Return the check's points, outcome and message, without their cause."""
        cell, points = self.cell, self.earned
        printed = self._printed.getvalue().rstrip()[:_MESSAGE_LIMIT]
        if not self.reached:
            message = "The time for the whole notebook was used up before this check."
            return CheckResult(cell.grade_id, cell.exercise, 0.0, cell.points, "not-reached", message)
        outcome: Outcome = "failed" if self.failure else "passed" if points == cell.points else "partial"
        # A check may quote what the student's code returned, where a terminal would obey it.
        message = plain_text("\n".join(filter(None, (printed, self.failure))), _MESSAGE_LIMIT)
        return CheckResult(cell.grade_id, cell.exercise, points, cell.points, outcome, message, seen=self.seen)

    @property
    def earned(self) -> float:
        """The points that the check gives."""
        return 0.0 if self.failure or self.points is None else self.points


_ENDS = (WorkerLost, _EnoughEvidence)


class _Guard:
    """A guard that notes the first failure among a check's statements and lets the check go on, for evidence.

    A check does not go on where the exercise is blank or the student's process is gone.

    Args:
        run: the check.
        side: the student's.
        quiet: whether this is its hidden part.
        seconds: the time for which it goes on.
    """

    def __init__(self, run: CheckRun, side: StudentSession, quiet: bool, seconds: float) -> None:
        self._run = run
        self._side = side
        self._quiet = quiet
        self._seconds = seconds

    def __enter__(self) -> None:
        run = self._run
        if run.failure and (time.monotonic() > run._until or len(run.exchanges) > _EVIDENCE_CALLS):
            raise _EnoughEvidence

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, _ENDS) or _is_machinery(error):
            return False
        run = self._run
        if not run.failure:
            run._fail(error, self._quiet, self._side)
            run._until = time.monotonic() + self._seconds
        return not run.blank


def _is_machinery(error: Exception) -> bool:
    """Return whether the grader itself failed, so that nothing is known of the student's code."""
    return isinstance(error, AutograderError) and not isinstance(error, StudentError)


@contextlib.contextmanager
def own_warnings() -> Iterator[None]:
    """Keep a check's warnings out of its verdict and away from the grader's terminal: wrong answers cause some."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _unrecorded(side: StudentSession) -> Iterator[None]:
    """Leave calls made meanwhile out of the diagnosis, as those that depend on random numbers."""
    worker = side.worker
    transcript, worker.transcript = worker.transcript, None
    try:
        yield
    finally:
        worker.transcript = transcript


def _explain(error: Exception, quiet: bool, place: str, stopped: Sequence[Stopped]) -> str:
    """Return the message for the student. In a hidden part: no value, and nothing that the student's code chose."""
    if isinstance(error, CheckFailed):
        shown = CheckFailed(error.summary, hint=error.hint, case=error.case) if quiet else error
        cause = error.__cause__
        why = _why_missing(cause, stopped) if isinstance(cause, NameError) else ""
        where = f"It was raised {place}." if place else ""
        return "\n".join(filter(None, (_sentence(str(shown)), where, _sentence(why))))
    if isinstance(error, NameError) and not isinstance(error, StudentError) and error.name:
        why = cause_of(error.name, stopped) or "its cell is missing, or it did not run to its end."
        return f"`{error.name}` is not defined: {why}"
    if isinstance(error, WorkerLost):
        return f"{_sentence(error.message)}."
    if type_name(error) == "NotImplementedError":
        return _BLANK
    if isinstance(error, StudentError):
        where = f" {place}" if place else ""
        detail = "" if quiet or not error.message else f": {error.message}"
        why = _why_missing(error, stopped) if isinstance(error, NameError) else ""
        return "\n".join(filter(None, (f"Your code raised {type_name(error)}{where}{detail}", _sentence(why))))
    if isinstance(error, AssertionError):
        return _sentence("the check failed" if quiet or not str(error) else str(error))
    return f"What your code returned cannot be used here ({type(error).__name__})."


def _why_missing(error: NameError, stopped: Sequence[Stopped]) -> str:
    """Name the cell that took the name along; in a hidden part, which hides the name, the first that stopped."""
    name = missing_name(str(error))
    return cause_of(name, stopped) if name or not stopped else f"before that, {stopped[0].sentence}"


def _sentence(text: str) -> str:
    """Return the text with a capital, unless it begins with what may be a name of the notebook: `fit()` or `w1`."""
    return text[:1].upper() + text[1:] if _WORD.match(text) else text

"""The grading of one notebook on inputs that are nobody's; nothing is written down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType

import msgspec
from rich.console import Console

from autograder.course import Course
from autograder.engine.messages import options_of
from autograder.engine.shared_sandbox import sandbox_settings
from autograder.errors import AuthoringError, AutograderError, UnreadableSubmission
from autograder.file_watch import changes, stamp_of
from autograder.grading.result import Result
from autograder.isolation.sandbox import Sandbox
from autograder.practice.practice_report import print_practice
from autograder.secrets import Secret
from autograder.selfcheck.subject import Subject, find_subject

__all__ = ["Practice", "PracticeSession", "practise"]

_BYTES = 32
_LOOKS = 0.3
"""The number of seconds between looks at a watched file."""


class Practice(msgspec.Struct, frozen=True):
    """The outcome of practising with a notebook.

    Attributes:
        subject: the notebook, as the grader reads it.
        result: the result of grading it.
        left_out: checks that enter a competition, by name: they train for minutes and are not practised.
        seconds: the wall time.
    """

    subject: Subject
    result: Result
    left_out: tuple[str, ...]
    seconds: float

    @property
    def complete(self) -> bool:
        """True if every check that ran gave all of its points."""
        return all(check.outcome == "passed" for check in self.result.checks)


class PracticeSession:
    """A session that grades one notebook again and again in a sandbox that stays warm.

    Args:
        course: the course of the assignments; it has their sources.
        missing_ok: layers of the sandbox to do without, by name.

    Raises:
        LayerMissing: this machine lacks a layer of the sandbox.
    """

    def __init__(self, course: Course, missing_ok: tuple[str, ...] = ()) -> None:
        self._course = course
        self._sandbox = Sandbox.launch(**sandbox_settings(options_of(course, missing_ok)))
        self._warm = False

    def __enter__(self) -> PracticeSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sandbox.close()

    def grade(self, path: Path) -> Practice:
        """Grade the notebook at ``path``, hidden checks and diagnosis included, with inputs from a fresh seed.

        Raises:
            UnreadableSubmission: it is not a notebook of the course, or it is damaged; the message tells what to do.
        """
        # Imported while the sandbox starts: together these two take most of the first round.
        from autograder.engine.incremental import without_checks
        from autograder.grading.grade import grade_submission
        from autograder.grading.lazy_entry import competition_checks

        started = time.perf_counter()
        subject = find_subject(path, self._course)
        if not subject.assignment.name:
            raise UnreadableSubmission(
                f"{path} is none of the assignments that {self._course.source} holds. "
                "Practice needs their sources; without them, run: autograder check"
            )
        left_out = competition_checks(subject.assignment)
        submission, assignment = without_checks(subject.submission, subject.assignment, left_out)
        if not self._warm:
            self._sandbox.wait()
            self._warm = True
        result = grade_submission(submission, assignment, self._sandbox, Secret(os.urandom(_BYTES)), subject.settings)
        return Practice(subject, result, tuple(sorted(left_out)), time.perf_counter() - started)


def practise(
    course: Course,
    path: Path,
    *,
    watch: bool = False,
    console: Console | None = None,
    missing_ok: tuple[str, ...] = (),
    going: Callable[[], bool] = lambda: True,
) -> Practice | None:
    """Grade the notebook at ``path`` and print what the page of feedback would show.

    Args:
        watch: True to repeat this at every save, until interrupted; an unreadable file is reported and waited out.
        going: asked before every look at a watched file; it ends when this returns False.

    Returns:
        The last round's outcome; None if there was none.

    Raises:
        AuthoringError: the course has no sources.
        UnreadableSubmission: as for :meth:`PracticeSession.grade`, unless it is watched.
    """
    screen = console or Console()
    if not course.assignments():
        raise AuthoringError(
            f"There are no sources in {course.source}, so there is nothing to grade with. Run: autograder check {path}"
        )
    with PracticeSession(course, missing_ok) as session:
        return _watch(session, path, screen, going) if watch else _round(session, path, screen)


def _round(session: PracticeSession, path: Path, screen: Console) -> Practice:
    done = session.grade(path)
    print_practice(done.subject.assignment, done.subject.submission, done.result, done.left_out, screen)
    screen.print(f"Graded in {done.seconds:.1f} s, on inputs made for this run alone.", highlight=False, style="dim")
    return done


def _watch(session: PracticeSession, path: Path, screen: Console, going: Callable[[], bool]) -> Practice | None:
    done = None
    for _ in changes(partial(stamp_of, path), _LOOKS, going):
        try:
            done = _round(session, path, screen)
        except AutograderError as error:
            screen.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        screen.print(f"Waiting for {path} to be saved; Ctrl-C ends this.", style="dim", highlight=False, soft_wrap=True)
    return done

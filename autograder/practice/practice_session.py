"""Practice: one notebook graded on inputs that are nobody's, and its feedback printed in the terminal.

Nothing is written down. What is printed is what the page of feedback would show.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.engine.worker import options_of, sandbox_settings
from autograder.errors import AuthoringError, AutograderError, UnreadableSubmission
from autograder.files import changes, stamp_of
from autograder.gradebook.feedback import ExerciseSummary, exercise_summaries
from autograder.gradebook.sanitising import as_plain_text
from autograder.grading.result import CheckResult, Result
from autograder.isolation.sandbox import Sandbox
from autograder.secrets import Secret
from autograder.selfcheck.subject import Subject, find_subject
from autograder.submission.model import Submission
from autograder.terminal import show

__all__ = ["Practice", "PracticeSession", "practise", "print_practice"]

# ---- the printed feedback

_LONGEST = 2000


def print_practice(
    assignment: Assignment, submission: Submission, result: Result, left_out: Sequence[str], console: Console
) -> None:
    """Print points by exercise, what to look at again and why, cells that stopped, and what was repaired.

    Args:
        left_out: checks that were not run, by name.
    """
    exercises = exercise_summaries(assignment, submission, result)
    console.print(_table(exercises))
    by_hand = assignment.max_points - assignment.auto_points
    skipped = sum(cell.points for cell in assignment.checks if cell.grade_id in left_out)
    show(console, _total(result, assignment.auto_points - skipped, by_hand))
    for exercise in exercises:
        if exercise.failed:
            _print_exercise(exercise, console)
    for line in (*_stopped(submission, result), *_repaired(submission), *_skipped(left_out, skipped)):
        show(console, line)


def _table(exercises: Sequence[ExerciseSummary]) -> Table:
    table = Table("Exercise", "State", box=SIMPLE_HEAD, show_edge=False)
    table.add_column("Points", justify="right")
    for exercise in exercises:
        failed = len(exercise.failed)
        state = "passes" if not failed else "empty" if exercise.blank else f"{failed} failed"
        table.add_row(Text(exercise.name), state, f"{exercise.points:g} of {exercise.max_points:g}")
    return table


def _total(result: Result, possible: float, by_hand: float) -> str:
    points = round(result.points, 2)
    told = f"{points:g} of {possible:g} points by checks, hidden ones included."
    return f"{told} A person who reads written answers gives {by_hand:g} more." if by_hand else told


def _print_exercise(exercise: ExerciseSummary, console: Console) -> None:
    console.print(Text(f"\n{exercise.name}", style="bold"))
    if exercise.blank:
        console.print("  You left this exercise empty.")
        return
    for sentence in exercise.explanations:
        show(console, _indented(sentence, "  "), "yellow")
    for check in exercise.failed:
        console.print(Text(f"  {_name(check)}: {round(check.points, 2):g} of {check.max_points:g} points"))
        said = "\n".join(filter(None, (check.message, "" if check.explanation else check.observed)))
        show(console, _indented(as_plain_text(said, _LONGEST), "    "))
    if exercise.section:
        show(console, f"  Read again: “{exercise.section}” in the notebook.")


def _name(check: CheckResult) -> str:
    return check.check.removeprefix("check-").replace("-", " ")


def _stopped(submission: Submission, result: Result) -> Iterator[str]:
    """Yield a line for each of the student's cells that raised an error."""
    for cell in submission.cells:
        for output in result.outputs.get(cell.cell_id, []):
            if output.get("output_type") == "error" and "NotImplementedError" not in str(output.get("ename")):
                what = f"your code for {cell.exercise}" if cell.kind == "exercise" else "a cell"
                said = as_plain_text(f"{output.get('ename')}: {output.get('evalue')}", 400)
                yield f"In {what}, as it ran: {said}"


def _repaired(submission: Submission) -> Iterator[str]:
    for repair in submission.repairs:
        yield as_plain_text(f"{repair.cell or 'The file'}: {repair.what} {repair.why}", 1000)


def _skipped(left_out: Sequence[str], points: float) -> Iterator[str]:
    if left_out:
        yield f"Not run, because they train an entry for minutes: {', '.join(left_out)} ({points:g} points)."


def _indented(text: str, by: str) -> str:
    return "\n".join(f"{by}{line}" for line in text.splitlines())


# ---- the grading

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
        from autograder.engine.grader import without_checks
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
            show(screen, str(error), "red")
        show(screen, f"Waiting for {path} to be saved; Ctrl-C ends this.", "dim")
    return done

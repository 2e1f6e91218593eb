"""A request to look at a submission again: grade it, show the difference, keep the reason, update what follows."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.class_run import MakeExecutor
from autograder.engine.difference import CheckChange, StudentChange, difference_table, regrade_difference
from autograder.engine.grading_report import ClassReport
from autograder.engine.journal import Journal, JournalRow
from autograder.engine.progress import Progress
from autograder.errors import CourseError, GradebookError, LeaderboardError
from autograder.gradebook.result_store import ResultStore
from autograder.leaderboard.publishing import log_of, publish_boards

__all__ = ["Regrade", "regrade_submission", "read_regrades"]

_FORMATS = ("html", "csv", "json")


class Regrade(msgspec.Struct, frozen=True):
    """What a request came to.

    Attributes:
        at: when, in UTC.
        student, assignment: whose, and which.
        reason: why it was looked at again.
        before, after: points by checks; None where there was no result.
        checks: those whose points changed.
        boards: published again because of it.
    """

    at: dt.datetime
    student: str
    assignment: str
    reason: str
    before: float | None
    after: float | None
    checks: tuple[CheckChange, ...] = ()
    boards: tuple[str, ...] = ()


def regrade_submission(
    course: Course,
    student: str,
    assignment: str,
    reason: str,
    *,
    yes: bool = False,
    console: Console | None = None,
    make_executor: MakeExecutor | None = None,
    progress: Progress | None = None,
) -> Regrade | None:
    """Grade one student's submission from scratch, and write what changes.

    A new submission may have been collected before. Points given by hand stay. Feedback is written again, and so is
    every board that has been published, with the reason in its log.

    Args:
        yes: write what changes without asking.
        make_executor, progress: as for :func:`autograder.engine.api.grade_class`.

    Returns:
        What changed; None if it was not written.

    Raises:
        CourseError: the reason is empty.
        GradebookError: the submission could not be graded.
    """
    if not reason.strip():
        raise CourseError(f"Why is {assignment} of {student} graded again? Say it with --reason; it is kept.")
    screen = console or Console()
    before = _entry(course, assignment, student)
    accept = (lambda *_: True) if yes else None
    report = grade_class(
        course,
        assignment,
        students=[student],
        again=True,
        confirm=accept,
        make_executor=make_executor,
        progress=progress,
    )
    _refuse_failure(report, student, assignment)
    if not report.changes_written:
        return None
    done = _difference(course, student, assignment, reason.strip(), before)
    _show(done, screen)
    boards = _publish(course, assignment, f"regrade of {assignment}: {reason.strip()}", screen)
    done = msgspec.structs.replace(done, boards=tuple(boards))
    _keep(course, done)
    return done


def read_regrades(course: Course) -> list[Regrade]:
    """All requests that were answered, the oldest first."""
    path = _path(course)
    if not path.is_file():
        return []
    try:
        return [msgspec.json.decode(line, type=Regrade) for line in path.read_bytes().splitlines() if line]
    except msgspec.MsgspecError as error:
        raise GradebookError(f"{path} is damaged: {error}. Put back your last copy, or move it away.") from error


def _path(course: Course) -> Path:
    return course.results / "regrades.jsonl"


def _entry(course: Course, assignment: str, student: str) -> JournalRow | None:
    with Journal(course.results / "journal.db") as journal:
        return journal.entries(assignment).get(student)


def _refuse_failure(report: ClassReport, student: str, assignment: str) -> None:
    for each in report.needing_a_look:
        if each.student == student and each.kind not in ("graded", "stored"):
            raise GradebookError(f"{assignment} of {student} is {each.kind}: {each.reason} Its grade stays as it was.")
    if report.interrupted:
        raise GradebookError(f"Stopped before {assignment} of {student} was graded. Run the same command again.")


def _difference(course: Course, student: str, assignment: str, reason: str, before: JournalRow | None) -> Regrade:
    store, after = ResultStore(course.results / "results"), _entry(course, assignment, student)
    old = store.get(before.written_key) if before and before.written_key else None
    new = store.get(after.result_key) if after and after.result_key else None
    checks = regrade_difference(old, new) if old and new else ()
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return Regrade(now, student, assignment, reason, old.points if old else None, new.points if new else None, checks)


def _show(done: Regrade, screen: Console) -> None:
    if done.checks:
        change = StudentChange(done.student, done.before or 0.0, done.after or 0.0, done.checks)
        screen.print(difference_table([change], done.assignment))
    else:
        same = "has a first result" if done.before is None else "is the same as before"
        screen.print(f"{done.assignment} of {done.student} {same}: {done.after:g} points by checks.", highlight=False)


def _publish(course: Course, assignment: str, reason: str, screen: Console) -> Sequence[str]:
    """Publish again the boards that the assignment counts for, if they have been published before."""
    published = []
    for name in (assignment, None):
        if not log_of(course, name or "course").records():
            continue
        try:
            published.append(publish_boards(course, name, _FORMATS, console=screen, reason=reason).name)
        except LeaderboardError as error:
            screen.print(f"The board of {name or 'the course'} was not published: {error}", style="red", markup=False)
    return published


def _keep(course: Course, done: Regrade) -> None:
    path = _path(course)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(msgspec.json.encode(done) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise GradebookError(f"The grade is written, but its reason could not be kept in {path}: {error}.") from error

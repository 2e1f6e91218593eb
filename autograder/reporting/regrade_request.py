"""A request to look at a submission again: grade it, show the difference, keep the reason, update what follows."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from sqlalchemy.engine import make_url

from autograder.authoring.adopted import units_of
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.class_run import MakeExecutor
from autograder.engine.grading_report import (
    CheckChange,
    ClassReport,
    StudentChange,
    difference_table,
    regrade_difference,
)
from autograder.engine.progress import Progress
from autograder.errors import CourseError, GradebookError, LeaderboardError
from autograder.gradebook.journal import Journal, JournalRow, ResultStore
from autograder.gradebook.marks import Total
from autograder.gradebook.store import Gradebook
from autograder.leaderboard.publishing import log_of, publish_boards

__all__ = ["Regrade", "read_regrades", "regrade_submission", "regraded_units"]

_FORMATS = ("html", "csv", "json")


class Regrade(msgspec.Struct, frozen=True):
    """The outcome of a request.

    Attributes:
        at: the time, in UTC.
        student, assignment: the student and the assignment.
        reason: the reason why it was looked at again.
        before, after: points by checks; None where there was no result.
        checks: those whose points changed.
        total_before, total_after: the totals in the gradebook, by hand and lateness included; None without one.
        penalty_before, penalty_after: points of these that are lost for lateness.
        boards: the boards published again because of it.
    """

    at: dt.datetime
    student: str
    assignment: str
    reason: str
    before: float | None
    after: float | None
    checks: tuple[CheckChange, ...] = ()
    boards: tuple[str, ...] = ()
    total_before: float | None = None
    total_after: float | None = None
    penalty_before: float = 0.0
    penalty_after: float = 0.0

    @property
    def changed(self) -> bool:
        """True if any of the student's numbers has changed."""
        pairs = ((self.total_before, self.total_after), (self.penalty_before, self.penalty_after))
        return bool(self.checks) or any(abs((one or 0.0) - (other or 0.0)) > 1e-9 for one, other in pairs)


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
        yes: True to write what changes without asking.
        make_executor, progress: as for :func:`autograder.engine.api.grade_class`.

    Returns:
        What changed; None if it was not written.

    Raises:
        CourseError: the reason is empty.
        GradebookError: the submission could not be graded.
    """
    if not reason.strip():
        raise CourseError(f"Why is {assignment} of {student} graded again? Give the reason with --reason; it is kept.")
    _refuse_nothing(course, student, assignment)
    screen = console or Console()
    before, total = _entry(course, assignment, student), _total(course, assignment, student)
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
    done = _with_totals(done, total, _total(course, assignment, student))
    _show(done, screen)
    boards = _publish(course, assignment, f"regrade of {assignment}: {reason.strip()}", screen)
    done = msgspec.structs.replace(done, boards=tuple(boards))
    _keep(course, done)
    return done


def regraded_units(course: Course, student: str, assignment: str) -> list[str]:
    """Return what is graded again for one request: of an adopted course, the notebooks that the student handed in.

    Raises:
        AuthoringError: there is no such assignment.
    """
    units = units_of(course, assignment)
    handed_in = [unit for unit in units if (course.submitted / student / f"{unit}.ipynb").is_file()]
    return handed_in if len(units) > 1 and handed_in else units


def read_regrades(course: Course) -> list[Regrade]:
    """Return all requests that were answered, the oldest first."""
    path = _path(course)
    if not path.is_file():
        return []
    try:
        return [msgspec.json.decode(line, type=Regrade) for line in path.read_bytes().splitlines() if line]
    except msgspec.MsgspecError as error:
        raise GradebookError(f"{path} is damaged: {error}. Restore your last copy, or move it away.") from error


def _path(course: Course) -> Path:
    return course.results / "regrades.jsonl"


def _entry(course: Course, assignment: str, student: str) -> JournalRow | None:
    with Journal(course.results / "journal.db") as journal:
        return journal.entries(assignment).get(student)


def _refuse_nothing(course: Course, student: str, assignment: str) -> None:
    folder = course.submitted / student / assignment.partition("/")[0]
    if folder.name in course.assignments() and not folder.is_dir():
        raise GradebookError(f"There is no {folder}: {student} handed in nothing to {folder.name}. Check both names.")


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


def _total(course: Course, assignment: str, student: str) -> Total | None:
    """Return the student's total as nbgrader's own pages show it; None if there is none."""
    address = make_url(course.gradebook_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        return None
    with Gradebook.of(course) as gradebook:
        return gradebook.totals(_without_notebook(assignment), written=True).get(student)


def _without_notebook(unit: str) -> str:
    """Return the assignment of a notebook of an adopted course: ``ps1`` of ``ps1/problem1``."""
    return unit.partition("/")[0]


def _with_totals(done: Regrade, before: Total | None, after: Total | None) -> Regrade:
    return msgspec.structs.replace(
        done,
        total_before=before.points if before and done.before is not None else None,
        total_after=after.points if after else None,
        penalty_before=before.penalty if before else 0.0,
        penalty_after=after.penalty if after else 0.0,
    )


def _show(done: Regrade, screen: Console) -> None:
    if done.before is not None and done.changed:
        change = StudentChange(
            done.student,
            done.before,
            done.after or 0.0,
            done.checks,
            done.total_before,
            done.total_after,
            done.penalty_before,
            done.penalty_after,
        )
        screen.print(difference_table([change], done.assignment))
    else:
        same = "has a first result" if done.before is None else "is the same as before"
        total = "" if done.total_after is None else f", {done.total_after:g} in all"
        line = f"{done.assignment} of {done.student} {same}: {done.after:g} points by checks{total}."
        screen.print(line, highlight=False)


def _publish(course: Course, assignment: str, reason: str, screen: Console) -> Sequence[str]:
    """Publish again the boards that the assignment counts for, if they have been published before."""
    published = []
    for name in (_without_notebook(assignment), None):
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

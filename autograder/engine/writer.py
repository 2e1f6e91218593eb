"""The one place from which a run writes: gradebook, graded notebooks, feedback, and then the journal."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.authoring.assignment import Assignment
from autograder.challenge.competition_results import FILE_NAME, record_results, result_of
from autograder.course import Course
from autograder.engine.identity import digest
from autograder.engine.journal import Journal, JournalRow
from autograder.gradebook.roster_names import full_names
from autograder.grading.result import Result
from autograder.submission.model import Submission

if TYPE_CHECKING:
    from autograder.gradebook.store import Gradebook

__all__ = ["ToWrite", "Writer"]


@dataclass(frozen=True)
class ToWrite:
    """A graded submission that is to be written.

    Attributes:
        entry: what the journal says of it.
        submission: the student's notebook.
        result: its result.
    """

    entry: JournalRow
    submission: Submission
    result: Result


def _page_design() -> bytes:
    """The template of feedback pages: when it changes, pages are written again."""
    return resources.files("autograder.gradebook").joinpath("templates", "feedback.html.j2").read_bytes()


def _points_in(url: str, assignment: str) -> dict[str, float]:
    """Points by checks that the gradebook at ``url`` holds, by student."""
    from sqlalchemy import func, select

    from autograder.gradebook.database import Database
    from autograder.gradebook.registration import ASSIGNMENT, GRADE, SUBMITTED_NOTEBOOK
    from autograder.gradebook.write_submission import SUBMITTED

    points = (
        select(SUBMITTED.c.student_id, func.sum(GRADE.c.auto_score))
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .join(GRADE, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
        .where(ASSIGNMENT.c.name == assignment)
        .group_by(SUBMITTED.c.student_id)
    )
    database = Database(url)
    try:
        rows = database.read(lambda connection: connection.execute(points).all())
    finally:
        database.close()
    return {str(student): float(total or 0.0) for student, total in rows}


class Writer:
    """Writes graded submissions in batches. Writing one twice changes nothing, so a run may be killed at any point.

    The gradebook is opened when the first batch is written: a run that changes nothing does not need it, nor the
    libraries behind it, whose import takes seconds.

    Attributes:
        written: how many submissions were written.
        seconds: how long each part of writing took in all.
    """

    def __init__(self, course: Course, assignment: Assignment, journal: Journal) -> None:
        self._course = course
        self._assignment = assignment
        self._journal = journal
        self._gradebook: Gradebook | None = None
        full_names(course)  # A mistake in the roster is said before anything is graded.
        self._submitted, self._autograded, self._feedback = course.submitted, course.autograded, course.feedback
        self._terms = f"{course.settings(assignment.name).due} {course.config.grading.late_penalty_per_day}".encode()
        self._terms += _page_design()
        self.written = 0
        self.seconds: dict[str, float] = defaultdict(float)

    def get_ready(self) -> None:
        """Import what writing needs, while there is nothing to write yet."""
        import autograder.gradebook.feedback
        import autograder.gradebook.store  # noqa: F401

    def close(self) -> None:
        """Close the gradebook, and note how it was left."""
        if self._gradebook is not None:
            self._gradebook.close()
            self._journal.leave_note("gradebook", self._gradebook_mark())

    def mark(self, entry: JournalRow) -> str:
        """Names what the gradebook and the graded files hold once ``entry`` is written."""
        try:
            stamp = self._file(self._submitted, entry.student, "timestamp.txt").read_bytes()
        except OSError:
            stamp = b""
        return digest(entry.digest.encode(), entry.result_key.encode(), stamp, self._terms)

    def is_written(self, entry: JournalRow) -> bool:
        """Whether gradebook and files already hold ``entry``, as far as can be told without opening the gradebook."""
        name, student = self._assignment.notebook, entry.student
        return (
            bool(entry.written)
            and entry.written == self.mark(entry)
            and self._file(self._autograded, student, f"{name}.ipynb").exists()
            and self._file(self._feedback, student, f"{name}.html").exists()
        )

    def disputed(self, entries: Sequence[JournalRow]) -> set[str]:
        """Students of ``entries`` for whom the gradebook does not hold what the journal says was written to it.

        A gradebook file that nobody touched since the last run is not opened.
        """
        mark = self._gradebook_mark()
        if mark and mark == self._journal.note("gradebook"):
            return set()
        points = _points_in(self._course.gradebook_url, self._assignment.name)
        return {entry.student for entry in entries if points.get(entry.student) != entry.points}

    def write(self, batch: Sequence[ToWrite]) -> None:
        """Write ``batch``; the journal says so only when all of it is written.

        Raises:
            GradebookError: something could not be written. What was written stays, the rest is written next time.
        """
        if not batch:
            return
        from autograder.gradebook.feedback import write_feedback
        from autograder.gradebook.files import read_timestamp, write_autograded
        from autograder.gradebook.write_submission import GradedSubmission

        course, assignment = self._course, self._assignment
        with self._timed("database"):
            gradebook = self._open()
            students = [item.entry.student for item in batch]
            moments = [read_timestamp(course, student, assignment.name) for student in students]
            graded = [
                GradedSubmission(student, item.submission, item.result, moment)
                for student, item, moment in zip(students, batch, moments, strict=True)
            ]
            gradebook.record_all(assignment, graded)
        with self._timed("conversion"):
            for item in batch:
                write_autograded(course, assignment, item.entry.student, item.submission, item.result)
        with self._timed("feedback"):
            # The gradebook keeps what a person gave before: the page must not lose it.
            marks = gradebook.marks(assignment, students)
            for item in batch:
                student = item.entry.student
                write_feedback(course, assignment, student, item.submission, item.result, marks.get(student))
        entered = [
            result_of(item.result.entry, item.entry.student, self._handed_in(item.entry.student))
            for item in batch
            if item.result.entry is not None
        ]
        record_results(course.results / FILE_NAME, entered)
        entries = [
            item.entry._replace(written=self.mark(item.entry), written_key=item.entry.result_key) for item in batch
        ]
        self._journal.enter(assignment.name, entries)
        self.written += len(batch)

    def _handed_in(self, student: str) -> dt.datetime:
        """When a submission was handed in: as ``timestamp.txt`` says, else when the file was written."""
        from autograder.gradebook.files import read_timestamp

        moment = read_timestamp(self._course, student, self._assignment.name)
        if moment is not None:
            return moment
        written = self._file(self._submitted, student, f"{self._assignment.notebook}.ipynb").stat().st_mtime
        return dt.datetime.fromtimestamp(int(written), dt.UTC)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] += time.perf_counter() - started

    def _open(self) -> Gradebook:
        if self._gradebook is None:
            from autograder.gradebook.store import Gradebook

            self._gradebook = Gradebook.of(self._course)
            self._gradebook.register(self._assignment, self._course.settings(self._assignment.name).due)
        return self._gradebook

    def _file(self, root: Path, student: str, file: str) -> Path:
        return root / student / self._assignment.name / file

    def _gradebook_mark(self) -> str:
        """Tells whether an SQLite file was touched; empty for a server, or if there is no file."""
        url = self._course.gradebook_url
        if not url.startswith("sqlite:///"):
            return ""
        try:
            status = Path(url.removeprefix("sqlite:///")).stat()
        except OSError:
            return ""
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"

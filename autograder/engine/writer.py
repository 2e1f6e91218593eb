"""The writer of a run, the only one: gradebook, graded notebooks, feedback, and then the journal."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.challenge.competition_results import FILE_NAME, record_results, result_of
from autograder.course import Course
from autograder.engine.grading_report import StudentChange, page_content, state_of
from autograder.errors import AutograderError, GradebookError, GradebookUnusable
from autograder.gradebook.journal import Journal, JournalRow, digest
from autograder.gradebook.notice import full_names
from autograder.gradebook.stamps import Stamp, read_stamp, stamp_bytes
from autograder.grading.result import Result
from autograder.submission.model import Submission

if TYPE_CHECKING:
    from autograder.gradebook.marks import Marks, Total
    from autograder.gradebook.notice import BoardName, Notice
    from autograder.gradebook.sanitising import Pictures
    from autograder.gradebook.store import Gradebook
    from autograder.gradebook.write_submission import GradedSubmission
    from autograder.leaderboard.entrant import BoardNames

__all__ = ["ToWrite", "Writer", "reason_of"]


def reason_of(step: str, error: BaseException) -> str:
    """Return a sentence on a failure: the step, the error, and that nothing is lost."""
    if isinstance(error, AutograderError):
        return f"{step}: {error}" if step else str(error)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{step} failed ({said[:300]}). The next run tries it again; if it fails again, report it with this line."


@dataclass(frozen=True)
class ToWrite:
    """A graded submission that is to be written.

    Attributes:
        entry: its entry in the journal.
        submission: the student's notebook.
        result: its result.
    """

    entry: JournalRow
    submission: Submission
    result: Result


def _page_design() -> bytes:
    """Return the template of feedback pages and what fills it: when these change, pages are written again."""
    folder = resources.files("autograder.gradebook")
    code = ("feedback.py", "rendering.py", "sanitising.py")
    return b"".join(folder.joinpath(name).read_bytes() for name in ("templates/feedback.html.j2", *code))


class Writer:
    """A writer of graded submissions, in batches. Writing one twice changes nothing: a run may be killed at any point.

    The gradebook is opened when the first batch is written: a run that changes nothing does not need it, nor the
    libraries behind it, whose import takes seconds.

    Attributes:
        written: the number of submissions that were written.
        followed: lines on totals whose late penalty followed points given by hand since.
        seconds: the time that each part of writing took in all.
    """

    def __init__(
        self, course: Course, assignment: Assignment, journal: Journal, missing_ok: Sequence[str] = ()
    ) -> None:
        self._course = course
        self._assignment = assignment
        self._journal = journal
        self._missing_ok = missing_ok
        self._gradebook: Gradebook | None = None
        self._pictures: Pictures | None = None
        self._names: BoardNames | None = None
        self._step = ""
        full_names(course)  # A mistake in the roster is reported before anything is graded.
        self._submitted, self._autograded, self._feedback = course.submitted, course.autograded, course.feedback
        self._design = _page_design()
        self._rules = _late_settings(course, assignment.name)
        self._unchanged = self._whole = self._pending = False
        self.written = 0
        self.followed: list[str] = []
        self.seconds: dict[str, float] = defaultdict(float)

    def get_ready(self) -> None:
        """Import the modules that writing needs, while there is nothing to write yet."""
        import autograder.gradebook.feedback
        import autograder.gradebook.store  # noqa: F401

    def close(self) -> None:
        """Close the gradebook, and note its state if nothing is left to be settled in it."""
        if self._pictures is not None:
            self._pictures.close()
        if self._gradebook is None:
            return
        self._gradebook.close()
        settled = (self._unchanged or self._whole) and not self._pending
        self._journal.leave_note(self._note, self._state() if settled else "")

    def mark(self, entry: JournalRow) -> str:
        """Return a hash of what the gradebook and the graded files hold once ``entry`` is written."""
        stamp = stamp_bytes(self._submitted / entry.student / self._assignment.name)
        return digest(entry.digest.encode(), entry.result_key.encode(), stamp, self._design)

    def is_written(self, entry: JournalRow) -> bool:
        """Return whether gradebook and files hold ``entry``, as far as is known without opening the gradebook."""
        name, student = self._assignment.notebook, entry.student
        return (
            bool(entry.written)
            and entry.written == self.mark(entry)
            and self._file(self._autograded, student, f"{name}.ipynb").exists()
            and self.has_page(student)
        )

    def has_page(self, student: str) -> bool:
        """Return whether there is a page of feedback for ``student``."""
        return self._page(student).exists()

    def unsettled(self, entries: Sequence[JournalRow], everyone: bool) -> set[str]:
        """Return the students of ``entries`` for whom the gradebook does not hold what it should.

        Either it lacks the points that were written to it according to the journal, or their lateness is not what
        the rules, extensions and stamps give now. Penalties follow points that a person has given since. A gradebook
        that nobody touched since the last run, under the same rules, is not opened.

        Args:
            entries: the journal entries that were written.
            everyone: whether these are all students of the class.
        """
        state = self._state()
        self._whole, self._unchanged = everyone, bool(state) and state == self._journal.note(self._note)
        if self._unchanged or not entries:
            return set()
        from autograder.gradebook.marks import change_lines

        name, students = self._assignment.name, [entry.student for entry in entries]
        from autograder.gradebook.marks import check_points

        points = check_points(self._course.gradebook_url, name, self._assignment.notebook)
        missing = {entry.student for entry in entries if points.get(entry.student) != entry.points}
        with self._timed("database"):
            gradebook = self._open()
            self.followed += change_lines(name, gradebook.follow_points(name))
            return missing | gradebook.outdated(name, self.stamps(students))

    def stamps(self, students: Sequence[str]) -> dict[str, Stamp]:
        """Return the time stamps of ``students``."""
        return {student: read_stamp(self._course, student, self._assignment.name) for student in students}

    def questions(self, students: Sequence[str]) -> dict[str, str]:
        """Return, for each of ``students`` whose lateness a person has to decide, a sentence on why and how."""
        stamps = {student: stamp for student, stamp in self.stamps(students).items() if stamp.fault or stamp.unknown}
        if not stamps:
            return {}
        with self._timed("database"):
            return self._open().questions(self._assignment.name, stamps)

    def changes(self, items: Sequence[tuple[ToWrite, StudentChange]]) -> list[StudentChange | None]:
        """Return each change with its totals in the gradebook; None where nothing that anybody sees changes."""
        if not items:
            return []
        with self._timed("database"):
            found = self._open().preview(self._assignment, [self._graded(item) for item, _ in items])
        return [_with_totals(change, *pair) for (_, change), pair in zip(items, found, strict=True)]

    def leave(self) -> None:
        """Note that changes were not written: the next run shows them again."""
        self._pending = True

    def write(self, batch: Sequence[ToWrite]) -> dict[str, str]:
        """Write ``batch``; the journal records each submission only when all of it is written.

        Returns:
            The step and the reason for each student whose submission could not be written. The next run tries again.

        Raises:
            GradebookUnusable: nothing can be written at all. What was written stays, the rest is written next time.
        """
        if not batch:
            return {}
        try:
            self._open()
        except GradebookUnusable:
            raise
        except GradebookError as error:
            raise GradebookUnusable(str(error)) from error
        failed: dict[str, str] = {}
        recorded = self._recorded(batch, failed)
        students = [item.entry.student for item in recorded]
        marks = self._marks(students)
        entries: list[JournalRow] = []
        for item in recorded:
            student = item.entry.student
            with self._guarded(student, failed):
                self._write_files(item, marks.get(student))
                entries.append(item.entry._replace(written=self.mark(item.entry), written_key=item.entry.result_key))
        self._entered([entry for entry in entries if entry.student not in failed], failed)
        return failed

    def write_notice(self, student: str, notice: Notice) -> str:
        """Replace a student's feedback by a page that shows why there is no grade. Return the reason if that fails."""
        from autograder.gradebook.feedback import write_notice

        failed: dict[str, str] = {}
        with self._guarded(student, failed), self._timed("feedback"):
            self._step = "writing the page"
            write_notice(self._course, self._assignment, student, notice, self._board_name(student))
        return failed.get(student, "")

    def _recorded(self, batch: Sequence[ToWrite], failed: dict[str, str]) -> list[ToWrite]:
        """Record ``batch`` in one transaction, or else each in one of its own, and return those that are recorded."""
        graded: list[tuple[ToWrite, GradedSubmission]] = []
        with self._timed("database"):
            for item in batch:
                with self._guarded(item.entry.student, failed):
                    graded.append((item, self._graded(item)))
            try:
                self._open().record_all(self._assignment, [each for _, each in graded])
            except GradebookUnusable:
                raise
            except Exception:
                for item, each in graded:
                    with self._guarded(item.entry.student, failed):
                        self._step = "writing to the gradebook"
                        self._open().record_all(self._assignment, [each])
        return [item for item, _ in graded if item.entry.student not in failed]

    def _marks(self, students: Sequence[str]) -> Mapping[str, Marks]:
        """Return the gradebook's marks of each student: points that a person gave before must not be lost on a page."""
        try:
            return self._open().marks(self._assignment, students)
        except GradebookUnusable:
            raise
        except Exception:
            return {}  # Each one's page asks again, and fails alone.

    def _write_files(self, item: ToWrite, marks: Marks | None) -> None:
        from autograder.gradebook.feedback import write_feedback
        from autograder.gradebook.graded_notebooks import write_autograded
        from autograder.gradebook.sanitising import Album
        from autograder.leaderboard.entrant import lines_for

        course, assignment, student = self._course, self._assignment, item.entry.student
        self._step = "reading the marks"
        marks = marks or self._open().marks(assignment, [student]).get(student)
        pictures = self._pictures_of()
        if item.result.entry is not None:  # before the page, which tells of it
            self._step = "keeping the entry to the challenge"
            entered = result_of(item.result.entry, student, self._handed_in(student))
            record_results(course.results / FILE_NAME, [entered])
        with self._timed("conversion"):
            self._step = "writing the graded notebook"
            write_autograded(course, assignment, student, item.submission, item.result, Album(pictures))
        with self._timed("feedback"):
            self._step = "writing the feedback"
            name = self._board_name(student)
            told, album = lines_for(course, assignment, student, item.result), Album(pictures)
            shown = page_content(self._design, assignment, item.submission, item.result, marks, name, told)
            note, page = f"page {assignment.unit} {student}", self._page(student)
            if self._journal.note(note) != f"{shown} {state_of(page)}":
                write_feedback(course, assignment, student, item.submission, item.result, marks, album, name, told)
                self._journal.leave_note(note, f"{shown} {state_of(page)}")

    def _entered(self, entries: Sequence[JournalRow], failed: dict[str, str]) -> None:
        """Note in the journal what is written: all at once, or else each alone."""
        try:
            self._journal.enter(self._assignment.unit, entries)
            self.written += len(entries)
        except Exception:
            for entry in entries:
                with self._guarded(entry.student, failed):
                    self._step = "noting it in the journal"
                    self._journal.enter(self._assignment.unit, [entry])
                    self.written += 1

    @contextmanager
    def _guarded(self, student: str, failed: dict[str, str]) -> Iterator[None]:
        """Note a failure inside the block in ``failed``, for this student alone.

        A page of an earlier grading must not stay in the place of the one that could not be written.
        """
        try:
            yield
        except GradebookUnusable:
            raise
        except Exception as error:
            failed[student] = reason_of(self._step, error)
            with suppress(OSError):
                self._page(student).unlink(missing_ok=True)

    def _pictures_of(self) -> Pictures:
        if self._pictures is None:
            from autograder.gradebook.sanitising import Pictures

            self._pictures = Pictures.of(self._course, self._missing_ok)
        return self._pictures

    def _board_name(self, student: str) -> BoardName | None:
        if self._names is None:
            from autograder.leaderboard.entrant import BoardNames

            self._names = BoardNames.of(self._course, self._assignment.name)
        return self._names.of_student(student)

    def _handed_in(self, student: str) -> dt.datetime:
        """Return the time when a submission was handed in: that in ``timestamp.txt``, else the file's own."""
        stamp = read_stamp(self._course, student, self._assignment.name)
        if stamp.at is not None:
            return stamp.at
        written = self._file(self._submitted, student, f"{self._assignment.notebook}.ipynb").stat().st_mtime
        return dt.datetime.fromtimestamp(int(written), dt.UTC)

    def _graded(self, item: ToWrite) -> GradedSubmission:
        from autograder.gradebook.write_submission import GradedSubmission

        self._step = "reading the time stamp"
        student = item.entry.student
        stamp = read_stamp(self._course, student, self._assignment.name)
        return GradedSubmission(student, item.submission, item.result, stamp)

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

    def _page(self, student: str) -> Path:
        return self._file(self._feedback, student, f"{self._assignment.notebook}.html")

    @property
    def _note(self) -> str:
        return f"gradebook {self._assignment.unit}"

    def _state(self) -> str:
        """Return a text that changes with an SQLite file or the rules; empty for a server, or if there is no file."""
        url = self._course.gradebook_url
        if not url.startswith("sqlite:///"):
            return ""
        state = state_of(Path(url.removeprefix("sqlite:///")))
        return state and f"{state} {self._rules}"


def _late_settings(course: Course, assignment: str) -> str:
    """Return a hash of everything that decides what lateness costs, besides stamps and the gradebook."""
    files = [course.root / name for name in ("nbgrader_config.py", "students.csv")]
    settings = (course.settings(assignment), course.late_policy(assignment), course.config.extensions)
    return digest(
        msgspec.json.encode(settings, order="deterministic"),
        *(path.read_bytes() if path.is_file() else b"" for path in files),
    )


def _with_totals(change: StudentChange, before: Total | None, after: Total) -> StudentChange | None:
    if before is None:
        return change if change.checks else None
    if before.same(after) and not change.checks:
        return None
    return msgspec.structs.replace(
        change,
        total_before=before.points,
        total_after=after.points,
        penalty_before=before.penalty,
        penalty_after=after.penalty,
        late_before=before.late,
        late_after=after.late,
    )

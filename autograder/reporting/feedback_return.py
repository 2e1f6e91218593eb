"""Pages of feedback made again from stored results, with what a person has given since.

``autograder feedback`` writes them. They also take the place of nbgrader's own feedback: ``generate_feedback`` and the
formgrader's button make them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from nbconvert.exporters import HTMLExporter

from autograder.authoring.assignment import Assignment
from autograder.collecting.records import groups_of
from autograder.course import Course
from autograder.engine.discover import Found, discover, load_cached_assignment, settle
from autograder.engine.known_results import read_file
from autograder.engine.worker import Bundle
from autograder.engine.writer import reason_of
from autograder.errors import AutograderError, GradebookError, UnreadableSubmission
from autograder.gradebook.feedback import feedback_page, write_feedback
from autograder.gradebook.journal import Journal, JournalRow, ResultStore, result_key
from autograder.gradebook.marks import Marks
from autograder.gradebook.sanitising import Album, Pictures
from autograder.gradebook.store import Gradebook, bring_up_to_date
from autograder.grading.result import Result
from autograder.leaderboard.entrant import BoardNames, lines_for
from autograder.submission.alignment import align, load_submission
from autograder.submission.matching import catalogue_of
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

__all__ = ["FeedbackExporter", "FeedbackReturn", "page_of", "return_feedback", "stored_result"]


# ---- autograder feedback


class FeedbackReturn(msgspec.Struct, frozen=True):
    """The outcome of writing pages again.

    Attributes:
        assignment: its name.
        written: the students whose pages were written.
        open: those of them with a written answer that waits for a person.
        folder: the folder that holds them.
        left: for everybody else, the reason why there is no new page, and what to do.
        followed: lines on late penalties that followed points given by hand.
    """

    assignment: str
    written: tuple[str, ...]
    open: tuple[str, ...]
    left: tuple[tuple[str, str], ...]
    followed: tuple[str, ...] = ()
    folder: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if every page was written, 3 if somebody needs a look."""
        return 3 if self.left else 0

    def lines(self) -> list[str]:
        """Return the report for people."""
        waiting = f" {len(self.open)} with a written answer that is not graded yet." if self.open else ""
        head = f"{self.assignment}: pages of feedback written: {len(self.written)}, in {self.folder}.{waiting}"
        return [*self.followed, head, *(f"{student}: {reason}" for student, reason in self.left)]


def return_feedback(course: Course, name: str, students: Sequence[str] | None = None) -> FeedbackReturn:
    """Write the pages of ``students`` (default: everyone who handed in) again, as the gradebook is now.

    Nothing is graded. One whose page cannot be written is named in the outcome, and the others go on.

    Raises:
        AuthoringError: there is no such assignment.
        GradebookError: the gradebook cannot be read.
    """
    assignment = load_cached_assignment(course, name)
    others = partial(catalogue_of, course)
    discovery = settle(discover(course, assignment.name, assignment.notebook, students), assignment, others)
    with Journal(course.results / "journal.db") as journal:
        entries = journal.entries(assignment.unit)
    stored, left = _stored(course, assignment, discovery.found, entries)
    followed = bring_up_to_date(course, [assignment.name]) if stored else []
    marks, disputes = _marks(course, assignment, list(stored))
    names, written = BoardNames.of(course, assignment.name), []
    with Pictures.of(course) as pictures:
        for student, (submission, result) in stored.items():
            if student not in marks:
                left[student] = f"The gradebook does not have it. {_grade(student, name)}"
                continue
            try:
                on_board, album = names.of_student(student), Album(pictures)
                told = lines_for(course, assignment, student, result)
                write_feedback(course, assignment, student, submission, result, marks[student], album, on_board, told)
                written.append(student)
            except Exception as error:  # One page's trouble is never another's.
                left[student] = reason_of("writing the page", error)
    misplaced = [(each.student, each.reason) for each in discovery.misplaced]
    opened = tuple(student for student in written if marks[student].open)
    remaining = tuple(sorted([*misplaced, *left.items(), *disputes]))
    return FeedbackReturn(name, tuple(written), opened, remaining, tuple(followed), str(course.feedback))


Stored = dict[str, tuple[Submission, Result]]


def _stored(
    course: Course, assignment: Assignment, found: Sequence[Found], entries: Mapping[str, JournalRow]
) -> tuple[Stored, dict[str, str]]:
    """Return each submission with the result that the gradebook was given, and why the others have none."""
    store = ResultStore(course.results / "results")
    stored: Stored = {}
    left: dict[str, str] = {}
    for each in found:
        try:
            stored[each.student] = stored_result(each, assignment, entries.get(each.student), store)
        except (UnreadableSubmission, GradebookError) as error:
            left[each.student] = str(error)
        except Exception as error:
            left[each.student] = reason_of("reading it", error)
    return stored, left


def stored_result(
    found: Found, assignment: Assignment, entry: JournalRow | None, store: ResultStore
) -> tuple[Submission, Result]:
    """Return the submission and its result.

    Raises:
        UnreadableSubmission: the file is not a notebook.
        GradebookError: it has no stored result, or one of another file or assignment.
    """
    then = _grade(found.student, assignment.name)
    result = store.get(entry.written_key) if entry and entry.written_key else None
    raw = read_submission(read_file(found.path), str(found.path))
    if result is None:
        raise GradebookError(f"No result is stored. {then}")
    submission = align(raw, assignment)
    if result.assignment_key != assignment.key:
        raise GradebookError(f"The assignment has changed since it was graded. {then}")
    if result.submission_key != submission.key:
        raise GradebookError(f"What was handed in has changed since it was graded. {then}")
    return submission, result


def _marks(
    course: Course, assignment: Assignment, students: Sequence[str]
) -> tuple[dict[str, Marks], list[tuple[str, str]]]:
    """Return what the gradebook holds, shared within each group, and the groups that were given different things."""
    if not students:
        return {}, []
    with Gradebook.of(course) as gradebook:
        groups = sorted(set(groups_of(course, assignment.name).values()))
        disputes = gradebook.share(assignment, groups) if groups else []
        return gradebook.marks(assignment, students), disputes


def _grade(student: str, assignment: str) -> str:
    return f"Grade it first: autograder grade {assignment} --student {student}"


# ---- in place of nbgrader's own


class FeedbackExporter(HTMLExporter):
    """An exporter of a graded notebook as this package's page; as nbgrader's own where no result is stored for it."""

    def from_filename(self, filename: str, resources: dict[str, Any] | None = None, **kw: Any) -> Any:
        """Return the page, and nbconvert's resources."""
        names = (resources or {}).get("nbgrader", {})
        try:
            course = Course.find(Path.cwd())
            page = page_of(course, _unit(course, names), names["student"])
        except (AutograderError, KeyError) as error:
            self.log.warning("nbgrader's own page instead of the course's: %s", error)
            return super().from_filename(filename, resources=resources, **kw)
        return page, {**(resources or {}), "output_extension": ".html", "outputs": {}}


def _unit(course: Course, names: dict[str, str]) -> str:
    return f"{names['assignment']}/{names['notebook']}" if course.adopted else names["assignment"]


def page_of(course: Course, name: str, student: str) -> str:
    """Return the page of feedback of a graded submission, as the gradebook is now.

    Raises:
        AutograderError: it has no stored result, or the gradebook does not have it.
    """
    assignment = load_cached_assignment(course, name)
    submission, result = _graded(course, assignment, student)
    with Gradebook.of(course) as gradebook:
        marks = gradebook.marks(assignment, [student]).get(student)
    with Pictures.of(course) as pictures:
        on_board = BoardNames.of(course, assignment.name).of_student(student)
        return feedback_page(
            assignment, submission, result, student=student, marks=marks, album=Album(pictures), on_board=on_board
        )


def _graded(course: Course, assignment: Assignment, student: str) -> tuple[Submission, Result]:
    """Return the submission and its result: the one that the present code would be given, else the one written last."""
    path = course.submitted / student / assignment.name / f"{assignment.notebook}.ipynb"
    submission = load_submission(path, assignment)
    store = ResultStore(course.results / "results")
    result = store.get(result_key(submission.key, assignment.key, Bundle.of(course, assignment).grader))
    if result is not None:
        return submission, result
    return stored_result(Found(student, path), assignment, _entry(course, assignment.unit, student), store)


def _entry(course: Course, assignment: str, student: str) -> JournalRow | None:
    with Journal(course.results / "journal.db") as journal:
        return journal.entries(assignment).get(student)

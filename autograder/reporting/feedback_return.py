"""Feedback written again: with what a person has given since, from results that are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.engine.assignment_cache import load_cached_assignment
from autograder.engine.discover import Found, discover
from autograder.engine.journal import Journal, JournalRow
from autograder.engine.known_results import read_file
from autograder.errors import GradebookError, UnreadableSubmission
from autograder.gradebook.feedback import write_feedback
from autograder.gradebook.marks import Marks
from autograder.gradebook.result_store import ResultStore
from autograder.gradebook.store import Gradebook
from autograder.grading.result import Result
from autograder.submission.alignment import align
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

__all__ = ["FeedbackReturn", "return_feedback"]


class FeedbackReturn(msgspec.Struct, frozen=True):
    """What became of the pages.

    Attributes:
        assignment: its name.
        written: the students whose pages were written.
        open: those of them with a written answer that waits for a person.
        left: for everybody else, why there is no new page and what to do.
    """

    assignment: str
    written: tuple[str, ...]
    open: tuple[str, ...]
    left: tuple[tuple[str, str], ...]

    @property
    def exit_code(self) -> int:
        """0: every page was written; 3: somebody needs a look."""
        return 3 if self.left else 0

    def lines(self) -> list[str]:
        """The report for people."""
        waiting = f" {len(self.open)} with a written answer that is not graded yet." if self.open else ""
        head = f"{self.assignment}: pages of feedback written: {len(self.written)}.{waiting}"
        return [head, *(f"{student}: {reason}" for student, reason in self.left)]


def return_feedback(course: Course, name: str, students: Sequence[str] | None = None) -> FeedbackReturn:
    """Write the pages of ``students`` (default: everyone who handed in) again, as the gradebook is now.

    Nothing is graded. One whose page cannot be written is named in the outcome, and the others go on.

    Raises:
        AuthoringError: there is no such assignment.
        GradebookError: the gradebook cannot be read, or a page cannot be written.
    """
    assignment = load_cached_assignment(course, name)
    discovery = discover(course, name, assignment.notebook, students)
    with Journal(course.results / "journal.db") as journal:
        entries = journal.entries(name)
    stored, left = _stored(course, assignment, discovery.found, entries)
    marks = _marks(course, assignment, list(stored))
    for student, (submission, result) in stored.items():
        if student in marks:
            write_feedback(course, assignment, student, submission, result, marks[student])
    lost = {student: f"The gradebook does not have it. {_grade(student, name)}" for student in stored.keys() - marks}
    misplaced = [(each.student, each.reason) for each in discovery.misplaced]
    return FeedbackReturn(
        name,
        tuple(student for student in stored if student in marks),
        tuple(student for student in stored if student in marks and marks[student].open),
        tuple(sorted([*misplaced, *left.items(), *lost.items()])),
    )


Stored = dict[str, tuple[Submission, Result]]


def _stored(
    course: Course, assignment: Assignment, found: Sequence[Found], entries: Mapping[str, JournalRow]
) -> tuple[Stored, dict[str, str]]:
    """Each submission with the result that the gradebook was given, and why the others have none."""
    store = ResultStore(course.results / "results")
    stored: Stored = {}
    left: dict[str, str] = {}
    for each in found:
        try:
            stored[each.student] = _graded(each, assignment, entries.get(each.student), store)
        except (UnreadableSubmission, GradebookError) as error:
            left[each.student] = str(error)
    return stored, left


def _graded(
    found: Found, assignment: Assignment, entry: JournalRow | None, store: ResultStore
) -> tuple[Submission, Result]:
    """The submission and its result.

    Raises:
        UnreadableSubmission: the file is no notebook.
        GradebookError: it has no stored result, or one of another file or assignment.
    """
    then = _grade(found.student, assignment.name)
    result = store.get(entry.written_key) if entry and entry.written_key else None
    if result is None:
        raise GradebookError(f"No result is stored. {then}")
    submission = align(read_submission(read_file(found.path), str(found.path)), assignment)
    if result.assignment_key != assignment.key:
        raise GradebookError(f"The assignment has changed since it was graded. {then}")
    if result.submission_key != submission.key:
        raise GradebookError(f"What was handed in has changed since it was graded. {then}")
    return submission, result


def _marks(course: Course, assignment: Assignment, students: Sequence[str]) -> dict[str, Marks]:
    if not students:
        return {}
    with Gradebook.of(course) as gradebook:
        return gradebook.marks(assignment, students)


def _grade(student: str, assignment: str) -> str:
    return f"Grade it first: autograder grade {assignment} --student {student}"

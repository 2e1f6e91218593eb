"""Pages of feedback, written again from stored results and with what a person has given since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.collecting.receipts import groups_of
from autograder.course import Course
from autograder.engine.assignment_cache import load_cached_assignment
from autograder.engine.discover import Found, discover
from autograder.engine.known_results import read_file
from autograder.engine.selection import settle
from autograder.engine.writer import reason_of
from autograder.errors import GradebookError, UnreadableSubmission
from autograder.gradebook.feedback import write_feedback
from autograder.gradebook.journal import Journal, JournalRow
from autograder.gradebook.marks import Marks
from autograder.gradebook.penalty_update import bring_up_to_date
from autograder.gradebook.picture_store import Album, Pictures
from autograder.gradebook.result_store import ResultStore
from autograder.gradebook.store import Gradebook
from autograder.grading.result import Result
from autograder.leaderboard.board_names import BoardNames
from autograder.leaderboard.entrant import lines_for
from autograder.submission.alignment import align
from autograder.submission.belonging import catalogue_of
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

__all__ = ["FeedbackReturn", "return_feedback", "stored_result"]


class FeedbackReturn(msgspec.Struct, frozen=True):
    """The outcome of writing pages again.

    Attributes:
        assignment: its name.
        written: the students whose pages were written.
        open: those of them with a written answer that waits for a person.
        left: for everybody else, the reason why there is no new page, and what to do.
        followed: lines on late penalties that followed points given by hand.
    """

    assignment: str
    written: tuple[str, ...]
    open: tuple[str, ...]
    left: tuple[tuple[str, str], ...]
    followed: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if every page was written, 3 if somebody needs a look."""
        return 3 if self.left else 0

    def lines(self) -> list[str]:
        """Return the report for people."""
        waiting = f" {len(self.open)} with a written answer that is not graded yet." if self.open else ""
        head = f"{self.assignment}: pages of feedback written: {len(self.written)}.{waiting}"
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
    return FeedbackReturn(name, tuple(written), opened, remaining, tuple(followed))


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
    if result is None:
        raise GradebookError(f"No result is stored. {then}")
    submission = align(read_submission(read_file(found.path), str(found.path)), assignment)
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

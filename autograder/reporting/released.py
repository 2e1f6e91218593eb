"""This package's page in place of nbgrader's feedback: ``nbgrader generate_feedback`` and the formgrader's button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.engine.assignment_cache import load_cached_assignment
from autograder.engine.discover import Found
from autograder.engine.messages import Bundle
from autograder.errors import AutograderError
from autograder.gradebook.feedback import feedback_page
from autograder.gradebook.journal import Journal, JournalRow
from autograder.gradebook.picture_store import Album, Pictures
from autograder.gradebook.result_store import ResultStore, result_key
from autograder.gradebook.store import Gradebook
from autograder.grading.result import Result
from autograder.leaderboard.board_names import BoardNames
from autograder.reporting.feedback_return import stored_result
from autograder.submission.alignment import load_submission
from autograder.submission.model import Submission

__all__ = ["FeedbackExporter", "page_of"]


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

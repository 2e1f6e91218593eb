"""What a person gave in the formgrader is read as nbgrader counts it, and stands on the student's page."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import nbgrader.api
import pytest

from autograder.authoring.assignment import Assignment
from autograder.gradebook.feedback import feedback_page
from autograder.gradebook.marks import Marks
from autograder.gradebook.store import Gradebook
from autograder.grading.result import Result
from autograder.submission.alignment import align
from autograder.submission.model import Submission

from .test_feedback import HOSTILE, Tags, text_of

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own.


@pytest.fixture
def answered(notebook: dict[str, Any], assignment: Assignment) -> Submission:
    notebook["cells"][-1]["source"] = "Because two and two are four."
    return align(notebook, assignment)


@contextmanager
def by_hand(url: str, assignment: Assignment) -> Iterator[nbgrader.api.Gradebook]:
    """Nbgrader's own gradebook, through which the formgrader writes; what is changed is kept."""
    with nbgrader.api.Gradebook(url, "tiny") as gradebook:
        yield gradebook
        gradebook.db.commit()


def grade_of(gradebook: nbgrader.api.Gradebook, assignment: Assignment, cell: str) -> Any:
    return gradebook.find_grade(cell, assignment.notebook, assignment.name, "anna")


def comment_on(gradebook: nbgrader.api.Gradebook, assignment: Assignment, cell: str) -> Any:
    return gradebook.find_comment(cell, assignment.notebook, assignment.name, "anna")


Change = Callable[[nbgrader.api.Gradebook], None]


@pytest.fixture
def marked(url: str, assignment: Assignment, answered: Submission, result: Result) -> Callable[..., Marks]:
    """Records a submission that loses ``lost`` points for being late, lets a person change it, and reads it."""

    def mark(change: Change = lambda gradebook: None, lost: float = 0.0) -> Marks:
        with Gradebook(url, "tiny", late_penalty=lambda *_: lost) as ours:
            ours.register(assignment, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
            ours.record(assignment, "anna", answered, result, dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
            with by_hand(url, assignment) as gradebook:
                change(gradebook)
                total = gradebook.find_submission(assignment.name, "anna").score
            marks = ours.marks(assignment, ["anna", "nobody"])
        assert list(marks) == ["anna"]
        assert marks["anna"].total == pytest.approx(total - lost)
        return marks["anna"]

    return mark


def page_of(assignment: Assignment, submission: Submission, result: Result, marks: Marks) -> str:
    return feedback_page(assignment, submission, result, student="anna", marks=marks)


def test_an_answer_that_nobody_has_read_is_called_so(
    assignment: Assignment, answered: Submission, result: Result, marked: Callable[..., Marks]
) -> None:
    text = text_of(page_of(assignment, answered, result, marked()))
    assert "2 of 7 points" in text
    assert "One written answer is not graded yet, so this can still rise." in text
    assert "not graded yet / 3" in text


def test_an_answers_points_and_extra_credit_and_the_penalty_make_the_total(
    assignment: Assignment, answered: Submission, result: Result, marked: Callable[..., Marks]
) -> None:
    def read(gradebook: nbgrader.api.Gradebook) -> None:
        grade = grade_of(gradebook, assignment, "answer-why")
        grade.manual_score, grade.extra_credit = 2.5, 1.0

    text = text_of(page_of(assignment, answered, result, marked(read, lost=0.5)))
    assert "5 of 7 points" in text
    assert "2.5 / 3" in text
    assert "Extra credit +1" in text
    assert re.search(r"Late penalty (\([^)]+\) )?−0\.5 Total 5 / 7", text)
    assert "Total 5 / 7" in text
    assert "not graded yet" not in text


def test_a_persons_points_stand_in_place_of_a_checks(
    assignment: Assignment, answered: Submission, result: Result, marked: Callable[..., Marks]
) -> None:
    def forgive(gradebook: nbgrader.api.Gradebook) -> None:
        grade_of(gradebook, assignment, "check-shift-by-hand").manual_score = 1.0

    text = text_of(page_of(assignment, answered, result, marked(forgive)))
    assert "0 of 1 points; changed by a person to 1" in text
    assert "3 of 7 points" in text
    assert "1 / 1" in text  # Of the exercise "shift".


def test_a_persons_comment_is_shown_and_no_line_of_it_runs(
    assignment: Assignment, answered: Submission, result: Result, marked: Callable[..., Marks]
) -> None:
    def write(gradebook: nbgrader.api.Gradebook) -> None:
        comment_on(gradebook, assignment, "answer-why").manual_comment = "Say why.\n" + HOSTILE
        comment_on(gradebook, assignment, "shift").manual_comment = "Nearly: mind the sign."

    page = page_of(assignment, answered, result, marked(write))
    assert "Comments from your grader" in text_of(page)
    assert "Written answer under “Shifting”" in text_of(page)
    assert page.count("Nearly: mind the sign.") == 2  # At the top, and beside the cell.
    tags = Tags(page).found
    assert {tag for tag, _ in tags}.isdisjoint({"script", "img", "svg"})
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in tags)
    assert "&lt;script&gt;" in page


def test_the_graders_own_comment_gives_way_to_a_persons(
    url: str, assignment: Assignment, submission: Submission, result: Result
) -> None:
    with Gradebook(url, "tiny") as ours:
        ours.register(assignment)
        ours.record(assignment, "anna", submission, result)
        before = ours.marks(assignment, ["anna"])["anna"].comments["answer-why"]
        with by_hand(url, assignment) as gradebook:
            comment_on(gradebook, assignment, "answer-why").manual_comment = "Please write something."
        after = ours.marks(assignment, ["anna"])["anna"].comments["answer-why"]
    assert (before.text, before.by_hand) == ("No response.", False)
    assert (after.text, after.by_hand) == ("Please write something.", True)


@pytest.mark.parametrize(
    ("late", "seconds", "words"),
    [
        (False, 0.0, ""),
        (True, 1.0, "1 min late"),
        (True, 86_400.0, "1 d late"),
        (True, 2 * 86_400 + 3_661.0, "2 d 1 h 2 min late"),
        (True, None, "late, by an unknown time"),
    ],
)
def test_lateness_is_told_in_words(late: bool, seconds: float | None, words: str) -> None:
    assert Marks({}, late=late, seconds_late=seconds).how_late == words

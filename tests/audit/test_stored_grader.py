"""An audit looks up what it graded before, and grades what changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from autograder.audit.assignment_audit import stored_grader
from autograder.audit.weaknesses import answered_notebook, blank_notebook, submission_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.skeleton import new_assignment
from autograder.course import Course
from autograder.grading.grade import not_graded
from autograder.grading.result import Result
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

Work = Sequence[tuple[Assignment, Submission]]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n')
    found = Course.find(tmp_path)
    new_assignment(found, "01-small")
    return found


class Counting:
    """A grader that notes what it is asked for."""

    def __init__(self, status: str = "graded") -> None:
        self.asked = 0
        self.status = status

    def __call__(self, work: Work) -> Sequence[Result]:
        self.asked += len(work)
        made = [Result(a.name, a.key, one.key, "graded", versions={}) for a, one in work]
        return made if self.status == "graded" else [not_graded(a, one.key, "the disk is full") for a, one in work]


def work_of(course: Course) -> list[tuple[Assignment, Submission]]:
    assignment = load_assignment(course, "01-small")
    notebooks = (answered_notebook(assignment), blank_notebook(assignment))
    return [(assignment, submission_of(notebook, assignment)) for notebook in notebooks]


def test_the_second_audit_grades_nothing_and_says_the_same(course: Course) -> None:
    counting, work = Counting(), work_of(course)
    first = stored_grader(course, counting)(work)
    assert stored_grader(course, counting)(work) == first
    assert counting.asked == 2


def test_what_changed_is_graded_and_nothing_else(course: Course) -> None:
    counting, work = Counting(), work_of(course)
    stored_grader(course, counting)(work[:1])
    results = stored_grader(course, counting)(work)
    assert counting.asked == 2
    assert [result.submission_key for result in results] == [submission.key for _, submission in work]


def test_again_grades_everything(course: Course) -> None:
    counting, work = Counting(), work_of(course)
    stored_grader(course, counting)(work)
    stored_grader(course, counting, again=True)(work)
    assert counting.asked == 4


def test_what_the_machinery_failed_to_grade_is_not_stored(course: Course) -> None:
    failing, work = Counting("not-graded"), work_of(course)
    stored_grader(course, failing)(work)
    stored_grader(course, failing)(work)
    assert failing.asked == 4


def test_what_a_mutant_may_use_is_stored_apart(course: Course) -> None:
    counting, work = Counting(), work_of(course)
    hurried = GradingSettings(check_seconds=1.0)
    stored_grader(course, counting, settings=hurried)(work)
    stored_grader(course, counting, settings=hurried)(work)
    assert counting.asked == 2
    stored_grader(course, counting)(work)
    assert counting.asked == 4

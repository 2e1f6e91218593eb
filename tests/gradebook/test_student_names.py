"""The formgrader shows a name or an id for everybody, and keeps the names that people entered."""

from __future__ import annotations

import nbgrader.api
import pytest

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.gradebook.store import Gradebook
from autograder.grading.result import Result
from autograder.submission.model import Submission

ROSTER = "id,first_name,last_name\nanna,Anna,Berg\nben,,Stone\n"


def record(course: Course, assignment: Assignment, submission: Submission, result: Result, *students: str) -> None:
    with Gradebook.of(course) as gradebook:
        gradebook.register(assignment)
        for student in students:
            gradebook.record(assignment, student, submission, result)


def enter(course: Course, student: str, first: str | None, last: str | None) -> None:
    """What a person does in the formgrader, which stores an empty part as none."""
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        stock.update_or_create_student(student, first_name=first, last_name=last)


def shown(course: Course) -> dict[str, str]:
    """Each student as the formgrader's pages show one."""
    with nbgrader.api.Gradebook(course.gradebook_url, course.id) as stock:
        return {student.id: f"{student.last_name}, {student.first_name}" for student in stock.students}


def test_names_come_from_the_roster_and_whoever_is_not_in_it_is_shown_by_id(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    (course.root / "students.csv").write_text(ROSTER)
    record(course, assignment, submission, result, "anna", "ben", "eve")
    assert shown(course) == {"anna": "Berg, Anna", "ben": "Stone, ", "eve": "eve, "}


def test_a_name_that_somebody_entered_stays(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    (course.root / "students.csv").write_text(ROSTER)
    record(course, assignment, submission, result, "anna", "eve")
    enter(course, "anna", "Annie", "Berg")
    enter(course, "eve", None, "Adams")
    record(course, assignment, submission, result, "anna", "eve")
    assert shown(course) == {"anna": "Berg, Annie", "eve": "Adams, "}


def test_a_nameless_student_is_named_when_anything_is_graded(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    record(course, assignment, submission, result, "anna")
    enter(course, "zoe", None, None)
    (course.root / "students.csv").write_text(ROSTER)
    record(course, assignment, submission, result, "ben")
    assert shown(course) == {"anna": "Berg, Anna", "ben": "Stone, ", "zoe": "zoe, "}


def test_a_mistake_in_the_roster_is_named(course: Course) -> None:
    (course.root / "students.csv").write_text("id\nanna\nanna\n")
    with pytest.raises(CourseError, match="also in line 2"):
        Gradebook.of(course)

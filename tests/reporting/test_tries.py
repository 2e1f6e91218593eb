"""The class report's attempts: from what was handed in to the service, and absent where nothing was."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.reporting.class_report import Try, _span, tries_overview
from autograder.service.attempts import AttemptStore
from autograder.service.told import tries_at

NAME = "00-two-functions"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def handed_in(hours: float, student: str, points: float | None) -> Try:
    return Try(student, NOON + dt.timedelta(hours=hours), points)


def test_attempts_are_counted_by_student_and_gains_by_those_who_tried_again() -> None:
    found = tries_overview(
        [
            handed_in(9, "ada", 4), handed_in(0, "ada", 1), handed_in(5, "ada", None),
            handed_in(0, "bob", 2), handed_in(3, "bob", 3), handed_in(1, "eve", 4),
        ]
    )  # fmt: skip
    assert found is not None
    assert (found.students, found.median, found.most, found.again) == (3, 2, 3, 2)
    assert (found.first, found.last, found.hours) == (1.5, 3.5, 6)
    assert found.groups == (("1", 1), ("2", 1), ("3 to 5", 1), ("6 to 10", 0), ("11 or more", 0))


def test_without_attempts_or_second_ones_nothing_is_invented() -> None:
    assert tries_overview([]) is None
    once = tries_overview([handed_in(0, "ada", None), handed_in(1, "ada", 3)])
    assert once is not None
    assert (once.again, once.first, once.last, once.hours) == (0, None, None, None)


@pytest.mark.parametrize(("hours", "text"), [(0.2, "12 minutes"), (6, "6.0 hours"), (72, "3.0 days")])
def test_a_time_is_told_in_the_unit_that_people_would_use(hours: float, text: str) -> None:
    assert _span(hours) == text


def test_they_come_from_the_services_store_and_a_course_without_a_service_has_none(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('id = "small"\n')
    course = Course.find(tmp_path)
    assert tries_at(course, NAME) == []
    assert not (course.results / "service.db").exists()
    store = AttemptStore(course.results / "service.db")
    first = store.hand_in("ada", NAME, b"1", file="a.ipynb", at=NOON)
    store.hand_in("ada", NAME, b"2", file="a.ipynb", at=NOON + dt.timedelta(hours=1))
    store.hand_in("ada", "01-other", b"3", file="a.ipynb", at=NOON)
    store.finish(first, "graded", points=2)
    assert tries_at(course, NAME) == [handed_in(0, "ada", 2), handed_in(1, "ada", None)]

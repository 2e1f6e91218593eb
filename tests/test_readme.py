"""The numbers on the front page are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.audit.attacks.campaign import catalogue_folder
from autograder.audit.attacks.catalogue import load_catalogue
from autograder.authoring.assignment import load_assignment
from autograder.course import Course

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def number(readme: str, words: str) -> float:
    found = re.search(rf"\*\*([\d.]+) {words}\*\*", readme)
    assert found, words
    return float(found[1])


def test_misconceptions_are_counted(readme: str) -> None:
    course = Course.find(ROOT)
    counts = [len(load_assignment(course, name).misconceptions) for name in course.assignments()]
    assert number(readme, "misconceptions") == sum(counts)


def test_attacks_are_counted(readme: str) -> None:
    assert number(readme, "attacks") == len(load_catalogue(catalogue_folder()))


def test_right_answers_are_counted(readme: str) -> None:
    course = Course.find(ROOT)
    counts = [len(load_assignment(course, name).alternatives) for name in course.assignments()]
    assert number(readme, "right answers") == sum(counts)


def test_the_speed_is_the_benchmark_page_s(readme: str) -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    (measured,) = re.findall(r"and ([\d.]+) times for each further\s+submission", page)
    assert number(readme, "times as fast as `nbgrader autograde`") == int(float(measured))

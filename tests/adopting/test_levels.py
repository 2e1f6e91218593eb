"""Each check of the sample courses has the level that it needs, and gives there what nbgrader gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.adopting.adoption import adopt_course
from autograder.adopting.beside_nbgrader import compare_with_nbgrader
from autograder.engine.api import grade_assignments
from autograder.engine.progress import Silent

PAGE = (Path(__file__).parents[2] / "docs" / "adopting.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("<!-- table -->")[2].partition("<!-- end of table -->")[0]
COURSES = ("quickstart", "numbers", "objects", "texts")
LEVELS = {
    "quickstart": {"correct_squares": "apart", "sum_of_squares_uses_squares": "asked"},
    "numbers": {
        "test-mean": "asked",
        "test-tallest": "asked",
        "test-standardise": "apart",
        "test-above": "apart",
        "test-grow": "apart",
        "test-table": "asked",
        "why": "by a person",
    },
    "objects": {
        "test_length": "asked",
        "test_prepend": "asked",
        "test_set_last": "asked",
        "test_stack": "asked",
        "test_stack_empty": "asked",
        "test_stack_equal": "asked",
        "test_double": "apart",
        "test_greet": "asked",
        "test_ask_age": "together",
        "test_total_has_a_loop": "together",
    },
    "texts": {
        "counts": "apart",
        "counts_again": "apart",
        "reads_a_file": "apart",
        "reads_another": "together",
        "twice": "together",
        "seconds": "asked",
        "draw": "by a person",
        "own": "by a person",
        "rolls": "asked",
    },
}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("course", COURSES)
def test_a_check_is_graded_at_the_level_that_it_needs(course: str, adopted: Callable[[str], Any]) -> None:
    found = adopted(course).levels
    assert {name: found[name] for name in LEVELS[course]} == LEVELS[course]


@pytest.mark.parametrize("course", COURSES)
def test_solution_blank_and_wrong_notebooks_get_what_nbgrader_gives(
    course: str, adopted: Callable[[str], Any], tmp_path: Path
) -> None:
    compared = compare_with_nbgrader(adopted(course).course, tmp_path)
    assert {each.check: each.differing for each in compared.checks if each.differing} == {}
    for each in compared.checks:
        assert each.ours["solution"] == each.points


@pytest.mark.parametrize("course", COURSES)
def test_the_page_has_every_check_with_its_level(course: str, adopted: Callable[[str], Any]) -> None:
    rows = {(cells[1], cells[3]) for line in TABLE.splitlines() if len(cells := re.split(r"\s*\|\s*", line)[1:]) > 4}
    levels = adopted(course).levels
    assert {(name, how) for name, how in levels.items() if how != "by a person"} <= rows


def test_the_headline_has_the_share_of_points_at_each_level(adopted: Callable[[str], Any]) -> None:
    assert adopted("objects").report.headline == (
        "11 points are given by checks: 9 % apart, 73 % asked, 18 % together."
    )


def test_who_refuses_together_has_these_checks_graded_by_hand(adopted: Callable[[str], Any], tmp_path: Path) -> None:
    root = adopted("objects").copy_to(tmp_path / "own").root
    report = adopt_course(root, together=False)
    (cells,) = report.notebooks.values()
    assert {cell.name for cell in cells if cell.how == "by hand"} == {"test_ask_age", "test_total_has_a_loop"}


def test_grading_again_looks_everything_up(adopted: Callable[[str], Any], tmp_path: Path) -> None:
    course = adopted("texts").copy_to(tmp_path / "texts")
    for notebook in ("words", "tasks"):
        source = course.source / "week1" / f"{notebook}.ipynb"
        target = course.submitted / "ada" / "week1" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    first = grade_assignments(course, ["week1"], workers=1, progress=Silent())
    again = grade_assignments(course, ["week1"], workers=1, progress=Silent())
    assert [each.kind for report in first for each in report.submissions] == ["graded", "graded"]
    assert [each.kind for report in again for each in report.submissions] == ["stored", "stored"]

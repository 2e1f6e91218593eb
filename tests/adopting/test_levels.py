"""Each check of the sample courses has the level that it needs, and gives there what nbgrader gives."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.adopting.adoption import adopt_course, make_course
from autograder.adopting.beside_nbgrader import compare_with_nbgrader
from autograder.course import Course
from autograder.engine.api import grade_assignments
from autograder.engine.progress import Silent

PAGE = (Path(__file__).parents[2] / "docs" / "adopting.md").read_text(encoding="utf-8")
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
        "reads_another": "apart",
        "twice": "apart",
        "seconds": "asked",
        "draw": "by a person",
        "own": "by a person",
        "rolls": "asked",
    },
    "springs": {
        "test-numbers": "asked",
        "test-spring": "asked",
        "test-step": "asked",
        "test-energy": "asked",
        "test-simulate": "apart",
        "test-damped": "asked",
        "fastest": "by a person",
    },
}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("course", LEVELS)
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


@pytest.mark.parametrize("course", [*COURSES, "springs"])
def test_the_page_has_every_check_with_its_level(course: str, adopted: Callable[[str], Any]) -> None:
    table = PAGE.partition(f"<!-- {course} -->")[2].partition("<!-- end of")[0]
    rows = {(cells[1], cells[3]) for line in table.splitlines() if len(cells := re.split(r"\s*\|\s*", line)[1:]) > 4}
    assert {(name, how) for name, how in adopted(course).levels.items() if how != "by a person"} <= rows


def test_tables_of_pandas_are_answers_without_the_students_process(
    tmp_path: Path, right_and_blank: Callable[..., Any]
) -> None:
    course = make_course(Path(shutil.copytree(Path(__file__).parent / "courses" / "frames", tmp_path / "frames")))
    right, blank = right_and_blank(course, "lab3")
    names = ("test-totals", "test-busy", "test-share", "test-price", "test-days")
    assert [right[name].points for name in names] == [right[name].max_points for name in names]
    assert ["tables" in right[name].level for name in names] == [True] * 5
    assert right["test-plot"].points == 1
    assert [check.points for check in blank.values()] == [0] * len(blank)


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


def test_a_notebook_that_cannot_be_graded_here_is_named_and_the_others_are_adopted(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent / "courses" / "texts", tmp_path / "texts")
    folder = tmp_path / "texts" / "source" / "week1"
    other = json.loads((folder / "words.ipynb").read_text())
    other["metadata"]["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    (folder / "words.ipynb").write_text(json.dumps(other))
    report = adopt_course(tmp_path / "texts")
    assert list(report.notebooks) == ["week1/tasks"]
    assert "Only Python can be graded here" in report.left["week1/words"]
    assert "left to nbgrader" in "\n".join(report.lines())
    assert report.needs_a_look
    graded = grade_assignments(Course.find(tmp_path / "texts"), ["week1"], workers=1, progress=Silent())
    assert [each.assignment for each in graded] == ["week1/tasks"]

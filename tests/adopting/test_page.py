"""The tables that `tools/adopting.py` wrote into docs/adopting.md are of the sample courses as they are now."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "adopting.md").read_text(encoding="utf-8")
COURSES = [
    path.name for path in sorted((Path(__file__).parent / "courses").iterdir()) if f"<!-- {path.name} -->" in PAGE
]


def rows(what: str) -> list[list[str]]:
    """The cells of the table between the marks for ``what``, without the two lines of its head."""
    part = PAGE.partition(f"<!-- {what} -->")[2].partition(f"<!-- end of {what} -->")[0]
    return [re.split(r"\s*\|\s*", line.strip("| ")) for line in part.splitlines() if line.startswith("|")][2:]


def checks(course: str) -> list[tuple[str, str, float]]:
    """Notebook, name and points of each check in a course's sources."""
    found = []
    source = Path(__file__).parent / "courses" / course / "source"
    for path in sorted(source.glob("*/*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            marks = cell["metadata"].get("nbgrader", {})
            if marks.get("grade") and not marks.get("solution"):
                unit = path.relative_to(source).with_suffix("").as_posix()
                found.append((unit, marks["grade_id"], float(marks["points"])))
    return found


@pytest.mark.parametrize("course", COURSES)
def test_the_page_has_the_checks_of_a_course_with_their_points(course: str) -> None:
    assert [(row[0], row[1], float(row[2])) for row in rows(course)] == checks(course)


@pytest.mark.parametrize("course", COURSES)
def test_the_difference_that_the_page_counts_is_the_one_that_it_shows(course: str) -> None:
    said = re.search(rf"<!-- {course} -->.*?: (\d+) checks differ\.", PAGE, re.DOTALL)
    assert said is not None
    assert int(said[1]) == sum(any("→" in cell for cell in row) for row in rows(course))


def test_the_page_has_tables_of_the_courses_that_it_names() -> None:
    assert {"numbers", "objects", "texts", "springs", "frames"} <= set(COURSES)

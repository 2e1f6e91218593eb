"""What assignments 01 to 03 promise at their top holds in them: points, minutes, hidden checks, and words explained."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.source_cells import split_hidden
from autograder.course import Course

COURSE = Course.find(Path(__file__))
STUB = re.compile(r"# Hidden, (half a|[\d.]+) points?:")
ROW = re.compile(r"^\| \d+ [^|]*\|([^|]*)\| ([\d.–]+) \| (\d+) \|", re.MULTILINE)
MOST_ON_ARGUMENTS = 3.0  # A tenth of the points.


@pytest.fixture(params=["01-convolution", "02-feature-maps", "03-pooling"])
def assignment(request: pytest.FixtureRequest) -> Assignment:
    return load_assignment(COURSE, request.param)


def released_cells(assignment: Assignment) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(assignment.release)["cells"]
    return cells


def texts(assignment: Assignment) -> str:
    return "\n\n".join(cell["source"] for cell in released_cells(assignment) if cell["cell_type"] == "markdown")


def test_an_exercise_has_one_stub_for_all_of_its_hidden_checks_which_says_how_many_points_it_holds(
    assignment: Assignment,
) -> None:
    hidden = [cell for cell in assignment.checks if not re.sub(r"#.*", "", split_hidden(cell.source)[0]).strip()]
    assert max(Counter(cell.exercise for cell in hidden).values()) == 1
    for cell in hidden:
        said = STUB.match(cell.source)
        assert said, f"{cell.grade_id} does not say what it holds"
        assert {"half a": 0.5}.get(said[1]) or float(said[1]) == cell.points


def test_at_most_a_tenth_of_the_points_are_for_arguments_alone(assignment: Assignment) -> None:
    for_arguments = [cell.points for cell in assignment.checks if cell.grade_id.endswith("-arguments")]
    assert 0 < sum(for_arguments) <= MOST_ON_ARGUMENTS


def test_the_table_at_the_top_adds_up_to_what_the_notebook_says(assignment: Assignment) -> None:
    rows = [
        (re.findall(r"`(\w+)`", names), points, int(minutes))
        for names, points, minutes in ROW.findall(texts(assignment))
    ]
    for names, points, _ in rows:
        if names:
            assert sum(cell.points for cell in assignment.checks if cell.exercise in names) == float(points), names
    stated = json.loads(assignment.release)["metadata"]["autograder"]["minutes"]
    assert sum(minutes for _, _, minutes in rows) == stated
    assert f"About {stated} minutes" in texts(assignment)


def test_words_are_explained_in_a_glossary_in_order(assignment: Assignment) -> None:
    text = texts(assignment)
    assert "[glossary](#Glossary)" in text
    table = text.split("## Glossary\n")[1].strip().split("\n\n")[0]
    words = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert len(words) >= 10
    assert words == sorted(words, key=str.casefold)


def test_each_prediction_can_be_written_down_in_the_cell_after_it(assignment: Assignment) -> None:
    cells = released_cells(assignment)
    asked = [place for place, cell in enumerate(cells) if "> **Predict" in cell["source"]]
    assert len(asked) >= 3
    for place in asked:
        after = cells[place + 1]
        assert after["metadata"]["autograder"]["kind"] == "demo", cells[place]["source"]
        assert re.search(r'= "', after["source"]), after["source"]


def test_lines_of_code_fit_a_screen(assignment: Assignment) -> None:
    code = [cell["source"] for cell in released_cells(assignment) if cell["cell_type"] == "code"]
    assert [line for source in code for line in source.split("\n") if len(line) > 100] == []

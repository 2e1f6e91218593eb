"""An author's markers become cells, or a message that names the file, the cell and the exercise."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.authoring.source_cells import SourceCell, defined_names, read_source_cells
from autograder.errors import AuthoringError

SOLVED = "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"


def cell(source: str, cell_type: str = "code", **marks: Any) -> dict[str, Any]:
    return {"cell_type": cell_type, "source": source, "metadata": marks}


def read(*cells: dict[str, Any]) -> list[SourceCell]:
    return list(read_source_cells(list(cells), "topic.py"))


def test_an_unmarked_code_cell_is_given_and_an_unmarked_text_is_prose() -> None:
    given, prose = read(cell("import numpy"), cell("# Title", "markdown"))
    assert (given.kind, prose.kind, prose.grade_id) == ("given", "prose", "")
    assert given.grade_id.startswith("given-")


def test_grade_ids_are_made_of_the_exercise_and_the_check() -> None:
    cells = read(cell(SOLVED, exercise="f"), cell("f(1)", check="f", name="by-hand", points=0.5))
    assert [each.grade_id for each in cells] == ["f", "check-f-by-hand"]
    assert cells[1].points == 0.5


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([cell("x", chekc="f")], ["topic.py, cell 1", "chekc"]),
        ([cell("f(1)", check="f", points=1)], ["cell 1", "'f'", "no exercise"]),
        ([cell(SOLVED, exercise="g")], ["'g'", "defines no function"]),
        ([cell(SOLVED, exercise="f"), cell("f(1)", check="f", points=0.3)], ["cell 2", "0.3", "0.5"]),
        ([cell(SOLVED, exercise="f"), cell("f(1)", check="f")], ["cell 2", "multiple of 0.5"]),
        ([cell("def f(x): return x", exercise="f")], ["no solution"]),
        ([cell(SOLVED)], ["not an exercise"]),
        ([cell("### BEGIN HIDDEN TESTS\nx\n### END HIDDEN TESTS")], ["not a check"]),
        ([cell(SOLVED + "\n### BEGIN SOLUTION", exercise="f")], ["never closed"]),
        ([cell(SOLVED, exercise="f"), cell(SOLVED, exercise="f")], ["second cell", "'f'"]),
        ([cell("x", "markdown", demo=True)], ["must be a code cell"]),
        ([cell(SOLVED, exercise="f/g")], ["'f/g'", "not a name"]),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(cells: list[dict[str, Any]], words: list[str]) -> None:
    with pytest.raises(AuthoringError) as caught:
        read(*cells)
    for word in words:
        assert word in str(caught.value)


def test_names_are_found_beside_magics_and_not_in_broken_code() -> None:
    assert defined_names("%matplotlib inline\ndef f(): pass\nclass G: pass\nx = 1") == ["f", "G"]
    assert defined_names("def f(:") == []

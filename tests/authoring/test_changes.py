"""A misconception written as a change is resolved to a whole function, or refused with what to correct."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.answers import Base, base_of, read_answers
from autograder.errors import AuthoringError

SOLUTION = '''
LIMIT = 3


def total(row, step=1):
    """The total of every ``step``-th number."""
    ### BEGIN SOLUTION
    if step < 1:
        raise ValueError("step")
    result = 0
    for number in row[::step]:
        result += number
        if result > LIMIT:
            result = LIMIT
    return result
    ### END SOLUTION
'''
LOOP = "def by_sum(row, step=1):\n    return min(sum(row[::step]), 3)"


def find_base(of: str, on: str) -> Base | None:
    if on:
        return base_of(LOOP, on, f"the alternative '{on}'") if on == "by_sum" else None
    return base_of(SOLUTION, of, f"the solution of {of}")


def read(folder: Path, change: str) -> str:
    """The resolved source of one ``changed(...)``."""
    path = folder / "misconceptions.py"
    path.write_text(f"from autograder.authoring.answers import changed\n\n{change}\n")
    (answer,) = read_answers(path, "misconception", find_base)
    assert answer.text == "why"
    return answer.as_cell


def function(folder: Path, change: str) -> Any:
    names: dict[str, Any] = {"LIMIT": 3}
    exec(read(folder, change), names)
    return names["total"]


def test_one_line_is_changed_and_the_rest_is_the_solution(tmp_path: Path) -> None:
    wrong = function(tmp_path, 'changed("summed_from_one", of="total", says="why", old="result = 0", new="result = 1")')
    assert (wrong([]), wrong([1]), wrong([1, 1, 1])) == (1, 2, 3)


def test_a_part_of_a_line_will_do(tmp_path: Path) -> None:
    wrong = function(tmp_path, 'changed("no_step", of="total", says="why", old="row[::step]", new="row")')
    assert wrong([1, 1, 1], step=2) == 3


def test_several_places_are_changed_in_turn(tmp_path: Path) -> None:
    change = 'changed("both", of="total", says="why", edits=[("result = 0", "result = 1"), ("step < 1", "step < 0")])'
    wrong = function(tmp_path, change)
    assert wrong([1]) == 2
    with pytest.raises(ValueError, match="slice step"):
        wrong([1], step=0)


def test_lines_are_found_at_any_indentation_and_may_be_removed(tmp_path: Path) -> None:
    change = """
changed(
    "no_limit",
    of="total",
    says="why",
    old='''
        if result > LIMIT:
            result = LIMIT
    ''',
    new="",
)
"""
    assert function(tmp_path, change)([4, 5]) == 9


def test_new_lines_take_the_place_of_old_ones(tmp_path: Path) -> None:
    change = """
changed(
    "twice",
    of="total",
    says="why",
    old="result += number",
    new='''
        result += number
        result += number
    ''',
)
"""
    assert function(tmp_path, change)([1]) == 2


def test_an_alternative_may_be_what_is_changed(tmp_path: Path) -> None:
    change = 'changed("maximum", of="total", on="by_sum", says="why", old="min(", new="max(")'
    assert function(tmp_path, change)([1]) == 3


def test_markers_do_not_stand_in_the_result(tmp_path: Path) -> None:
    source = read(tmp_path, 'changed("other", of="total", says="why", old="result = 0", new="result = 5")')
    assert "SOLUTION" not in source
    assert source.startswith("def other(row, step=1):")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ('old="result", new="x"', ["times in ", "the solution of total", "Take more of the line"]),
        ('old="result = 10", new="x"', ["does not stand in", "Nearest line: `result = 0`"]),
        ('old="The total", new="x"', ["does not stand in"]),
        ('old="result = 0", new="result = (0"', ["does not parse after the change", "never closed"]),
        ('old="result = 0", new="result = 0"', ["changes nothing"]),
        ('on="by_loop", old="a", new="b"', ["the alternative 'by_loop' of 'total', which does not exist"]),
        ('new="result = 0"', ["needs old= and new="]),
        ('edits=[("a",)]', ["pairs of old and new text"]),
        ('old="a", new="b", onto="c"', ["onto="]),
    ],
)
def test_a_change_that_cannot_be_made_names_file_line_and_way_out(tmp_path: Path, words: str, told: list[str]) -> None:
    with pytest.raises(AuthoringError) as caught:
        read(tmp_path, f'changed("wrong", of="total", says="why", {words})')
    assert "misconceptions.py, line 3" in str(caught.value)
    for each in told:
        assert each in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('changed("a b", of="total", says="why", old="x", new="y")', "begins with the misconception's name"),
        ('changed("a", says="why", old="x", new="y")', "lacks of="),
        ('changed("a", of=NAME, says="why", old="x", new="y")', "plain strings"),
        ('print("hello")', "only changed(…)"),
        ('changed("a", of="nothing", says="why", old="x", new="y")', "solution of 'nothing', which does not exist"),
    ],
)
def test_a_call_that_is_none_of_these_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(AuthoringError) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)

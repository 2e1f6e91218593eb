"""A student is told the cause, once, in words: no four lines of 'not defined', and nothing of the grader's inside."""

from __future__ import annotations

import warnings

import pytest

from autograder.grading.result import Result

from .conftest import Grade

RIGHT = """\
def row_sums(table):
    if table.ndim != 2:
        raise ValueError("table")
    return table.sum(axis=1)
"""


def message(result: Result, exercise: str) -> str:
    """All that is said of an exercise's checks."""
    return "\n".join(check.message for check in result.checks if check.exercise == exercise)


def test_an_import_that_failed_is_named_and_not_the_names_that_it_took(graded: Grade) -> None:
    said = message(graded(row_sums=f"import module_of_nobody\n{RIGHT}"), "row_sums")
    assert "your cell of `row_sums` stopped with ModuleNotFoundError: No module named 'module_of_nobody'" in said


def test_a_question_to_nobody_is_named(graded: Grade) -> None:
    said = message(graded(row_sums=f"n = int(input('rows? '))\n{RIGHT}"), "row_sums")
    assert "nobody is there while you are graded" in said


@pytest.mark.parametrize(
    "lines", ["%pip install einops", "!ls", "%conda list", "%load_ext nobodys", "%matplotlib widget", "%nobodys"]
)
def test_an_install_costs_nothing(graded: Grade, lines: str) -> None:
    result = graded(row_sums=f"{lines}\n{RIGHT}")
    checks = [check for check in result.checks if check.exercise == "row_sums"]
    assert [check.outcome for check in checks] == ["passed"] * len(checks)


@pytest.mark.parametrize("ends", ["import os\n    os._exit(0)", "import os\n    os.abort()", "while True: pass"])
@pytest.mark.parametrize("where", ["cell", "function"])
def test_no_page_speaks_of_a_lost_worker(graded: Grade, ends: str, where: str) -> None:
    source = f"def row_sums(matrix):\n    {ends}\n"
    result = graded(row_sums=f"{source}\nrow_sums(0)" if where == "cell" else source)
    everything = f"{result.checks} {result.outputs}"
    assert "WorkerLost" not in everything
    assert "our code" in message(result, "row_sums") or "was stopped" in message(result, "row_sums")


def test_what_warns_of_a_wrong_answer_is_not_said_at_the_graders_terminal(graded: Grade) -> None:
    wrong = "def row_sums(table):\n    return np.full(len(table), np.longdouble('1e4000'))\n"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = graded(row_sums=wrong)
    assert [check.outcome for check in result.checks[:2]] == ["failed", "failed"]
    assert [str(each.message) for each in said] == []

"""A student checks a notebook in the terminal: what passes, what fails, what is open."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from autograder.errors import UnreadableSubmission
from autograder.selfcheck.examine import CheckReport, ExerciseState, check_notebook, print_report


def cell(source: str, kind: str = "", exercise: str = "", name: str = "", points: float = 0) -> dict[str, Any]:
    own = {"kind": kind, "exercise": exercise, "name": name} if kind else {}
    metadata = {"autograder": own, "nbgrader": {"points": points}} if own else {}
    kind_of_cell = "markdown" if kind == "answer" else "code"
    return {"cell_type": kind_of_cell, "metadata": metadata, "source": source}


BLANK = 'def double(x):\n    """Twice x."""\n    raise NotImplementedError()'
RIGHT = "def double(x):\n    print('a trace')\n    return 2 * x"
SMALL = (
    cell("from autograder.lab import close", "given"),
    cell(BLANK, "exercise", "double"),
    cell("close(double(2), 4)", "check", "double", "by-hand", 1),
    cell("# Hidden: other numbers.", "check", "double", "general", 2),
    cell("double('a demo') + 1", "demo"),
    cell("*Your answer:*\n\nYOUR ANSWER HERE", "answer", "why", points=3),
)


def checked(tmp_path: Path, changes: Mapping[int, str], **options: Any) -> CheckReport:
    """The report on a small notebook in which some cells' sources were changed."""
    cells = [{**each, "source": changes.get(number, each["source"])} for number, each in enumerate(SMALL)]
    path = tmp_path / "small.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return check_notebook(path, **options)


def double_of(report: CheckReport) -> ExerciseState:
    return next(each for each in report.exercises if each.name == "double")


def test_a_finished_notebook_is_done(tmp_path: Path) -> None:
    report = checked(tmp_path, {1: RIGHT, 5: "Because."})
    assert report.done
    assert (report.points, report.visible_points, report.hidden_points, report.hand_points) == (1, 1, 2, 3)


def test_a_blank_exercise_and_a_blank_answer_are_open(tmp_path: Path) -> None:
    report = checked(tmp_path, {})
    assert [each.open for each in report.exercises] == [True, True]
    assert not report.done
    assert double_of(report).checks[0].message == "This exercise is still blank."


def test_a_failed_check_says_what_came_and_what_was_expected(tmp_path: Path) -> None:
    message = double_of(checked(tmp_path, {1: "def double(x):\n    return x + 1"})).checks[0].message
    assert "expected 4" in message
    assert "got 3" in message


def test_a_check_may_give_part_of_its_points(tmp_path: Path) -> None:
    report = checked(tmp_path, {1: RIGHT, 2: "0.5"})
    assert double_of(report).checks[0].points == 0.5


def test_code_that_raises_is_named_with_its_line(tmp_path: Path) -> None:
    message = double_of(checked(tmp_path, {1: "def double(x):\n    y = 0\n    return x / y"})).checks[0].message
    assert message == "ZeroDivisionError: division by zero (double, line 3 of cell 2)"


def test_a_cell_that_is_no_python_is_a_problem_of_that_cell(tmp_path: Path) -> None:
    report = checked(tmp_path, {1: "def double(x:\n    pass"})
    assert [(each.cell, each.what) for each in report.problems] == [(2, "your code for double")]
    assert report.problems[0].message.startswith("SyntaxError")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "seconds", "said"),
    [
        ("while True:\n    pass", 3, "It had not ended after 3 seconds"),
        ("import os\nos._exit(0)", 60, "Python itself ended"),
    ],
)
def test_a_cell_that_ends_its_process_is_named_and_the_rest_runs(
    tmp_path: Path, source: str, seconds: float, said: str
) -> None:
    report = checked(tmp_path, {1: RIGHT, 4: source}, seconds=seconds, demos=True)
    assert [(each.cell, each.message[: len(said)]) for each in report.problems] == [(5, said)]
    assert double_of(report).checks[0].message == ""
    report = checked(tmp_path, {1: source}, seconds=seconds)
    (message,) = (check.message for check in double_of(report).checks)
    assert message.startswith("NameError: name 'double' is not defined")
    assert "your cell of `double` was stopped:" in message.lower()


def test_demonstrations_run_only_when_asked_for(tmp_path: Path) -> None:
    assert checked(tmp_path, {1: RIGHT, 5: "Because."}).problems == ()
    asked = checked(tmp_path, {1: RIGHT, 5: "Because."}, demos=True)
    assert [each.message[:9] for each in asked.problems] == ["TypeError"]


def test_a_magic_of_jupyter_is_no_mistake(tmp_path: Path) -> None:
    assert checked(tmp_path, {0: "%matplotlib inline\nfrom autograder.lab import close", 1: RIGHT}).problems == ()


@pytest.mark.parametrize("line", ["%pip install einops", "!ls", "%load_ext einops_", "%what_is_this"])
def test_what_is_not_run_is_said_and_takes_nothing_with_it(tmp_path: Path, line: str) -> None:
    report = checked(tmp_path, {1: f"{line}\n{RIGHT}", 5: "Because."})
    assert [each.what for each in report.repairs] == [f"Not run: {line}"]
    assert report.done


@pytest.mark.parametrize(
    "content", ["", "{}", json.dumps({"cells": [cell("1")], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})]
)
def test_what_is_no_notebook_of_the_course_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.ipynb"
    path.write_text(content)
    with pytest.raises(UnreadableSubmission, match=r"other\.ipynb"):
        check_notebook(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSubmission, match=r"none\.ipynb"):
        check_notebook(tmp_path / "none.ipynb")


def test_the_terminal_shows_what_is_left(tmp_path: Path) -> None:
    screen = io.StringIO()
    print_report(checked(tmp_path, {1: "def double(x):\n    return x + 1"}), Console(file=screen, width=100))
    shown = " ".join(screen.getvalue().split())
    assert "Still open: why." in shown
    assert "0 of 1 points in the checks that you can see; parts of them may be hidden." in shown
    assert "Hidden checks give up to 2 more" in shown
    assert "double, check by-hand:" in shown


def test_a_notebook_of_somebody_else_commands_no_terminal(tmp_path: Path) -> None:
    """A teaching assistant checks it: its errors, its names and what it leaves out are shown, and only shown."""
    order = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    named = [
        {**each, "metadata": {**each["metadata"], "autograder": {**own, "exercise": own["exercise"] + order}}}
        if (own := each["metadata"].get("autograder", {})).get("exercise")
        else each
        for each in SMALL
    ]
    raising = f"def double(x):\n    raise type({order!r}, (Exception,), {{}})({order!r} + 'said')"
    cells = [named[0], {**named[1], "source": raising}, *named[2:], cell(f"%%bash {order}\nls")]
    path = tmp_path / "small.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    screen = io.StringIO()
    print_report(check_notebook(path), Console(file=screen, width=100))
    assert "said" in screen.getvalue()
    assert "Not run: %%bash" in screen.getvalue()
    assert not [sign for sign in screen.getvalue() if sign in "\x1b\x07\x9b\u202e"]

"""A student's way in a real JupyterLab: open the notebook, run it, validate it, and read what a check says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.course import Course
from autograder.demo.student_notebooks import answer_exercises, notebook_as_bytes, solutions

from .conftest import Jupyter, jupyter_lab

pytestmark = pytest.mark.timeout(900)

COURSE = Course.find(Path(__file__))
ASSIGNMENTS = [name for name in COURSE.assignments() if (COURSE.release / name).is_dir()]
SWITCH = re.compile(r"^(run_training\b[^=\n]*= )True", re.MULTILINE)
"""Where a notebook offers to skip its long training, it is skipped: everything else is run."""
QUICK = 30  # Seconds that a notebook's header states: validating it runs it a second time.
TYPED = "  # typed"
NEGATIVE = """

_positive = count_parameters


def count_parameters(*arguments):
    return -_positive(*arguments)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "work").mkdir()
    with jupyter_lab(folder / "work", folder / "home") as running:
        yield running


def put(lab: Jupyter, name: str, changes: dict[str, str] | None = None) -> Path:
    """A solved copy of an assignment's notebook, with some exercises answered otherwise."""
    assignment = load_assignment(COURSE, name)
    notebook = answer_exercises(assignment, {**solutions(assignment), **(changes or {})}, "Because.")
    for cell in notebook["cells"]:
        cell["source"] = SWITCH.sub(r"\1False", cell["source"])
    path = lab.root / f"{name}{'-changed' if changes else ''}.ipynb"
    path.write_bytes(notebook_as_bytes(notebook))
    return path


def opened(page: Any, lab: Jupyter, path: Path) -> None:
    page.goto(f"{lab.url}/lab/tree/{path.name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector("#jp-main-statusbar >> text=| Idle")


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def has_run(path: Path) -> bool:
    """Whether every code cell was saved with a number; a file that is just being written says nothing yet."""
    try:
        return all(cell["execution_count"] for cell in code_cells(path))
    except json.JSONDecodeError:
        return False


def run_all(page: Any, lab: Jupyter, path: Path, seconds: float) -> list[dict[str, Any]]:
    """Choose Run All Cells, wait, save, and give back the code cells as they were saved."""
    page.click(".lm-MenuBar-item:has-text('Run')")
    page.click(".lm-Menu-item[data-command='runmenu:run-all']")

    deadline = time.monotonic() + seconds
    while not (lab.is_idle and has_run(path)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path.name} was still running after {seconds:g} s")
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)  # Not time.sleep: the browser's events are handled in here.
    return code_cells(path)


def type_into_all(page: Any, is_code: list[bool]) -> None:
    """Go through the cells from the first to the last, type into those of code, and save."""
    page.click(".jp-Notebook .jp-Cell >> nth=0")
    page.keyboard.press("Escape")
    for code in is_code:
        if code:
            page.keyboard.press("Enter")
            page.keyboard.press("Control+End")
            page.keyboard.type(TYPED)
            page.keyboard.press("Escape")
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)


def typed(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in code_cells(path) if "".join(cell["source"]).endswith(TYPED)]


def validate(page: Any) -> str:
    """Press nbgrader's button and give back what its window says."""
    page.click("button:has-text('Validate'), jp-button:has-text('Validate')")
    page.wait_for_selector(".jp-Dialog", timeout=300_000)
    text: str = page.inner_text(".jp-Dialog")
    return text


@pytest.mark.timeout(1000)
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_a_solved_notebook_runs_from_top_to_bottom_and_shows_figures(page: Any, lab: Jupyter, name: str) -> None:
    path = put(lab, name)
    opened(page, lab, path)
    cells = run_all(page, lab, path, 900)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert page.locator(".jp-OutputArea img").count() > 0
    if json.loads(path.read_text())["metadata"]["autograder"]["seconds"] <= QUICK:
        assert "Success" in validate(page)


@pytest.mark.parametrize("name", ["04-backprop", "05-regularization"])
def test_every_cell_that_is_the_students_can_be_typed_into_and_no_other(page: Any, lab: Jupyter, name: str) -> None:
    path = put(lab, name)
    opened(page, lab, path)
    type_into_all(page, [cell["cell_type"] == "code" for cell in json.loads(path.read_text())["cells"]])
    kinds = {cell["metadata"]["autograder"]["kind"] for cell in typed(path)}
    untouched = {cell["metadata"]["autograder"]["kind"] for cell in code_cells(path) if cell not in typed(path)}
    assert kinds == {"exercise", "demo"}
    assert untouched == {"given", "check"}


def test_nbgraders_button_shows_what_came_what_was_expected_and_what_to_look_at(page: Any, lab: Jupyter) -> None:
    right = solutions(load_assignment(COURSE, ASSIGNMENTS[0]))["count_parameters"]
    opened(page, lab, put(lab, ASSIGNMENTS[0], {"count_parameters": right + NEGATIVE}))
    told = validate(page)
    assert "failed" in told.lower()
    assert "expected 120" in told
    assert "got -120" in told
    assert "Look at: each of the 6 units has a weight" in told

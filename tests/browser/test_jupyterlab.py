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
from autograder.demo.class_maker import answer_exercises, notebook_as_bytes, solutions

from .conftest import Jupyter, jupyter_lab

pytestmark = pytest.mark.timeout(900)

COURSE = Course.find(Path(__file__))
ASSIGNMENTS = [name for name in COURSE.assignments() if (COURSE.release / name).is_dir()]
SWITCH = re.compile(r"^(run_training\b[^=\n]*= )True", re.MULTILINE)
"""Where a notebook offers to skip its long training, it is skipped: everything else is run."""
MOVED = re.compile(r"^move\(", re.MULTILINE)
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


def with_sliders(lab: Jupyter, name: str) -> Path:
    """The solved notebook of an assignment down to its last slider, without its checks."""
    notebook = json.loads(put(lab, name).read_text())
    last = max(place for place, cell in enumerate(notebook["cells"]) if MOVED.search(cell["source"]))
    kept = [cell for cell in notebook["cells"][: last + 1] if not cell["metadata"].get("nbgrader", {}).get("grade")]
    path = lab.root / f"{name}-sliders.ipynb"
    path.write_bytes(notebook_as_bytes({**notebook, "cells": kept}))
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


@pytest.mark.parametrize("name", ["01-convolution", "02-feature-maps", "03-pooling"])
def test_a_slider_draws_the_figure_again(page: Any, lab: Jupyter, name: str) -> None:
    path = with_sliders(lab, name)
    opened(page, lab, path)
    run_all(page, lab, path, 300)
    area = page.locator(".jp-OutputArea:has(.noUi-handle)").last
    area.scroll_into_view_if_needed()
    before = area.locator("img").get_attribute("src")
    area.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([area, before]) => area.querySelector('img')?.src !== before", arg=[area.element_handle(), before]
    )
    assert area.locator("img").get_attribute("src").startswith("data:image/png")
    assert area.locator(".jp-OutputArea-output[data-mime-type*=error]").count() == 0


def test_a_released_notebook_lets_one_type_into_exercises_and_demonstrations_and_not_into_checks(
    page: Any, lab: Jupyter
) -> None:
    name = ASSIGNMENTS[0]
    path = lab.root / "released.ipynb"
    path.write_text(load_assignment(COURSE, name).release)
    opened(page, lab, path)
    places = {"raise NotImplementedError": True, 'guess = "?"': True, "120, case=": False}
    for text, may_be_changed in places.items():
        editor = page.locator(f".jp-CodeCell:has-text('{text}') .cm-content").first
        editor.scroll_into_view_if_needed()
        editor.click()
        page.keyboard.press("Control+End")
        page.keyboard.type(TYPED)
        assert (TYPED in editor.inner_text()) == may_be_changed, text

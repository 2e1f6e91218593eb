"""The time that each solved notebook takes from top to bottom, so that the times told to students are measured."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import nbformat
import numpy as np
from nbclient import NotebookClient

from autograder.authoring.assignment import load_assignment
from autograder.course import Course
from autograder.grading.reference import reference_for

__all__ = ["NotebookTime", "loops_over_matmul", "notebook_times", "run_notebook"]

CELL_SECONDS = 1800


class NotebookTime(msgspec.Struct, frozen=True):
    """The run of one solved notebook.

    Attributes:
        seconds: wall time of the whole run, the kernel's start included.
        promised: the time that the notebook tells students, in seconds.
        longest_cell: first line of the cell that took longest.
        longest_seconds: the seconds that it took.
        over_five: seconds of each cell that took more than five, with its first line.
    """

    seconds: float
    promised: float
    longest_cell: str
    longest_seconds: float
    over_five: dict[str, float]


def notebook_times(course: Course) -> dict[str, NotebookTime]:
    """Run every assignment's solved notebook once, one after the other, and return the times."""
    return {name: run_notebook(course, name) for name in course.assignments()}


def run_notebook(course: Course, name: str) -> NotebookTime:
    """Run the solved notebook of the assignment ``name`` in a fresh kernel.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell of the solved notebook fails.
    """
    (path,) = (course.source / name).glob("*.ipynb")
    notebook: Any = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        if "BEGIN HIDDEN TESTS" in cell.source:  # students do not have them
            cell.source = cell.source.partition("### BEGIN HIDDEN TESTS")[0]
    clock = _Clock()
    folder = course.release / name
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=clock.start,
        on_cell_executed=clock.stop,  # on_cell_complete comes when the cell has merely been sent
    )
    began = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - began
    longest = max(clock.cells, key=lambda title: clock.cells[title])
    return NotebookTime(
        round(seconds, 1),
        float(notebook.metadata["autograder"]["seconds"]),
        longest,
        round(clock.cells[longest], 1),
        {title: round(spent, 1) for title, spent in clock.cells.items() if spent > 5},
    )


class _Clock:
    """The wall time of each cell, by its number and first line."""

    def __init__(self) -> None:
        self.cells: dict[str, float] = {}
        self._began = 0.0

    def start(self, cell: Any, cell_index: int) -> None:
        self._began = time.perf_counter()

    def stop(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        lines = [line for line in cell.source.splitlines() if line.strip()]
        title = f"{cell_index}: {lines[0].strip()[:60]}" if lines else str(cell_index)
        self.cells[title] = time.perf_counter() - self._began


def loops_over_matmul(course: Course, repeats: int = 5) -> float:
    """Return the speed of assignment 02's convolution by a matrix product, as a multiple of that of its four loops.

    It is measured on the size that its docstring states: 8 images (3, 24, 24), 32 kernels (3, 3, 3); medians of
    ``repeats`` runs, in a fresh process: in one that has freed large blocks before, the product's arrays cost no page
    faults, and it takes a fourth of the time.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_loops_over_matmul, course.root, repeats).result()


def _loops_over_matmul(root: Path, repeats: int) -> float:
    solution = reference_for(load_assignment(Course.find(root), "02-feature-maps")).solution
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(8, 3, 24, 24)), rng.normal(size=(32, 3, 3, 3)), rng.normal(size=32)
    loops = median(_seconds(solution.conv_forward, x, w, b) for _ in range(repeats))
    product = median(_seconds(solution.conv_matmul, x, w, b) for _ in range(repeats))
    return loops / product


def _seconds(function: Any, *arguments: Any) -> float:
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began

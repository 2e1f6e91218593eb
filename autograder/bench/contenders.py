"""The contenders of the benchmark, and the time that each solved notebook takes from top to bottom.

Each contender gets a folder of its own with the same class in it, and runs as a program. Notebooks are timed so that
the times told to students are measured.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import nbformat
import numpy as np
from nbclient import NotebookClient

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.bench.invented_class import hand_in_all, tools_file
from autograder.bench.peers import python_with_otter, stock_source_notebook, write_otter_notebook, write_otter_tests
from autograder.bench.process_usage import ProcessUsage, measure
from autograder.course import Course
from autograder.grading.reference import reference_for

__all__ = ["Bench", "NotebookTime", "loops_over_matmul", "run_notebook"]

Code = dict[str, dict[str, str]]


@dataclass
class Bench:
    """The class, and folders to grade it in.

    Attributes:
        course: the course whose assignment is graded.
        assignment: the assignment.
        code: each student's code.
        folder: where everything happens; removed by whoever made it.
    """

    course: Course
    assignment: Assignment
    code: Code
    folder: Path
    _runs: int = 0

    def ours(self, workers: int, count: int, again: str = "", torch: bool | None = None) -> ProcessUsage:
        """Run this grader on the first ``count`` students, or those of them whose code names torch or does not."""
        root = self._fresh("ours")
        configuration = 'id = "bench"\nfixed_secret = "bench"\n' + self._directories()
        (root / "course.toml").write_text(configuration, encoding="utf-8")
        for folder in (self.course.source, self.course.release):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(folder / self.assignment.name, root / folder.name / self.assignment.name, ignore=ignore)
        hand_in_all(root / "submitted", self.assignment, self._first(count, torch))
        arguments = [str(root), self.assignment.name, str(workers), *([again] if again else [])]
        return measure("autograder.bench.ours", arguments, folder=root)

    def stock(self, count: int, feedback: bool = False) -> ProcessUsage:
        """Run nbgrader's stock autograde on the first ``count`` students."""
        root = self._fresh("stock")
        source = root / "source" / self.assignment.name
        source.mkdir(parents=True)
        notebook = stock_source_notebook(self.course, self.assignment, self._tools())
        (source / f"{self.assignment.notebook}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        demos = {cell.cell_id for cell in self.assignment.cells if cell.kind == "demo"}
        hand_in_all(root / "submitted", self.assignment, self._first(count), without=demos)
        arguments = ["nbgrader", str(root), self.assignment.name, *(["feedback"] if feedback else [])]
        # Run where no nbgrader_config.py is found: the course's own would put the isolated path into nbgrader.
        return measure("autograder.bench.peers", arguments, folder=root)

    def otter(self, count: int) -> ProcessUsage:
        """Run otter-grader locally on the first ``count`` students.

        Raises:
            PeerFailed: it cannot be installed or does not run.
        """
        root = self._fresh("otter")
        write_otter_tests(self.assignment, self._tools(), root)
        (root / "submissions").mkdir()
        for student, code in self._first(count).items():
            write_otter_notebook(self.assignment, code, root / "submissions" / f"{student}.ipynb")
        python = python_with_otter(self.course.root / ".cache" / "bench-otter")
        return measure("autograder.bench.peers", ["otter", str(root)], folder=root, python=str(python))

    def floor(self, count: int) -> ProcessUsage:
        """Run the same cells in one bare process."""
        kinds = ("given", "exercise", "check")
        cells = [
            (cell.kind, cell.exercise if cell.kind == "exercise" else cell.grade_id, cell.source)
            for cell in self.assignment.cells
            if cell.kind in kinds
        ]
        content = {
            "tools": str(self._tools()),
            "checks": [cell.grade_id for cell in self.assignment.checks],
            "cells": cells,
            "submissions": list(self._first(count).values()),
        }
        path = self._fresh("floor") / "class.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return measure("autograder.bench.floor", [str(path)], folder=path.parent)

    def profile(self, count: int) -> ProcessUsage:
        """Measure this grader's CPU time by its parts, on the first ``count`` students."""
        path = self._fresh("profile") / "class.json"
        path.write_text(json.dumps(list(self._first(count).values())), encoding="utf-8")
        arguments = [str(self.course.root), self.assignment.name, str(path)]
        whole = measure("autograder.bench.profile", arguments, folder=path.parent)
        whole.answer["samples"] = measure("autograder.bench.shares", arguments, folder=path.parent).answer
        return whole

    def _first(self, count: int, torch: bool | None = None) -> Code:
        chosen = [each for each in self.code.items() if torch is None or ("torch" in str(each)) == torch]
        return dict((chosen or list(self.code.items()))[:count])

    def _tools(self) -> Path:
        path = self.folder / "tools.json"
        return path if path.exists() else tools_file(self.course, self.assignment, path)

    def _directories(self) -> str:
        return (
            f'[directories]\nsource = "{self.course.source.name}"\nrelease = "{self.course.release.name}"\n'
            f'data = "{self.course.data}"\nhidden_data = "{self.course.hidden_data}"\n'
        )

    def _fresh(self, name: str) -> Path:
        self._runs += 1
        root = self.folder / f"{self._runs:03}-{name}"
        root.mkdir()
        return root


# ---- solved notebooks

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

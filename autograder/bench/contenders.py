"""The contenders that are timed: each gets a folder of its own with the same class in it, and runs as a program."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring.assignment import Assignment
from autograder.bench.honest import hand_in_all, tools_file
from autograder.bench.nbgrader_stock import stock_source_notebook
from autograder.bench.otter import python_with_otter, write_assignment, write_submission
from autograder.bench.process_usage import ProcessUsage, measure
from autograder.course import Course

__all__ = ["Bench"]

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
        arguments = [str(root), self.assignment.name, *(["feedback"] if feedback else [])]
        # Run where no nbgrader_config.py is found: the course's own would put the isolated path into nbgrader.
        return measure("autograder.bench.nbgrader_stock", arguments, folder=root)

    def otter(self, count: int) -> ProcessUsage:
        """Run otter-grader locally on the first ``count`` students.

        Raises:
            PeerFailed: it cannot be installed or does not run.
        """
        root = self._fresh("otter")
        write_assignment(self.assignment, self._tools(), root)
        (root / "submissions").mkdir()
        for student, code in self._first(count).items():
            write_submission(self.assignment, code, root / "submissions" / f"{student}.ipynb")
        python = python_with_otter(self.course.root / ".cache" / "bench-otter")
        return measure("autograder.bench.otter", [str(root)], folder=root, python=str(python))

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

"""Courses of nbgrader's, adopted once for all tests, and what grades a notebook of them.

They are written anew in the manner of public ones. ``numbers`` has variables as answers, numpy, hashes of right
answers, a data file, partial credit and markers of its own. ``objects`` has classes, given and asked for, errors of a
given class, unittest, checks of what is printed or typed. ``texts`` has several notebooks, hidden tests, written
answers, tasks, helpers that one test defines for the next, files that tests write, and functions that take functions.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.adopting.adoption import AdoptionReport, adopt_course
from autograder.adopting.trial import Trials
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.engine.grader import solved
from autograder.grading.result import CheckResult
from autograder.submission.model import Submission

COURSES = Path(__file__).parent / "courses"


class AdoptedCourse:
    """A course that was adopted, and the report on it."""

    def __init__(self, root: Path, report: AdoptionReport) -> None:
        self.root = root
        self.report = report

    @property
    def course(self) -> Course:
        return Course.find(self.root)

    def assignment(self, unit: str) -> Assignment:
        return load_assignment(self.course, unit)

    @property
    def levels(self) -> dict[str, str]:
        return {cell.name: cell.how for cells in self.report.notebooks.values() for cell in cells}

    def copy_to(self, folder: Path) -> Course:
        """A copy that a test may write in."""
        shutil.copytree(self.root, folder)
        return Course.find(folder)


def quickstart(folder: Path) -> Path:
    """The example that comes with nbgrader, as its own command writes it."""
    nbgrader = Path(sys.executable).parent / "nbgrader"
    subprocess.run([nbgrader, "quickstart", folder.name], cwd=folder.parent, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AdoptedCourse]:
    """A sample course by its name, or ``quickstart``."""
    known: dict[str, AdoptedCourse] = {}

    def make(name: str) -> AdoptedCourse:
        if name not in known:
            folder = tmp_path_factory.mktemp("adopted") / name
            root = quickstart(folder) if name == "quickstart" else Path(shutil.copytree(COURSES / name, folder))
            known[name] = AdoptedCourse(root, adopt_course(root))
        return known[name]

    return make


@pytest.fixture(scope="session")
def grade(adopted: Callable[[str], AdoptedCourse]) -> Iterator[Callable[..., dict[str, CheckResult]]]:
    """Grades a notebook of a sample course, its exercises answered as said, the others as in the solution."""
    open_trials: dict[str, Trials] = {}

    def graded(name: str, unit: str, answers: dict[str, str] | None = None) -> dict[str, CheckResult]:
        own = adopted(name)
        if name not in open_trials:
            open_trials[name] = Trials(own.course)
        assignment = own.assignment(unit)
        return open_trials[name].grade(assignment, answered(assignment, answers or {}))

    yield graded
    for trials in open_trials.values():
        trials.__exit__(None, None, None)


def answered(assignment: Assignment, answers: dict[str, str]) -> Submission:
    """The solution with other answers to some exercises."""
    cells = [(cell, answers.get(cell.grade_id, cell.source)) for cell in solved(assignment).cells]
    made = tuple(type(cell)(**{**_fields(cell), "source": source}) for cell, source in cells)
    return Submission(made, (), "answered")


def _fields(cell: object) -> dict[str, object]:
    return {name: getattr(cell, name) for name in cell.__struct_fields__}  # type: ignore[attr-defined]

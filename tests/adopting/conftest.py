"""Courses of nbgrader's, adopted once for all tests, and what grades a notebook of them.

They are written anew in the manner of public ones. ``numbers`` has variables as answers, numpy, hashes of right
answers, a data file, partial credit and markers of its own. ``objects`` has classes, given and asked for, errors of a
given class, unittest, checks of what is printed or typed. ``texts`` has several notebooks, hidden tests, written
answers, tasks, helpers that one test defines for the next, files that tests write, and functions that take functions.
``frames`` has tables of pandas as data and as answers, figures, and tests that ask whether a variable is there.
``springs`` has modules beside the notebook, one of classes and one of checks, AUTOTEST lines, and a class to write.
"""

from __future__ import annotations

import fcntl
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from autograder.adopting.adoption import AdoptionReport, adopt_course, write_adoption
from autograder.adopting.trial import Trials, attempts_at
from autograder.authoring.adopted import Adoption, lay_out_files
from autograder.authoring.assignment import Assignment, adopted_assignment, load_assignment
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


class SampleCourses:
    """The sample courses below a folder, each adopted when it is first asked for; processes may share the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, AdoptedCourse] = {}
        self._trials: dict[str, Trials] = {}

    def adopted(self, name: str) -> AdoptedCourse:
        """A course by its name, or ``quickstart``."""
        if name not in self._known:
            with (self._folder / f"{name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._known[name] = self._adopted(name)
        return self._known[name]

    def _adopted(self, name: str) -> AdoptedCourse:
        root, kept = self._folder / name, self._folder / f"{name}.report"
        if not kept.is_file():
            shutil.rmtree(root, ignore_errors=True)
            quickstart(root) if name == "quickstart" else shutil.copytree(COURSES / name, root)
            kept.write_bytes(pickle.dumps(adopt_course(root)))
        return AdoptedCourse(root, pickle.loads(kept.read_bytes()))

    def grade(self, name: str, unit: str, answers: dict[str, str] | None = None) -> dict[str, CheckResult]:
        """Grade a notebook of a course, its exercises answered as said, the others as in the solution."""
        own = self.adopted(name)
        if name not in self._trials:
            self._trials[name] = Trials(own.course)
        return self._trials[name].grade(own.assignment(unit), answered(own.assignment(unit), answers or {}))

    def close(self) -> None:
        """End the sandboxes."""
        for trials in self._trials.values():
            trials.__exit__(None, None, None)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[SampleCourses]:
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "adopted-courses"
    folder.mkdir(exist_ok=True)
    found = SampleCourses(folder)
    yield found
    found.close()


@pytest.fixture(scope="session")
def adopted(samples: SampleCourses) -> Callable[[str], AdoptedCourse]:
    return samples.adopted


@pytest.fixture(scope="session")
def grade(samples: SampleCourses) -> Callable[..., dict[str, CheckResult]]:
    return samples.grade


@pytest.fixture
def right_and_blank() -> Callable[[Course, str], list[dict[str, CheckResult]]]:
    """Grades the solution and the blank notebook of a course, each check at the level that it would have by itself."""
    return _right_and_blank


def _right_and_blank(course: Course, unit: str) -> list[dict[str, CheckResult]]:
    write_adoption(course, Adoption())
    found = Course.find(course.root)
    lay_out_files(found)
    assignment = adopted_assignment(found, unit, Adoption())
    with Trials(found) as trials:
        return [trials.grade(assignment, each.submission) for each in islice(attempts_at(assignment), 2)]


def answered(assignment: Assignment, answers: dict[str, str]) -> Submission:
    """The solution with other answers to some exercises."""
    cells = [(cell, answers.get(cell.grade_id, cell.source)) for cell in solved(assignment).cells]
    made = tuple(type(cell)(**{**_fields(cell), "source": source}) for cell, source in cells)
    return Submission(made, (), "answered")


def _fields(cell: Any) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in cell.__struct_fields__}

"""A small class whose grades are known, and a grader process that can be killed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_course
from autograder.course import Course
from autograder.engine.executor import LocalWorkers
from autograder.engine.worker import Options

SAMPLE = Path(__file__).parent / "sample" / "two_functions.py"
STANDINS = Path(__file__).parents[1] / "engine" / "standins"
NAME = "00-two-functions"
ANSWERS = {
    "right": {"double": "def double(x):\n    return x + x", "shift": "def shift(x):\n    return OFFSET + x"},
    "wrong": {"double": "def double(x):\n    return x * x", "shift": "def shift(x):\n    return OFFSET + x"},
    "half": {"double": "def double(x):\n    return x + x"},
    "slow": {"double": "import time\ndef double(x):\n    time.sleep(0.05)\n    return x + x"},
    "loud": {"shift": "print('hello')\ndef shift(x):\n    raise OSError('no')"},
}
GRADE = """
import sys
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.progress import Silent
students = sys.argv[3].split(",") if len(sys.argv) > 3 else None
report = grade_class(
    Course.find(sys.argv[1]), "00-two-functions", workers=int(sys.argv[2]), students=students, progress=Silent()
)
sys.exit(report.exit_code)
"""


class FaultyCourse:
    """A course of one small assignment, its class, and what grading it left."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        (root / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n')
        folder = root / "solutions" / NAME
        folder.mkdir(parents=True)
        shutil.copy(SAMPLE, folder)
        self.course = Course.find(root)
        build_course(self.course)

    @classmethod
    def at(cls, root: Path) -> FaultyCourse:
        """A course that is already there."""
        found = cls.__new__(cls)
        found.root, found.course = root, Course.find(root)
        return found

    @property
    def assignment(self) -> Assignment:
        return load_assignment(self.course, NAME)

    def notebook(self, answers: dict[str, str]) -> dict[str, Any]:
        notebook: dict[str, Any] = json.loads(self.assignment.release)
        for cell in notebook["cells"]:
            cell["source"] = answers.get(cell["metadata"].get("nbgrader", {}).get("grade_id", ""), cell["source"])
        return notebook

    def hand_in(self, student: str, content: bytes) -> Path:
        path = self.root / "submitted" / student / NAME / "two_functions.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def hand_in_class(self, size: int) -> list[str]:
        """Students ``s00``, ``s01`` …, each with code of their own, of every kind of answer in turn."""
        names = []
        for number in range(size):
            kind = list(ANSWERS)[number % len(ANSWERS)]
            answers = {name: f"# by {number}\n{code}" for name, code in ANSWERS[kind].items()}
            names.append(f"s{number:02}")
            self.hand_in(names[-1], json.dumps(self.notebook(answers)).encode())
        return names

    def grader(self, workers: int = 2, students: list[str] | None = None) -> subprocess.Popen[bytes]:
        """A grader of this course, in a process of its own."""
        command = [sys.executable, "-c", GRADE, str(self.root), str(workers)]
        if students is not None:
            command.append(",".join(students))
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def forget(self) -> None:
        """As if nothing had ever been graded."""
        for name in ("autograded", "feedback", ".autograder"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for path in self.root.glob("gradebook.db*"):
            path.unlink()

    def grades(self) -> list[tuple[Any, ...]]:
        """Every grade in the gradebook: student, cell and scores; one that is there twice is there twice."""
        question = text(
            "SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score, grade.manual_score, "
            "grade.extra_credit, grade.needs_manual_grade FROM grade JOIN base_cell ON base_cell.id = grade.cell_id "
            "JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id "
            "JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id ORDER BY 1, 2"
        )
        engine = create_engine(self.course.gradebook_url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(question).all()]
        finally:
            engine.dispose()

    def left(self) -> dict[str, Any]:
        """All that grading leaves: every grade, and a hash of every graded notebook and page of feedback."""
        files = [path for name in ("autograded", "feedback") for path in sorted((self.root / name).rglob("*.*"))]
        hashes = {
            str(p.relative_to(self.root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.is_file()
        }
        return {"grades": self.grades(), "files": hashes}

    def totals(self) -> dict[str, float]:
        """For each student in the gradebook, the points by checks."""
        found: dict[str, float] = {}
        for student, _, points, *_ in self.grades():
            found[student] = found.get(student, 0.0) + (points or 0.0)
        return found


@pytest.fixture(scope="module")
def make_course(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], FaultyCourse]:
    """Makes courses that outlive a single test."""
    return lambda: FaultyCourse(tmp_path_factory.mktemp("faults") / "course")


@pytest.fixture
def faulty(tmp_path: Path) -> FaultyCourse:
    return FaultyCourse(tmp_path / "course")


class Shared:
    """One pool of workers for many runs, which may each close it."""

    def __init__(self, pool: LocalWorkers) -> None:
        self._pool = pool
        self.slots = pool.slots
        self.submit = pool.submit
        self.completed = pool.completed

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def instant_pool() -> Iterator[LocalWorkers]:
    """Workers that need no sandbox and give points for any ``return``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(STANDINS), os.environ.get("PYTHONPATH", "")])))
        pool = LocalWorkers(2, Options(grader="engine_standins:Instant"))
    with pool:
        yield pool


@pytest.fixture
def instant(instant_pool: LocalWorkers) -> Shared:
    return Shared(instant_pool)

"""Stand-ins that worker processes can import, small submissions, and a small course with a class."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_course
from autograder.course import Course
from autograder.engine.executor import LocalWorkers
from autograder.engine.worker import Bundle, Job, Options, Reply
from autograder.settings import GradingSettings
from autograder.submission.model import Submission, SubmissionCell

STANDINS = Path(__file__).parent / "standins"
SAMPLE = Path(__file__).parent / "sample"
NAME = "00-two-functions"
JobMaker = Callable[[int, str], Job]
RIGHT = {"double": "def double(x):\n    return x + x\n", "shift": "def shift(x):\n    return OFFSET + x\n"}


@pytest.fixture(autouse=True)
def standins_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes find the stand-ins; this one does not need them."""
    paths = [str(STANDINS), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


@pytest.fixture
def bundle() -> Bundle:
    """A bundle that holds nothing worth grading."""
    assignment = Assignment("00-none", "none", "None", (), (), (), "{}")
    return Bundle(assignment, b"k" * 32, GradingSettings(total_seconds=5.0))


@pytest.fixture
def job(bundle: Bundle) -> JobMaker:
    """Makes a job whose submission tells a scripted grader what to do."""

    def make(number: int, script: str) -> Job:
        cell = SubmissionCell("extra", "", f"cell-{number}", script, "", "code")
        return Job(number, bundle.digest, Submission((cell,), (), f"key-{number}"))

    return make


class Class:
    """A course with one assignment, and what its students hand in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n')
        folder = root / "solutions" / NAME
        folder.mkdir(parents=True)
        shutil.copy(SAMPLE / "two_functions.py", folder)
        self.course = Course.find(root)
        build_course(self.course)

    @property
    def assignment(self) -> Assignment:
        return load_assignment(self.course, NAME)

    def edit(self, old: str, new: str) -> None:
        """Change the assignment's source and build it again."""
        path = self.root / "solutions" / NAME / "two_functions.py"
        source = path.read_text()
        assert old in source
        path.write_text(source.replace(old, new))
        build_course(self.course)

    def path(self, student: str) -> Path:
        return self.root / "submitted" / student / NAME / "two_functions.ipynb"

    def hand_in(self, student: str, code: dict[str, str] | None = None) -> Path:
        """The released notebook with ``code`` in its exercises (default: right answers)."""
        notebook: dict[str, Any] = json.loads(self.assignment.release)
        for cell in notebook["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            if name in (RIGHT if code is None else code):
                cell["source"] = (RIGHT if code is None else code)[name]
        return self.hand_in_file(student, json.dumps(notebook).encode())

    def hand_in_file(self, student: str, content: bytes) -> Path:
        path = self.path(student)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def scores(self) -> dict[str, dict[str, float]]:
        """For each student in the gradebook, each check's points."""
        question = text(
            "SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade "
            "JOIN base_cell ON base_cell.id = grade.cell_id "
            "JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id "
            "JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"
        )
        engine = create_engine(self.course.gradebook_url)
        with engine.connect() as connection:
            rows = connection.execute(question).all()
        engine.dispose()
        found: dict[str, dict[str, float]] = {}
        for student, check, points in rows:
            assert check not in found.setdefault(student, {}), f"{student} has two grades for {check}"
            if check.startswith("check-"):
                found[student][check] = points
        return found

    def totals(self) -> dict[str, float]:
        """For each student in the gradebook, the points by checks."""
        return {student: sum(points.values()) for student, points in self.scores().items()}


class Shared:
    """One pool of workers for many runs, which may each close it."""

    def __init__(self, pool: LocalWorkers, repaired: Path) -> None:
        self._pool = pool
        self.repaired = repaired
        self.slots = pool.slots
        self.submitted: list[int] = []

    def submit(self, job: Job, bundle: Bundle) -> None:
        self.submitted.append(job.number)
        self._pool.submit(job, bundle)

    def completed(self, seconds: float) -> list[Reply]:
        return self._pool.completed(seconds)

    def close(self) -> None:
        self.repaired.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def instant_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalWorkers, Path]]:
    """Workers that need no sandbox; their machinery is repaired when the file is there."""
    repaired = tmp_path_factory.mktemp("machinery") / "repaired"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(STANDINS), os.environ.get("PYTHONPATH", "")])))
        patch.setenv("REPAIRED", str(repaired))
        pool = LocalWorkers(2, Options(grader="engine_standins:Instant"))
    with pool:
        yield pool, repaired


@pytest.fixture
def instant(instant_pool: tuple[LocalWorkers, Path]) -> Shared:
    return Shared(*instant_pool)


@pytest.fixture
def a_class(tmp_path: Path) -> Class:
    return Class(tmp_path)

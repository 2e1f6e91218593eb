"""A tiny course in a folder of its own, a submission to it, and results of grading that submission."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.grading.result import CheckResult, Outcome, Result
from autograder.submission.alignment import align
from autograder.submission.model import Submission

SAMPLE = Path(__file__).parents[1] / "submission" / "sample"
CONFIGURATION = Path(__file__).parents[2] / "nbgrader_config.py"
NAME = "00-tiny-topic"


@pytest.fixture(autouse=True)
def _commands_of_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nbgrader starts ``alembic`` by name."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    (root / "course.toml").write_text('id = "tiny"\nfixed_secret = "tiny"\n[grading]\nlate_penalty_per_day = 0.25\n')
    (root / "solutions" / NAME).mkdir(parents=True)
    (root / "data").mkdir()
    shutil.copy(SAMPLE / "tiny_topic.py", root / "solutions" / NAME)
    shutil.copy(CONFIGURATION, root)
    build_assignment(Course.find(root), NAME)
    return root


@pytest.fixture
def course(built: Path, tmp_path: Path) -> Course:
    return Course.find(shutil.copytree(built, tmp_path / "course"))


@pytest.fixture
def assignment(course: Course) -> Assignment:
    return load_assignment(course, NAME)


@pytest.fixture
def notebook(assignment: Assignment) -> dict[str, Any]:
    """A notebook that answers both exercises, shifts wrongly, and leaves the question blank."""
    notebook: dict[str, Any] = json.loads(assignment.release)
    work = {"double": "def double(x):\n    return x + x", "shift": "def shift(x):\n    return x - OFFSET"}
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        cell["source"] = work.get(grade_id, cell["source"])
    notebook["cells"].insert(4, {"cell_type": "code", "id": "own", "metadata": {}, "outputs": [],
                                 "execution_count": None, "source": "print('hello')"})  # fmt: skip
    return notebook


@pytest.fixture
def submission(notebook: dict[str, Any], assignment: Assignment) -> Submission:
    return align(notebook, assignment)


@pytest.fixture
def graded(assignment: Assignment, submission: Submission) -> Callable[..., Result]:
    """A result in which the named checks earned the given points and the others nothing."""

    def make(**points: float) -> Result:
        checks = []
        for cell in assignment.checks:
            earned = points.get(cell.grade_id.removeprefix("check-").replace("-", "_"), 0.0)
            outcome: Outcome = "passed" if earned == cell.points else "partial" if earned else "failed"
            message = "" if outcome == "passed" else "The values differ.\nLook at: the first one."
            checks.append(CheckResult(cell.grade_id, cell.exercise, earned, cell.points, outcome, message))
        outputs = {"extra-1": [{"output_type": "stream", "name": "stdout", "text": "hello\n"}]}
        return Result(
            assignment.name, assignment.key, submission.key, "graded", checks=tuple(checks), outputs=outputs
        )  # fmt: skip

    return make


@pytest.fixture
def result(graded: Callable[..., Result]) -> Result:
    """Doubling right by hand, half right in general, shifting wrong: 2 of 4 points."""
    return graded(double_by_hand=1.0, double_general=1.0)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that does not exist yet (SQLite) or is empty (PostgreSQL)."""
    if request.param == "postgresql":
        found: str = request.getfixturevalue("postgres_url")
        return found
    return f"sqlite:///{tmp_path / 'gradebook.db'}"

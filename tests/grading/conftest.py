"""A small assignment graded in a real sandbox."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.grading.grade import grade_submission
from autograder.grading.result import Result
from autograder.isolation.sandbox import Sandbox
from autograder.settings import GradingSettings
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import read_submission

SAMPLE = Path(__file__).parent / "sample"
Grade = Callable[..., Result]


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("course")
    (root / "course.toml").write_text('id = "sums"\nfixed_secret = "sums"\n')
    shutil.copytree(SAMPLE, root / "solutions" / "01-sums")
    return Course.find(root)


@pytest.fixture(scope="session")
def assignment(course: Course) -> Assignment:
    build_assignment(course, "01-sums")
    return load_assignment(course, "01-sums")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def graded(course: Course, assignment: Assignment, sandbox: Sandbox) -> Grade:
    """Grade the solved notebook with some exercises answered otherwise, and with cells added at the end."""

    def run(*more: str, settings: GradingSettings | None = None, **answers: str) -> Result:
        notebook = json.loads(assignment.release)
        solved = {name: cell.source for name, cell in assignment.exercises.items()} | answers
        for cell in notebook["cells"]:
            own = cell["metadata"].get("autograder", {})
            if own.get("kind") == "exercise":
                cell["source"] = solved[own["exercise"]]
        for number, source in enumerate(more):
            extra = {"cell_type": "code", "id": f"extra-{number}", "metadata": {}, "source": source}
            notebook["cells"].append({**extra, "outputs": [], "execution_count": None})
        submission = align(read_submission(json.dumps(notebook).encode(), "test"), assignment)
        settings = settings or GradingSettings(check_seconds=2, cell_seconds=2, total_seconds=60)
        return grade_submission(submission, assignment, sandbox, course.secret, settings)

    return run

"""A small course whose class is graded in the sandbox, once for a module."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_course
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.progress import Silent

SAMPLE = Path(__file__).parents[1] / "engine" / "sample" / "two_functions.py"
NAME = "00-two-functions"
RIGHT = {
    "double": "def double(x):\n    return x + x\n",
    "shift": "def shift(x):\n    return OFFSET + x\n",
    "answer-why": "Because.",
}
SQUARED = {**RIGHT, "double": "def double(x):\n    return x * x\n"}
MISCONCEPTIONS = """
from autograder.authoring.answers import misconception


@misconception(of="double", says="You squared <x>: look at three.")
def squared(x):
    return x * x
"""
ROSTER = "id,first_name,last_name,email,lms_user_id\nada,Ada,Lovelace,ada@x.org,4711\nbob,=Bob,Stone,bob@x.org,\n"


class Class:
    """A course with one assignment, and its students."""

    def __init__(self, root: Path) -> None:
        folder = root / "solutions" / NAME
        folder.mkdir(parents=True)
        (root / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n')
        (root / "students.csv").write_text(ROSTER)
        shutil.copy(SAMPLE, folder)
        (folder / "misconceptions.py").write_text(MISCONCEPTIONS)
        self.course = Course.find(root)
        build_course(self.course)

    @property
    def assignment(self) -> Assignment:
        return load_assignment(self.course, NAME)

    def hand_in(self, student: str, code: dict[str, str]) -> None:
        notebook = json.loads(self.assignment.release)
        for cell in notebook["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            cell["source"] = code.get(name, cell["source"])
        path = self.course.submitted / student / NAME / "two_functions.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook))

    def grade(self) -> None:
        grade_class(self.course, NAME, workers=1, yes=True, progress=Silent())


@pytest.fixture
def a_class(tmp_path: Path) -> Class:
    return Class(tmp_path)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """Ada is right, Bob squares, Eve left everything blank, and Dan handed in a picture."""
    made = Class(tmp_path_factory.mktemp("course"))
    made.hand_in("ada", RIGHT)
    made.hand_in("bob", SQUARED)
    made.hand_in("eve", {})
    made.hand_in("dan", {})
    (made.course.submitted / "dan" / NAME / "two_functions.ipynb").write_bytes(b"\x89PNG")
    made.grade()
    return made

"""A tiny assignment, built by the package itself, and a notebook that answers it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture(scope="session")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    root = tmp_path_factory.mktemp("course")
    (root / "course.toml").write_text('id = "tiny"\nfixed_secret = "tiny"\n')
    (root / "solutions" / "00-tiny-topic").mkdir(parents=True)
    shutil.copy(SAMPLE / "tiny_topic.py", root / "solutions" / "00-tiny-topic")
    course = Course.find(root)
    build_assignment(course, "00-tiny-topic")
    return load_assignment(course, "00-tiny-topic")


@pytest.fixture
def released(assignment: Assignment) -> dict[str, Any]:
    """The notebook as students get it; a fresh copy to change at will."""
    notebook: dict[str, Any] = json.loads(assignment.release)
    return notebook


@pytest.fixture
def answered(released: dict[str, Any]) -> dict[str, Any]:
    """The notebook with both exercises and the question answered."""
    work = {
        "double": "def double(x):\n    return x + x\n",
        "shift": "def shift(x):\n    return OFFSET + x\n",
        "answer-why": "Because 2 + 2 = 4.",
    }
    for cell in released["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in work:
            cell["source"] = work[grade_id]
    return released

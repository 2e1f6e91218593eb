"""A class whose written answers are in the gradebook, as after grading, without a sandbox."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.desk import application
from autograder.gradebook.graded_notebooks import write_autograded
from autograder.gradebook.mark_rows import WrittenMark
from autograder.gradebook.sanitising import Album, Pictures
from autograder.gradebook.store import Gradebook
from autograder.gradebook.write_submission import GradedSubmission
from autograder.gradebook.written_marks import WrittenMarks
from autograder.grading.result import CheckResult, Result
from autograder.submission.alignment import align
from autograder.submission.model import Submission

SAMPLE = Path(__file__).parents[1] / "submission" / "sample"
NAME, QUESTION = "00-tiny-topic", "answer-why"
TEXTS = {
    "ada": "Because a shift that is undone changes nothing.",
    "bob": "because a shift, that is undone, changes nothing!",
    "cem": "I do not know, but I would guess that it has to do with the offset.",
    "eve": "<script>document.title='broken'</script><img src=x onerror=alert(1)> **bold** [a](javascript:alert(1))",
}
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


def result_of(assignment: Assignment, submission: Submission) -> Result:
    """A result in which no check gave a point."""
    checks = tuple(
        CheckResult(cell.grade_id, cell.exercise, 0.0, cell.points, "failed", "") for cell in assignment.checks
    )
    return Result(assignment.name, assignment.key, submission.key, "graded", checks=checks)


def hand_in(course: Course, assignment: Assignment, notebooks: Mapping[str, Any]) -> None:
    """Put each student's notebook into the gradebook and below ``autograded/``."""
    submissions = {student: align(notebook, assignment) for student, notebook in notebooks.items()}
    with Gradebook.of(course) as gradebook, Pictures.of(course) as pictures:
        gradebook.register(assignment)
        graded = []
        for student, submission in submissions.items():
            result = result_of(assignment, submission)
            graded.append(GradedSubmission(student, submission, result))
            write_autograded(course, assignment, student, submission, result, Album(pictures))
        gradebook.record_all(assignment, graded)


def answered(assignment: Assignment, text: str) -> dict[str, Any]:
    """The released notebook with ``text`` in its question."""
    notebook: dict[str, Any] = json.loads(assignment.release)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id", "").startswith("answer") and text:
            cell["source"] = text
    return notebook


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    (root / "course.toml").write_text('id = "tiny"\nfixed_secret = "tiny"\n')
    (root / "solutions" / NAME).mkdir(parents=True)
    shutil.copy(SAMPLE / "tiny_topic.py", root / "solutions" / NAME)
    course = Course.find(root)
    build_assignment(course, NAME)
    assignment = load_assignment(course, NAME)
    hand_in(course, assignment, {student: answered(assignment, text) for student, text in TEXTS.items()})
    return root


@pytest.fixture
def course(built: Path, tmp_path: Path) -> Course:
    """Ada and Bob answer alike, Cem otherwise, and Eve attacks whoever reads her answer."""
    return Course.find(shutil.copytree(built, tmp_path / "course"))


@pytest.fixture
def client(course: Course) -> Iterator[TestClient]:
    with TestClient(application(course), headers=SAME_ORIGIN) as found:
        yield found


@pytest.fixture
def marks(course: Course) -> Iterator[Callable[[], dict[str, WrittenMark]]]:
    """Reads the marks anew, by student."""
    written = WrittenMarks.of(course)
    yield lambda: {mark.student: mark for mark in written.marks(NAME, QUESTION)}
    written.close()

"""A gradebook that nbgrader wrote before the course was adopted: nothing in it is lost, and grading goes on in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.adopting.adoption import adopt_course
from autograder.adopting.beside_nbgrader import by_nbgrader
from autograder.course import Course
from autograder.engine.api import grade_assignments
from autograder.engine.progress import Silent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ANSWERS = {"own": "chosen = 6 + 1", "chance": "rolls = [3] * 50"}
SOURCE = Path(__file__).parent / "courses" / "texts" / "source" / "week1" / "tasks.ipynb"
FIELDS = ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")


def digest(root: Path) -> str:
    return hashlib.sha256((root / "gradebook.db").read_bytes()).hexdigest()


def grades(root: Path) -> dict[str, tuple[Any, ...]]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        (notebook,) = gradebook.find_submission("week1", "ada").notebooks
        return {each.name: tuple(getattr(each, name) for name in FIELDS) for each in notebook.grades}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that nbgrader graded, with a person's points, extra credit and comment for Ada."""
    root = tmp_path_factory.mktemp("course")
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'old'\n")
    (root / "source" / "week1").mkdir(parents=True)
    (root / "source" / "week1" / "tasks.ipynb").write_bytes(SOURCE.read_bytes())
    by_nbgrader(root, ["week1"], "release")
    notebook = json.loads((root / "release" / "week1" / "tasks.ipynb").read_text())
    for cell in notebook["cells"]:
        cell["source"] = ANSWERS.get(cell["metadata"].get("nbgrader", {}).get("grade_id", ""), cell["source"])
    (root / "submitted" / "ada" / "week1").mkdir(parents=True)
    (root / "submitted" / "ada" / "week1" / "tasks.ipynb").write_text(json.dumps(notebook))
    by_nbgrader(root, ["week1"], "grade")
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        gradebook.update_or_create_student("ada", first_name="Ada", last_name="Lovelace", lms_user_id="17")
        gradebook.update_or_create_student("bob", first_name="Bob")
        (submitted,) = gradebook.find_submission("week1", "ada").notebooks
        for grade in submitted.grades:
            if grade.name in ("draw", "own"):
                grade.manual_score, grade.needs_manual_grade = {"draw": 3.5, "own": 1.0}[grade.name], False
            if grade.name == "rolls":
                grade.extra_credit = 0.75
        next(each for each in submitted.comments if each.name == "own").manual_comment = "Say why."
        gradebook.db.commit()
    return root


def test_points_extra_credit_comments_and_students_stay(root: Path) -> None:
    before, written = grades(root), digest(root)
    adopt_course(root)
    assert digest(root) == written
    course = Course.find(root)
    (report,) = grade_assignments(course, ["week1"], workers=1, yes=True, progress=Silent())
    assert [(each.student, each.kind) for each in report.submissions] == [("ada", "graded")]
    assert grades(root) == before
    assert before["rolls"][:3] == (1.0, None, 0.75)
    with Gradebook(course.gradebook_url) as gradebook:
        ada = gradebook.find_student("ada")
        assert (ada.first_name, ada.last_name, ada.lms_user_id) == ("Ada", "Lovelace", "17")
        assert gradebook.find_student("bob").first_name == "Bob"
        submission = gradebook.find_submission("week1", "ada")
        assert submission.score == 3.5 + 1.0 + 1.0 + 0.75
        assert {each.name: each.comment for each in submission.notebooks[0].comments}["own"] == "Say why."

"""An assignment of several notebooks, for those who use the class: status, hand-out and the service."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.adopting.adoption import make_course, write_adoption
from autograder.authoring.adopted import Adoption
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.handout.kit import give_out
from autograder.reporting.status import status
from autograder.service.policy import served


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Ada has handed in both notebooks, Cem one of them, Dan nothing."""
    root = Path(shutil.copytree(Path(__file__).parent / "courses" / "texts", tmp_path / "texts"))
    write_adoption(make_course(root), Adoption())
    (root / "students.csv").write_text("id\nada\ncem\ndan\n")
    for student, names in {"ada": ("words", "tasks"), "cem": ("words",)}.items():
        folder = root / "submitted" / student / "week1"
        folder.mkdir(parents=True)
        for name in names:
            shutil.copyfile(root / "source" / "week1" / f"{name}.ipynb", folder / f"{name}.ipynb")
    return Course.find(root)


def test_the_status_has_every_notebook(course: Course) -> None:
    (found,) = status(course)
    assert (found.assignment, found.handed_in, found.nothing) == ("week1", 2, ("dan",))
    assert found.not_graded == ("ada", "cem")
    assert list(found.misplaced) == ["cem (tasks)"]
    assert "only words.ipynb, which is not this notebook" in found.misplaced["cem (tasks)"]


def test_a_kit_is_not_made_of_an_adopted_course(course: Course) -> None:
    with pytest.raises(AuthoringError, match="nbgrader generate_assignment"):
        give_out(course)


def test_the_service_takes_in_assignments_of_one_notebook(course: Course) -> None:
    assert served(course) == []
    (course.source / "week1" / "tasks.ipynb").unlink()
    assert served(course) == ["week1"]

"""A new assignment works as it is written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from autograder.audit.course_audit import run_audit
from autograder.authoring.assignment import load_assignment
from autograder.authoring.skeleton import new_assignment
from autograder.course import Course
from autograder.errors import AuthoringError


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "course.toml").write_text('id = "new"\nfixed_secret = "new"\n')
    (tmp_path / "data" / "course").mkdir(parents=True)
    return Course.find(tmp_path)


def test_it_is_built_and_titled(course: Course) -> None:
    new_assignment(course, "08-self-attention", "Paying attention")
    assignment = load_assignment(course, "08-self-attention")
    assert (assignment.title, assignment.notebook) == ("Paying attention", "self_attention")
    assert (assignment.auto_points, assignment.max_points) == (30, 33)


def test_the_audit_finds_nothing_wrong_with_it(course: Course) -> None:
    new_assignment(course, "08-attention")
    assert run_audit(course, ["08-attention"], workers=1, as_json=True) == 0


def test_its_files_are_python(course: Course) -> None:
    for path in new_assignment(course, "08-attention"):
        assert ast.parse(path.read_text())


def test_what_is_there_is_not_overwritten(course: Course) -> None:
    path = new_assignment(course, "08-attention")[0]
    path.write_text("mine")
    with pytest.raises(AuthoringError, match="08-attention exists"):
        new_assignment(course, "08-attention")
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["attention", "8-attention", "08_attention", "../08-attention", "08-Attention", "08-"])
def test_a_name_that_is_none_is_refused(course: Course, name: str) -> None:
    with pytest.raises(AuthoringError, match="is not a valid assignment name"):
        new_assignment(course, name)
    assert not course.source.exists()


def test_a_title_that_breaks_the_header_is_refused(course: Course) -> None:
    with pytest.raises(AuthoringError, match="title"):
        new_assignment(course, "08-attention", 'a "quoted" title')


@pytest.mark.parametrize(("points", "total"), [("33", 33), ("10", 10), ("2.5", 2.5), ("0", 33)])
def test_its_points_are_those_that_the_course_asks_for(tmp_path: Path, points: str, total: float) -> None:
    (tmp_path / "course.toml").write_text(f'id = "new"\n[authoring]\npoints = {points}\n')
    course = Course.find(tmp_path)
    new_assignment(course, "08-attention")
    assert load_assignment(course, "08-attention").max_points == pytest.approx(total)


def test_its_name_has_the_form_that_the_course_asks_for(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text("id = 'new'\n[authoring]\nnames = 'ps\\d'\n")
    course = Course.find(tmp_path)
    assert [path.name for path in new_assignment(course, "ps1")] == ["ps1.py", "misconceptions.py", "alternatives.py"]
    assert load_assignment(course, "ps1").notebook == "ps1"
    with pytest.raises(AuthoringError, match=r"'08-attention' is not a valid .* \(ps\\d\)\. Write one of that form"):
        new_assignment(course, "08-attention")


@pytest.mark.parametrize("name", ["../outside", "a b", "1", "-"])
def test_whatever_the_form_a_name_can_stand_for_a_folder_and_a_python_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "course.toml").write_text("id = 'new'\n[authoring]\nnames = '.*'\n")
    with pytest.raises(AuthoringError, match="cannot name a folder and a Python file"):
        new_assignment(Course.find(tmp_path), name)

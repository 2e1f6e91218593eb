"""Both notebooks are derived from one file, the same each time, and nothing hidden reaches the release."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.authoring.assignment import AssignmentCell, load_assignment
from autograder.authoring.build import build_assignment, build_course
from autograder.course import Course
from autograder.errors import AuthoringError

SAMPLE = Path(__file__).parents[1] / "submission" / "sample" / "tiny_topic.py"
NAME = "00-tiny-topic"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "course.toml").write_text('id = "tiny"\nfixed_secret = "tiny"\n')
    (tmp_path / "solutions" / NAME).mkdir(parents=True)
    shutil.copy(SAMPLE, tmp_path / "solutions" / NAME)
    return Course.find(tmp_path)


def test_building_twice_gives_the_same_bytes(course: Course) -> None:
    paths = build_assignment(course, NAME)
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    assert [path.read_bytes() for path in build_assignment(course, NAME)] == before


def test_a_change_of_one_cell_leaves_the_ids_of_all_others(course: Course) -> None:
    before = {cell.cell_id for cell in _built(course)}
    path = course.source / NAME / "tiny_topic.py"
    path.write_text(path.read_text().replace("## Shifting", "## Shifting by one"))
    after = {cell.cell_id for cell in _built(course)}
    assert len(before - after) == len(after - before) == 1


def test_the_release_holds_no_solution_and_no_hidden_test(course: Course) -> None:
    _, release = build_assignment(course, NAME)
    text = release.read_bytes()
    for hidden in (b"canary_of_the_tiny_topic", b"8675309", b"return 2 * x", b"One point for each", b"BEGIN "):
        assert hidden not in text
    assert b"raise NotImplementedError()" in text


def test_nbgraders_own_release_is_ours(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbgrader.api import Gradebook
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    _, ours = build_assignment(course, NAME)
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "theirs"
    config.CourseDirectory.db_url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    # nbgrader calls alembic by name, so the environment's programs must be on the path.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    Gradebook(config.CourseDirectory.db_url).close()
    result = NbGraderAPI(config=config).generate_assignment(NAME, force=True)
    assert result["success"], result["log"]
    theirs = next((tmp_path / "theirs").rglob("*.ipynb"))
    mine, made = nbformat.read(ours, 4), nbformat.read(theirs, 4)
    assert [cell.source for cell in mine.cells] == [cell.source for cell in made.cells]
    assert [cell.metadata for cell in mine.cells] == [cell.metadata for cell in made.cells]
    assert [cell.id for cell in mine.cells] == [cell.id for cell in made.cells]


def test_an_assignment_knows_its_points_checks_and_exercises(course: Course) -> None:
    build_assignment(course, NAME)
    assignment = load_assignment(course, NAME)
    assert (assignment.max_points, assignment.auto_points) == (7.0, 4.0)
    assert list(assignment.exercises) == ["double", "shift"]
    assert [check.grade_id for check in assignment.checks][:2] == ["check-double-by-hand", "check-double-general"]


def test_the_key_changes_with_a_hidden_test_and_not_with_prose(course: Course) -> None:
    path = course.source / NAME / "tiny_topic.py"
    keys = [load_key(course)]
    for old, new in (("## Shifting", "## Moving"), ("8675309", "8675310")):
        path.write_text(path.read_text().replace(old, new))
        keys.append(load_key(course))
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("name", ["99-none", "../secret", ""])
def test_an_unknown_assignment_is_refused_by_name(course: Course, name: str) -> None:
    build_course(course)
    with pytest.raises(AuthoringError, match=f"'{name}'"):
        load_assignment(course, name)


def test_an_assignment_that_was_not_built_says_how_to_build_it(course: Course) -> None:
    source, _ = build_assignment(course, NAME)
    source.unlink()
    with pytest.raises(AuthoringError, match="autograder build"):
        load_assignment(course, NAME)


def load_key(course: Course) -> str:
    build_assignment(course, NAME)
    return load_assignment(course, NAME).key


def _built(course: Course) -> list[AssignmentCell]:
    paths = build_assignment(course, NAME)
    assert all(json.loads(path.read_text())["nbformat"] == 4 for path in paths)
    return list(load_assignment(course, NAME).cells)

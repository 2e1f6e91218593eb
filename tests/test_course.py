"""course.toml is read from here upward, and its mistakes are named by key."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course import Course
from autograder.errors import CourseError


def write(folder: Path, text: str) -> Course:
    (folder / "course.toml").write_text(text)
    return Course.find(folder)


def test_a_course_is_found_from_a_folder_below_it(tmp_path: Path) -> None:
    write(tmp_path, 'id = "cnn"')
    below = tmp_path / "solutions" / "01"
    below.mkdir(parents=True)
    assert Course.find(below).root == tmp_path


def test_without_a_course_the_message_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="--course"):
        Course.find(tmp_path)


def test_defaults_are_nbgraders_folders_and_a_gradebook_beside_them(tmp_path: Path) -> None:
    course = write(tmp_path, 'id = "cnn"')
    assert course.submitted == tmp_path / "submitted"
    assert course.gradebook_url == f"sqlite:///{tmp_path}/gradebook.db"
    assert course.settings("01-convolution").due is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('id = "cnn"\ncolour = 1', "colour"),
        ("title = 'no id'", "id"),
        ('id = "cnn"\n[grading]\ncell_seconds = -1', "grading.cell_seconds"),
        ('id = "cnn"\n[grading]\nlate_penalty_per_day = 2', "grading.late_penalty_per_day"),
        ('id = "cnn"\n[assignments.01]\ndue = "soon"', "due"),
        ('id = "cnn"\n[directories]\nsource = 3', "directories.source"),
        ('id = "cnn"\ncolab_archive = "course.zip"', "colab_archive"),
        ('id = "cnn"\nannouncements = "no class on Friday"', "announcements"),
        ('id = "cnn"\n[authoring]\npoints = -1', "authoring.points"),
        ('id = "cnn"\n[authoring]\nnames = "("', "`names` is not a regular expression"),
        ('id = "cnn', "cannot be read"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(CourseError) as caught:
        write(tmp_path, text)
    assert key in str(caught.value)
    assert "course.toml" in str(caught.value)


def test_a_test_course_has_a_fixed_secret_and_writes_none(tmp_path: Path) -> None:
    course = write(tmp_path, 'id = "cnn"\nfixed_secret = "demo"')
    assert course.secret.seed("a") == course.secret.seed("a")
    assert not (tmp_path / ".course-secret").exists()


def test_settings_of_an_assignment_that_is_not_there_are_named_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "solutions" / "01-convolution").mkdir(parents=True)
    course = write(tmp_path, 'id = "cnn"\n[assignments.01-convolutoin]\ndue = 2026-03-02T23:59:00Z')
    (remark,) = course.remarks()
    assert "[assignments.01-convolutoin]" in remark
    assert "Did you mean 01-convolution? There are: 01-convolution." in remark


def test_an_assignment_may_be_announced_before_it_is_there(tmp_path: Path) -> None:
    course = write(tmp_path, 'id = "cnn"\n[assignments.07-challenge]\noptional = true')
    assert course.settings("07-challenge").optional
    assert "Did you mean" not in course.remarks()[0]


def test_this_repositorys_course_has_nothing_odd() -> None:
    assert Course.find(Path(__file__)).remarks() == []


def test_a_command_that_grades_says_what_is_odd(tmp_path: Path) -> None:
    write(tmp_path, 'id = "cnn"\n[assignments.01-convolutoin]\noptional = true')
    (tmp_path / "solutions" / "01-convolution").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    done = CliRunner().invoke(app, ["collect", str(tmp_path / "empty"), "--course", str(tmp_path)])
    assert "[assignments.01-convolutoin]" in done.output

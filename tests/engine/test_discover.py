"""What lies under submitted/ is found, and what cannot be graded as it lies there is named, each for itself."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.engine.discover import Discovery, discover
from autograder.gradebook.stamps import read_stamp

NAME = "01-convolution"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "course.toml").write_text('id = "c"\nfixed_secret = "c"\n')
    return Course.find(tmp_path)


def hand_in(course: Course, student: str, stamp: str | None = None) -> None:
    folder = course.submitted / student / NAME
    folder.mkdir(parents=True)
    (folder / "convolution.ipynb").write_text("{}")
    if stamp is not None:
        (folder / "timestamp.txt").write_text(stamp)


def found(course: Course) -> tuple[list[str], dict[str, str]]:
    discovery: Discovery = discover(course, NAME, "convolution")
    return [each.student for each in discovery.found], {each.student: each.reason for each in discovery.misplaced}


@pytest.mark.parametrize("stamp", ["yesterday", "0001-01-01 00:00 +1400", "2026-03-02 12:00 IST", "\0", "9" * 900])
def test_a_stamp_that_is_not_a_time_leaves_its_notebook_to_be_graded(course: Course, stamp: str) -> None:
    """Its lateness is unknown, which the gradebook asks a person about; the work itself is where it belongs."""
    hand_in(course, "ada", stamp)
    hand_in(course, "bob", "2026-03-02 12:00 CET")
    assert found(course) == (["ada", "bob"], {})
    fault = read_stamp(course, "ada", NAME).fault
    assert "timestamp.txt" in fault
    assert "2026-11-23 12:00 UTC" in fault


NFC, NFD = unicodedata.normalize("NFC", "müller"), unicodedata.normalize("NFD", "müller")


@pytest.mark.parametrize("pair", [("Ada", "ada"), (NFC, NFD)])
def test_folders_that_differ_in_case_or_unicode_form_only_are_graded_and_reported(
    course: Course, pair: tuple[str, str]
) -> None:
    for student in (*pair, "bob"):
        hand_in(course, student)
    students, misplaced = found(course)
    assert set(students) == {*pair, "bob"}
    assert set(misplaced) == set(pair)
    assert all(ascii(name) in reason for reason in misplaced.values() for name in pair)


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x1b[31mb", "a\u202eb", "a\udcffb", "e" * 129])
def test_a_folder_whose_name_is_nobodys_is_left_aside_and_reported_on_one_line(course: Course, name: str) -> None:
    hand_in(course, name)
    hand_in(course, "bob")
    students, misplaced = found(course)
    assert students == ["bob"]
    ((shown, reason),) = misplaced.items()
    assert shown.isprintable()
    assert "cannot be a student's id" in reason
    assert reason.isprintable()


def test_a_students_own_names_of_files_and_folders_make_no_lines_of_a_report(course: Course) -> None:
    hand_in(course, "ada")
    (course.submitted / "ada" / f"{NAME}\nbob: graded").mkdir()
    (course.submitted / "bob" / NAME).mkdir(parents=True)
    (course.submitted / "bob" / NAME / "a\nada: graded").write_text("")
    students, misplaced = found(course)
    assert students == ["ada"]
    assert set(misplaced) == {"ada", "bob"}
    assert all(reason.isprintable() for reason in misplaced.values())

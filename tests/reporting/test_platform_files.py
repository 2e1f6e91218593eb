"""Platforms' own gradebook files are filled in, pages of feedback packed, and the state of a class listed."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import nbgrader.api
import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.collecting.collection import collect_downloads
from autograder.course import Course
from autograder.errors import CourseError
from autograder.leaderboard.grades import read_grades
from autograder.leaderboard.publishing import board_of
from autograder.reporting.feedback_return import return_feedback
from autograder.reporting.lms_export import export_grades
from autograder.reporting.platform_files import pack_feedback
from autograder.reporting.status import status

if TYPE_CHECKING:
    from .conftest import Class

NAME = "00-two-functions"
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Two functions (88123),Other (88124),Final Score
,,,,,Manual Posting,,
    Points Possible,,,,,7,5,(read only)
"Lovelace, Ada",4711,u1,ada,Sec 1,,5,99
"Stone, Bob",4712,u2,bob,Sec 1,,,
"Gone, Zoe",4799,u9,zoe,Sec 1,,,
"Student, Test",4798,,f00d,Sec 1,,,
"""
MOODLE = """First name,Last name,ID number,Email address,Assignment: Two functions (Real),Course total (Real)
Ada,Lovelace,u1,ada@x.org,-,12
Bob,Stone,u2,bob@x.org,-,3
"""
WORKSHEET = """Identifier,Full name,Email address,Status,Grade,Maximum Grade
Participant 11,Ada Lovelace,ada@x.org,Submitted,,7
Participant 12,Bob Stone,bob@x.org,Submitted,,7
"""


def filled(graded: Class, tmp_path: Path, platform: str, text: str, **options: object) -> list[list[str]]:
    source, target = tmp_path / "gradebook.csv", tmp_path / "filled.csv"
    source.write_text(text)
    done = export_grades(graded.course, platform, target, into=source, **options)  # type: ignore[arg-type]
    assert source.read_text() == text
    assert done.path == target
    return list(csv.reader(io.StringIO(target.read_text())))


def test_canvas_own_column_is_filled_and_nothing_else_changes(graded: Class, tmp_path: Path) -> None:
    before = list(csv.reader(io.StringIO(CANVAS)))
    after = filled(graded, tmp_path, "canvas", CANVAS)
    assert [(row[0], row[5]) for row in after[3:]] == [("Lovelace, Ada", "4"), ("Stone, Bob", "2"), ("Gone, Zoe", ""),
                                                       ("Student, Test", "")]  # fmt: skip
    for row in (*before, *after):
        row[5] = ""
    assert before == after


def test_moodles_gradebook_and_its_worksheet_are_filled(graded: Class, tmp_path: Path) -> None:
    assert [row[4:] for row in filled(graded, tmp_path, "moodle", MOODLE)[1:]] == [["4", "12"], ["2", "3"]]
    assert [row[4] for row in filled(graded, tmp_path, "moodle", WORKSHEET)[1:]] == ["4", "2"]


def test_a_file_with_semicolons_keeps_them(graded: Class, tmp_path: Path) -> None:
    filled(graded, tmp_path, "moodle", MOODLE.replace(",", ";"))
    assert ";ada@x.org;4;12" in (tmp_path / "filled.csv").read_text()


def test_other_values_are_replaced_only_if_that_is_asked_for(graded: Class, tmp_path: Path) -> None:
    text = MOODLE.replace("ada@x.org,-", "ada@x.org,3.5")
    with pytest.raises(CourseError, match=r"'Assignment: Two functions \(Real\)' has other.* ada \(3.5 to 4\)"):
        filled(graded, tmp_path, "moodle", text)
    assert not (tmp_path / "filled.csv").exists()
    assert filled(graded, tmp_path, "moodle", text, overwrite=True)[1][4] == "4"


@pytest.mark.parametrize("column", ["Final Score", "Section", "Two"])
def test_a_column_of_the_platforms_own_or_none_is_refused(graded: Class, tmp_path: Path, column: str) -> None:
    with pytest.raises(CourseError, match=r"--column.*Two functions \(88123\)"):
        filled(graded, tmp_path, "canvas", CANVAS, columns=[f"{NAME}={column}"])


def test_a_read_only_column_is_refused_whatever_it_is_called(graded: Class, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="cannot be written"):
        filled(graded, tmp_path, "canvas", CANVAS.replace(",7,5,", ",(read only),5,"))


def test_two_columns_that_fit_are_named(graded: Class, tmp_path: Path) -> None:
    text = CANVAS.replace("Other (88124)", "Two Functions (88124)")
    with pytest.raises(CourseError, match=r"several columns fit.*88123.*88124"):
        filled(graded, tmp_path, "canvas", text)
    assert filled(graded, tmp_path, "canvas", text, columns=[f"{NAME}=Two functions (88123)"])[3][5] == "4"


@pytest.mark.parametrize("column", ["nothing=x", NAME, "x"])
def test_a_column_that_is_asked_for_wrongly_is_explained(graded: Class, tmp_path: Path, column: str) -> None:
    with pytest.raises(CourseError, match="ASSIGNMENT=TITLE"):
        filled(graded, tmp_path, "canvas", CANVAS, columns=[column])


def test_missing_work_is_empty_or_zero_as_the_course_wants(graded: Class, tmp_path: Path) -> None:
    course, roster = graded.course, tmp_path / "students.csv"
    roster.write_text("id,email\nada,ada@x.org\ndan,dan@x.org\nzoe,zoe@x.org\n")
    settings = {
        "": {"ada@x.org": "4", "dan@x.org": "", "zoe@x.org": ""},
        '[export]\nmissing = "zero"\n': {"ada@x.org": "4", "dan@x.org": "", "zoe@x.org": "0"},
        f'[export]\nmissing = "zero"\n[assignments.{NAME}]\ndue = 2999-01-01T00:00:00Z\n': {
            "ada@x.org": "4", "dan@x.org": "", "zoe@x.org": ""
        },
    }  # fmt: skip
    plain = (course.root / "course.toml").read_text()
    try:
        for text, expected in settings.items():
            (course.root / "course.toml").write_text(plain + text)
            done = export_grades(Course.find(course.root), "moodle", tmp_path / "out.csv", roster=roster)
            found = list(csv.DictReader(io.StringIO(done.path.read_text())))
            assert {row["Email address"]: row[NAME] for row in found} == expected  # Dan's picture was handed in.
            zeros = [line for line in done.lines() if "handed in nothing" in line]
            assert zeros == ([f"{NAME}: 0 for 1 who handed in nothing: zoe."] if "0" in expected.values() else [])
    finally:
        (course.root / "course.toml").write_text(plain)


def hand_in(a_class: Class, files: dict[str, bytes]) -> None:
    path = a_class.course.root / "download.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    collect_downloads(a_class.course, path)


@pytest.mark.parametrize(
    ("platform", "origin", "page"),
    [
        ("canvas", "lovelaceada_LATE_4711_99_two_functions-1.ipynb", "lovelaceada_LATE_4711_99_two_functions.html"),
        (
            "moodle",
            "Ada Lovelace_5501_assignsubmission_file_/two_functions.ipynb",
            "Ada Lovelace_5501_assignsubmission_file_/two_functions.html",
        ),
        ("nbgrader", "ada/two_functions.ipynb", f"feedback/ada/{NAME}/two_functions.html"),
    ],
)
def test_pages_are_packed_under_the_names_that_the_platform_gave(
    a_class: Class, platform: str, origin: str, page: str
) -> None:
    hand_in(a_class, {origin: a_class.assignment.release.encode()})
    written = a_class.course.feedback / "ada" / NAME / "two_functions.html"
    written.parent.mkdir(parents=True)
    written.write_text("<p>ada's</p>")
    other = a_class.course.feedback / "zoe" / NAME / "two_functions.html"
    other.parent.mkdir(parents=True)
    other.write_text("<p>zoe's</p>")
    packed = pack_feedback(a_class.course, platform, NAME)
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.read(page) == b"<p>ada's</p>"
        assert len(archive.namelist()) == packed.pages == (2 if platform == "nbgrader" else 1)
    assert [student for student, _ in packed.left_out] == ([] if platform == "nbgrader" else ["zoe"])


def test_packing_nothing_says_what_to_do(a_class: Class) -> None:
    with pytest.raises(CourseError, match=f"autograder grade {NAME}"):
        pack_feedback(a_class.course, "canvas", NAME)
    with pytest.raises(CourseError, match="canvas, moodle, nbgrader"):
        pack_feedback(a_class.course, "excel", NAME)


def test_the_status_lists_who_waits_for_what(graded: Class) -> None:
    (found,) = status(graded.course)
    assert (found.students, found.handed_in, found.graded) == (4, 4, 3)
    assert (found.nothing, found.not_graded, found.misplaced) == ((), (), {})
    assert list(found.unreadable) == ["dan"]
    assert set(found.to_read) >= {"ada", "bob"}


def test_the_status_knows_a_class_before_anything_is_graded(a_class: Class) -> None:
    course = a_class.course
    (course.root / "course.toml").write_text(
        f'id = "small"\nfixed_secret = "small"\n[assignments.{NAME}]\ndue = 2026-03-02T12:00:00Z\n'
    )
    a_class.hand_in("ada", {})
    (course.submitted / "ada" / NAME / "timestamp.txt").write_text("2026-03-03 13:00 UTC")
    a_class.hand_in("eve", {})
    (course.submitted / "eve" / NAME / "lateness.txt").write_text("unknown\n")
    (found,) = status(Course.find(course.root), [NAME])
    assert found.nothing == ("bob",)
    assert found.late == {"ada": "by 1 d 1 h", "eve": "by an unknown time"}
    assert found.not_graded == ("ada", "eve")


def test_the_status_shows_groups(a_class: Class) -> None:
    (a_class.course.root / "students.csv").write_text("id,group\nada,Team 1\nbob,Team 1\n")
    hand_in(a_class, {"team1_9001_77_two_functions.ipynb": a_class.assignment.release.encode()})
    (found,) = status(a_class.course)
    assert found.groups == (("ada", "bob"),)


def test_the_commands_print_and_refuse(graded: Class) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*arguments, "--course", str(graded.course.root)])
        return done.exit_code, done.output or str(done.exception)

    code, shown = run("status")
    assert code == 0
    assert "4 of 4 handed in, 3 graded." in shown
    assert "unreadable: dan" in shown
    assert "There is no released assignment 'x'" in run("status", "x")[1]
    code, shown = run("export", "nbgrader", "--feedback", "--assignment", NAME)
    assert code == 0
    assert "pages." in shown


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own.
def test_a_group_is_graded_once_and_its_grade_is_everybodys(a_class: Class) -> None:
    (a_class.course.root / "students.csv").write_text("id,group\nada,Team 1\nbob,Team 1\neve,\n")
    a_class.hand_in("ada", {"answer-why": "Because."})
    work = (a_class.course.submitted / "ada" / NAME / "two_functions.ipynb").read_bytes()
    hand_in(a_class, {"team1_9001_77_two_functions.ipynb": work})
    a_class.grade()
    give(a_class, "ada", 2.5)
    returned = return_feedback(a_class.course, NAME)
    assert (returned.written, returned.open, returned.left) == (("ada", "bob"), (), ())
    (grades,) = read_grades(a_class.course.gradebook_url)
    assert {grade.student: (grade.points, grade.open) for grade in grades.grades} == {"ada": (2.5, 0), "bob": (2.5, 0)}
    board = board_of(a_class.course, NAME)
    assert [standing.badges for standing in board.standings] == [("group of 2",), ("group of 2",)]
    give(a_class, "bob", 1.0)
    assert "different things for answer-why" in dict(return_feedback(a_class.course, NAME).left)["ada"]


def give(a_class: Class, student: str, points: float) -> None:
    """What a teaching assistant does in the formgrader."""
    with nbgrader.api.Gradebook(a_class.course.gradebook_url, "small") as gradebook:
        grade = gradebook.find_grade("answer-why", "two_functions", NAME, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()

"""The class report, exports, and the answer to a regrade request."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from autograder.engine import Silent
from autograder.errors import CourseError, GradebookError
from autograder.leaderboard import log_of, publish
from autograder.reporting import export, overview, regrade, regrades, write_report

if TYPE_CHECKING:
    from .conftest import Class

NAME = "00-two-functions"
RIGHT = {"double": "def double(x):\n    return x + x\n", "shift": "def shift(x):\n    return OFFSET + x\n"}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def test_the_report_counts_points_by_exercise(graded: Class) -> None:
    found = overview(graded.course, NAME)
    assert (found.submissions, found.unreadable) == (3, 1)
    assert found.points == (0, 2, 4)  # Bob has both first checks: two squared is four.
    assert {each.name: (each.mean, each.max_points) for each in found.exercises} == {
        "double": (pytest.approx(4 / 3), 3),
        "shift": (pytest.approx(2 / 3), 1),
    }


def test_the_report_counts_misconceptions(graded: Class) -> None:
    (only,) = overview(graded.course, NAME).mistakes
    assert (only.name, only.exercise, only.count) == ("squared", "double", 1)


def test_the_report_names_checks_that_nobody_passes(a_class: Class) -> None:
    a_class.hand_in("eve", {})
    a_class.grade()
    found = overview(a_class.course, NAME)
    assert len(found.nobody) == 3
    assert found.everybody == ()


def test_the_page_is_escaped_and_names_no_student(graded: Class) -> None:
    page = write_report(graded.course).read_text()
    assert "You squared &lt;x&gt;" in page
    assert not {"ada", "bob", "eve", "dan"} & set(page.lower().replace("<", " ").replace(">", " ").split())


def test_a_report_on_nothing_says_what_to_do(a_class: Class) -> None:
    with pytest.raises(CourseError, match="autograder grade"):
        write_report(a_class.course)


def test_the_plain_export_has_a_line_for_everybody_and_no_zero_for_nothing(graded: Class) -> None:
    done = export(graded.course, "csv")
    found = {row["id"]: row for row in rows(done.path.read_text("utf-8-sig"))}
    assert {student: row[NAME] for student, row in found.items()} == {"ada": "4", "bob": "2", "eve": "0"}
    assert found["ada"][f"{NAME} open"] == "1"
    assert found["bob"]["first_name"] == "'=Bob"


def test_the_canvas_export_has_its_header_and_only_those_with_a_number(graded: Class) -> None:
    done = export(graded.course, "canvas")
    possible, *students = rows(done.path.read_text())
    assert (possible["Student"], possible[NAME]) == ("Points Possible", "7")
    assert [(row["Student"], row["ID"], row[NAME]) for row in students] == [("Lovelace, Ada", "4711", "4")]
    assert any("bob has no lms_user_id" in line for line in done.lines())
    assert any("not in the roster, left out: eve" in line for line in done.lines())


def test_the_moodle_export_finds_students_by_their_address(graded: Class) -> None:
    found = rows(export(graded.course, "moodle").path.read_text())
    assert {row["Email address"]: row[NAME] for row in found} == {"ada@x.org": "4", "bob@x.org": "2"}


def test_a_platform_needs_a_roster(a_class: Class, graded: Class) -> None:
    (a_class.course.root / "students.csv").unlink()
    a_class.hand_in("eve", {})
    a_class.grade()
    with pytest.raises(CourseError, match="lms_user_id"):
        export(a_class.course, "canvas")
    with pytest.raises(CourseError, match="'excel' is no format"):
        export(a_class.course, "excel")


def test_a_regrade_shows_the_difference_keeps_the_reason_and_updates_the_board(a_class: Class) -> None:
    course = a_class.course
    a_class.hand_in("ada", {})
    a_class.grade()
    publish(course, NAME, ("json",), console=quiet())
    page = course.feedback / "ada" / NAME / "two_functions.html"
    before = page.read_text()
    a_class.hand_in("ada", RIGHT)
    done = regrade(course, "ada", NAME, "the wrong file was uploaded", yes=True, console=quiet(), progress=Silent())
    assert done is not None
    assert (done.before, done.after, len(done.checks), done.boards) == (0, 4, 3, (NAME,))
    assert regrades(course) == [done]
    assert page.read_text() != before
    assert any("the wrong file was uploaded" in record.reason for record in log_of(course, NAME).records())


def test_a_regrade_that_changes_nothing_is_kept_too(a_class: Class) -> None:
    a_class.hand_in("ada", RIGHT)
    a_class.grade()
    done = regrade(a_class.course, "ada", NAME, "asked for", yes=True, console=quiet(), progress=Silent())
    assert done is not None
    assert (done.before, done.after, done.checks, done.boards) == (4, 4, (), ())


def test_a_regrade_needs_a_reason_and_a_student(a_class: Class) -> None:
    with pytest.raises(CourseError, match="--reason"):
        regrade(a_class.course, "ada", NAME, " ")
    with pytest.raises(GradebookError, match="misplaced"):
        regrade(a_class.course, "ada", NAME, "asked for", progress=Silent())

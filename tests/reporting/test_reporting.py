"""The class report, exports, and the answer to a regrade request."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import TYPE_CHECKING

import msgspec
import nbgrader.api
import pytest
from rich.console import Console
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course import Course
from autograder.engine.progress import Silent
from autograder.errors import CourseError, GradebookError
from autograder.leaderboard.publishing import log_of, publish_boards
from autograder.reporting import class_report
from autograder.reporting.class_report import Try, overview, write_report
from autograder.reporting.feedback_return import return_feedback
from autograder.reporting.lms_export import export_grades
from autograder.reporting.regrade_request import read_regrades, regrade_submission

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


def test_the_report_says_how_long_an_exercises_checks_take(graded: Class) -> None:
    found = overview(graded.course, NAME)
    seconds = [each.median_seconds for each in found.exercises]
    assert all(each is not None and 0 < each <= found.longest_seconds for each in seconds)
    shown = re.findall(r'data-label="seconds">([^<]+)<', write_report(graded.course).read_text())
    assert shown == [f"{each:.2f}" if each and each >= 0.01 else "&lt; 0.01" for each in seconds]


def test_the_report_counts_misconceptions(graded: Class) -> None:
    (only,) = overview(graded.course, NAME).mistakes
    assert (only.name, only.exercise, only.count) == ("squared", "double", 1)


def test_a_misconception_is_the_commonest_only_if_no_other_is_as_common(graded: Class) -> None:
    found = overview(graded.course, NAME)
    (squared,) = found.mistakes
    assert found.commonest("double") == squared
    assert found.commonest("shift") is None
    tied = (squared, msgspec.structs.replace(squared, name="cubed"))
    assert msgspec.structs.replace(found, mistakes=tied).commonest("double") is None


def test_the_report_names_checks_that_nobody_passes(a_class: Class) -> None:
    a_class.hand_in("eve", {})
    a_class.grade()
    found = overview(a_class.course, NAME)
    assert len(found.nobody) == 3
    assert found.everybody == ()


def test_the_report_shows_the_histogram_shares_and_what_to_teach_again(graded: Class) -> None:
    found = overview(graded.course, NAME)
    assert found.histogram == ((0, 1), (1, 0), (2, 1), (3, 0), (4, 1))
    assert [(each.name, round(each.percent)) for each in found.again] == [("double", 44), ("shift", 67)]
    page = write_report(graded.course).read_text()
    assert "Histogram of 3 submissions by points, from 0 to 4; mean 2.0, median 2.0" in page
    assert "1 (33 %)" in page
    assert "44 %" in page


def test_the_report_tells_of_attempts_where_there_are_any(graded: Class) -> None:
    def tries(_: str) -> list[Try]:
        noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
        return [Try("ada", noon, 1.0), Try("ada", noon + dt.timedelta(hours=2), 4.0)]

    page = " ".join(write_report(graded.course, tries=tries).read_text().split())
    assert "1 handed in to the service, with 2 attempts in the median and 2 at most." in page
    assert "on average 1.0 points the first time and 4.0 the last time, with 2.0 hours between" in page
    assert "Attempts</h3>" not in write_report(graded.course).read_text()


def test_an_exercise_discriminates_if_it_goes_with_the_rest() -> None:
    rest = [0.0, 1.0, 2.0, 3.0, 4.0]
    assert class_report._discrimination(rest, rest) == pytest.approx(1)
    assert class_report._discrimination([4.0, 3.0, 2.0, 1.0, 0.0], rest) == pytest.approx(-1)
    assert class_report._discrimination([1.0] * 5, rest) is None
    assert class_report._discrimination(rest[:4], rest[:4]) is None


def test_the_page_is_escaped_and_names_no_student(graded: Class) -> None:
    page = write_report(graded.course).read_text()
    assert "You squared &lt;x&gt;" in page
    assert not {"ada", "bob", "eve", "dan"} & set(page.lower().replace("<", " ").replace(">", " ").split())


def test_a_report_on_nothing_says_what_to_do(a_class: Class) -> None:
    with pytest.raises(CourseError, match="autograder grade"):
        write_report(a_class.course)


def test_the_plain_export_has_a_line_for_everybody_and_no_zero_for_nothing(graded: Class) -> None:
    done = export_grades(graded.course, "csv")
    found = {row["id"]: row for row in rows(done.path.read_text("utf-8-sig"))}
    assert {student: row[NAME] for student, row in found.items()} == {"ada": "4", "bob": "2", "eve": "0"}
    assert found["ada"][f"{NAME} open"] == "1"
    assert found["bob"]["first_name"] == "'=Bob"


def test_the_canvas_export_has_its_header_and_only_those_with_a_number(graded: Class) -> None:
    done = export_grades(graded.course, "canvas")
    possible, *students = rows(done.path.read_text())
    assert (possible["Student"], possible[NAME]) == ("Points Possible", "7")
    assert [(row["Student"], row["ID"], row[NAME]) for row in students] == [("Lovelace, Ada", "4711", "4")]
    assert any("bob has no lms_user_id" in line for line in done.lines())
    assert any("not in the roster, left out: eve" in line for line in done.lines())


def test_the_moodle_export_finds_students_by_their_address(graded: Class) -> None:
    found = rows(export_grades(graded.course, "moodle").path.read_text())
    assert {row["Email address"]: row[NAME] for row in found} == {"ada@x.org": "4", "bob@x.org": "2"}


def test_a_platform_needs_a_roster(a_class: Class, graded: Class) -> None:
    (a_class.course.root / "students.csv").unlink()
    a_class.hand_in("eve", {})
    a_class.grade()
    with pytest.raises(CourseError, match="lms_user_id"):
        export_grades(a_class.course, "canvas")
    with pytest.raises(CourseError, match="'excel' is not a format"):
        export_grades(a_class.course, "excel")


@pytest.mark.slow
def test_a_regrade_shows_the_difference_keeps_the_reason_and_updates_the_board(a_class: Class) -> None:
    course = a_class.course
    a_class.hand_in("ada", {})
    a_class.grade()
    publish_boards(course, NAME, ("json",), console=quiet())
    page = course.feedback / "ada" / NAME / "two_functions.html"
    before = page.read_text()
    a_class.hand_in("ada", RIGHT)
    done = regrade_submission(
        course, "ada", NAME, "the wrong file was uploaded", yes=True, console=quiet(), progress=Silent()
    )
    assert done is not None
    assert (done.before, done.after, len(done.checks), done.boards) == (0, 4, 3, (NAME,))
    assert read_regrades(course) == [done]
    assert page.read_text() != before
    assert any("the wrong file was uploaded" in record.reason for record in log_of(course, NAME).records())


@pytest.mark.slow
def test_a_regrade_that_changes_nothing_is_kept_too(a_class: Class) -> None:
    a_class.hand_in("ada", RIGHT)
    a_class.grade()
    done = regrade_submission(a_class.course, "ada", NAME, "asked for", yes=True, console=quiet(), progress=Silent())
    assert done is not None
    assert (done.before, done.after, done.checks, done.boards) == (4, 4, (), ())


def test_a_regrade_needs_a_reason_and_a_student(a_class: Class) -> None:
    with pytest.raises(CourseError, match="--reason"):
        regrade_submission(a_class.course, "ada", NAME, " ")
    with pytest.raises(GradebookError, match="ada handed in nothing"):
        regrade_submission(a_class.course, "ada", NAME, "asked for", progress=Silent())


def page_of(made: Class, student: str) -> str:
    return (made.course.feedback / student / NAME / "two_functions.html").read_text()


def read_answer(made: Class, student: str, points: float, comment: str) -> None:
    """What a teaching assistant does in the formgrader."""
    with nbgrader.api.Gradebook(made.course.gradebook_url, "small") as gradebook:
        gradebook.find_grade("answer-why", "two_functions", NAME, student).manual_score = points
        gradebook.find_comment("answer-why", "two_functions", NAME, student).manual_comment = comment
        gradebook.db.commit()


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own.
def test_points_and_comments_given_by_hand_reach_the_student(a_class: Class) -> None:
    a_class.hand_in("ada", RIGHT | {"answer-why": "Because."})
    a_class.grade()
    assert "not graded yet" in page_of(a_class, "ada")
    read_answer(a_class, "ada", 2.5, "Why <b>twice</b>?")
    returned = return_feedback(a_class.course, NAME)
    assert (returned.written, returned.open, returned.left, returned.exit_code) == (("ada",), (), (), 0)
    page = page_of(a_class, "ada")
    assert "not graded yet" not in page
    assert "2.5 / 3" in page
    assert "Why &lt;b&gt;twice&lt;/b&gt;?" in page


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own.
def test_a_regrade_keeps_points_and_comments_given_by_hand_on_the_page(a_class: Class) -> None:
    a_class.hand_in("ada", {"answer-why": "Because."})
    a_class.grade()
    read_answer(a_class, "ada", 2.5, "Why twice?")
    a_class.hand_in("ada", RIGHT | {"answer-why": "Because."})
    a_class.grade()
    page = page_of(a_class, "ada")
    assert "6.5 <small>of 7 points" in page
    assert "Why twice?" in page


def test_a_page_that_cannot_be_written_keeps_no_other_back(a_class: Class) -> None:
    a_class.hand_in("ada", RIGHT)
    a_class.hand_in("bob", RIGHT)
    a_class.grade()
    a_class.hand_in("bob", {})
    a_class.hand_in("eve", RIGHT)
    (a_class.course.feedback / "ada" / NAME / "two_functions.html").unlink()
    arguments = ["feedback", NAME, "--course", str(a_class.course.root)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 3
    assert f"pages of feedback written: 1, in {a_class.course.feedback}." in done.output
    assert f"eve: No result is stored. Grade it first: autograder grade {NAME} --student eve" in done.output
    assert "bob: What was handed in has changed since it was graded." in done.output
    assert page_of(a_class, "ada")


def test_feedback_for_somebody_unknown_says_so(graded: Class) -> None:
    returned = return_feedback(graded.course, NAME, ["bod", "ada"])
    assert returned.written == ("ada",)
    assert "Did you mean bob?" in dict(returned.left)["bod"]


@pytest.fixture
def late(a_class: Class) -> Class:
    """Ada is right in all checks, a day late at a tenth a day, and has two points for her answer since."""
    settings = f"[grading]\nlate_penalty_per_day = 0.1\n[assignments.{NAME}]\ndue = 2026-03-02T12:00:00Z\n"
    path = a_class.course.root / "course.toml"
    path.write_text(path.read_text() + settings)
    a_class.course = Course.find(path.parent)
    a_class.hand_in("ada", RIGHT)
    (a_class.course.submitted / "ada" / NAME / "timestamp.txt").write_text("2026-03-02 13:00 UTC")
    a_class.grade()
    read_answer(a_class, "ada", 2, "Good.")
    return a_class


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own.
def test_a_regrade_never_says_the_same_while_a_total_changes(late: Class) -> None:
    screen = Console(file=io.StringIO(), width=120)
    done = regrade_submission(late.course, "ada", NAME, "asked for", yes=True, console=screen, progress=Silent())
    assert done is not None
    assert (done.before, done.after, done.checks) == (4, 4, ())
    assert (done.total_before, done.total_after) == (pytest.approx(5.6), pytest.approx(5.4))
    said = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "same as before" not in said
    assert "late penalty" in said
    assert "5.6 → 5.4" in said
    assert read_regrades(late.course) == [done]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own.
def test_a_regrade_that_changes_nothing_shows_the_total(late: Class) -> None:
    return_feedback(late.course, NAME)
    screen = Console(file=io.StringIO(), width=120)
    regrade_submission(late.course, "ada", NAME, "asked for", yes=True, console=screen, progress=Silent())
    assert "is the same as before: 4 points by checks, 5.4 in all." in screen.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own.
def test_publishing_says_that_a_penalty_followed_points_given_by_hand(late: Class) -> None:
    screen = Console(file=io.StringIO(), width=120)
    board = publish_boards(late.course, NAME, ("json",), console=screen)
    assert "ada: total 5.6 → 5.4" in screen.file.getvalue()  # type: ignore[attr-defined]
    assert board.standings[0].entry.score == 5.4 * board.scale
    publish_boards(late.course, NAME, ("json",), console=(again := Console(file=io.StringIO())))
    assert "total" not in again.file.getvalue()  # type: ignore[attr-defined]


def test_requests_answered_before_totals_were_kept_are_still_read(a_class: Class) -> None:
    path = a_class.course.results / "regrades.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '{"at":"2026-01-01T00:00:00Z","student":"ada","assignment":"a","reason":"r","before":1.0,"after":2.0}\n'
    )
    assert read_regrades(a_class.course)[0].total_after is None


def test_feedback_for_a_file_that_cannot_be_read_gives_the_reason_and_not_the_advice_to_grade_it(
    a_class: Class,
) -> None:
    a_class.hand_in("ada", RIGHT)
    a_class.hand_in("bob", RIGHT)
    (a_class.course.submitted / "bob" / NAME / "two_functions.ipynb").write_bytes(b"not a notebook")
    a_class.grade()
    done = CliRunner().invoke(app, ["feedback", NAME, "--course", str(a_class.course.root)])
    assert done.exit_code == 3
    (line,) = [line for line in done.output.splitlines() if line.startswith("bob: ")]
    assert "Grade it first" not in line
    assert "notebook" in line

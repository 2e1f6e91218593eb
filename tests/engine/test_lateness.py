"""When and what a submission's total is: lateness is decided in one place, and no total depends on when it was graded.

Every student here is right in all checks: 4 of 7 points, and 3 more for a written answer that a person grades.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbgrader.api
import pytest

from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.executor import Executor
from autograder.engine.grading_report import ClassReport, StudentChange
from autograder.engine.progress import Silent
from autograder.gradebook.store import Gradebook
from autograder.leaderboard.grades import Grade, read_grades
from autograder.reporting.feedback_return import return_feedback
from autograder.reporting.lms_export import export_grades

if TYPE_CHECKING:
    from tests.engine.conftest import Class, Shared

NAME = "00-two-functions"
ANSWERED = {
    "double": "def double(x):\n    return x + x\n",
    "shift": "def shift(x):\n    return OFFSET + x\n",
    "answer-why": "Because.",
}
DUE = "2026-03-02T12:00:00Z"
CONFIGURATION = Path(__file__).parents[2] / "nbgrader_config.py"


class Term:
    """A class with a deadline, whose stamps, rules and points by hand change."""

    def __init__(self, a_class: Class, instant: Shared) -> None:
        self.a_class = a_class
        self.instant = instant
        self.rules()

    def rules(self, grading: str = "late_penalty_per_day = 0.1", due: str = DUE, rest: str = "") -> None:
        text = f'id = "small"\nfixed_secret = "small"\n[grading]\n{grading}\n'
        deadline = f"[assignments.{NAME}]\ndue = {due}\n" if due else ""
        (self.a_class.root / "course.toml").write_text(text + deadline + rest)
        self.a_class.course = Course.find(self.a_class.root)

    @property
    def course(self) -> Course:
        return self.a_class.course

    def hand_in(self, student: str, stamp: str | bytes | None, code: dict[str, str] | None = None) -> None:
        path = self.a_class.hand_in(student, ANSWERED if code is None else code)
        if stamp is not None:
            content = stamp if isinstance(stamp, bytes) else stamp.encode()
            (path.parent / "timestamp.txt").write_bytes(content)

    def grade(self, *, yes: bool = True, **options: Any) -> ClassReport:
        self.asked: list[StudentChange] = []

        def confirm(name: str, changes: Sequence[StudentChange]) -> bool:
            self.asked += changes
            return yes

        return grade_class(self.course, NAME, make_executor=self._mapper, progress=Silent(), confirm=confirm, **options)

    def _mapper(self) -> Executor:
        return self.instant

    def by_hand(self, student: str, points: float) -> None:
        """Points for the written answer, as the formgrader gives them."""
        with nbgrader.api.Gradebook(self.course.gradebook_url, "small") as stock:
            grade = stock.find_grade("answer-why", "two_functions", NAME, student)
            grade.manual_score, grade.needs_manual_grade = points, False
            stock.db.commit()

    def is_open(self, student: str) -> bool:
        with nbgrader.api.Gradebook(self.course.gradebook_url, "small") as stock:
            return bool(stock.find_grade("answer-why", "two_functions", NAME, student).needs_manual_grade)

    def board(self, student: str) -> Grade:
        (part,) = read_grades(self.course.gradebook_url, NAME)
        return next(grade for grade in part.grades if grade.student == student)

    def total(self, student: str) -> float:
        """The student's total, after every view was asked for it: they must all say the same."""
        board = self.board(student).points
        assert board is not None
        exported = export_grades(self.course, "csv", self.course.root / "grades.csv").path.read_text(
            encoding="utf-8-sig"
        )
        row = next(line for line in exported.splitlines() if line.startswith(student)).split(",")
        return_feedback(self.course, NAME, [student])
        page = (self.course.feedback / student / NAME / "two_functions.html").read_text()
        with nbgrader.api.Gradebook(self.course.gradebook_url, "small") as stock:
            found = stock.find_submission(NAME, student)
            stocks = max(0.0, found.score - (found.late_submission_penalty or 0.0))
        with Gradebook.of(self.course) as ours:
            marks = ours.marks(self.a_class.assignment, [student])[student]
        assert {round(float(row[4]), 9), round(stocks, 9), round(marks.total, 9)} == {round(board, 9)}
        assert row[6] == ("yes" if self.board(student).late else "no")
        assert marks.late == self.board(student).late
        assert f'class="total">{round(board, 2):g} <small>' in page
        return round(board, 6)


@pytest.fixture
def term(a_class: Class, instant: Shared) -> Term:
    return Term(a_class, instant)


def test_a_late_penalty_follows_points_given_by_hand(term: Term) -> None:
    term.hand_in("ada", "2026-03-02 12:00:05 UTC")
    term.grade()
    assert term.total("ada") == 3.6
    term.by_hand("ada", 3)
    assert term.total("ada") == 6.3
    term.by_hand("ada", 1)
    report = term.grade(yes=False)
    assert report.exit_code == 0
    assert "late penalty 0.7 → 0.5" in "\n".join(report.lines())
    assert term.asked == []
    assert term.total("ada") == 4.5


@pytest.mark.parametrize("order", ["hand first", "grade first"])
def test_a_total_does_not_depend_on_when_somebody_was_graded_last(term: Term, order: str) -> None:
    term.hand_in("ada", "2026-03-03 13:00 UTC")
    term.grade()
    term.by_hand("ada", 3)
    if order == "hand first":
        term.grade(again=True)
    else:
        return_feedback(term.course, NAME)
        term.grade()
    assert term.total("ada") == pytest.approx(7 * 0.8)


def test_the_next_command_after_grading_by_hand_shows_what_changes(term: Term) -> None:
    term.hand_in("ada", "2026-03-03 11:00 UTC")
    term.grade()
    term.by_hand("ada", 2)
    said = "\n".join(export_grades(term.course, "csv").lines())
    assert "ada: total 5.6 → 5.4 (late penalty 0.4 → 0.6)" in said
    assert "late penalty" not in "\n".join(return_feedback(term.course, NAME).lines())


class TestWhatChangesAfterwards:
    """Whatever changes about a deadline is shown with its totals before it is written, and refused if it is refused."""

    @pytest.fixture(autouse=True)
    def _graded(self, term: Term) -> None:
        term.hand_in("ada", "2026-03-03 13:00 UTC")  # Two days have started.
        term.hand_in("bob", "2026-03-01 12:00 UTC")
        term.grade()
        term.by_hand("ada", 3)
        assert term.total("ada") == pytest.approx(5.6)

    def change(self, term: Term, kind: str) -> float:
        """Change something; returns Ada's total after it."""
        rules = {
            "due moved": ({"due": "2026-03-04T12:00:00Z"}, 7.0),
            "due moved a day": ({"due": "2026-03-03T12:00:00Z"}, 6.3),
            "due earlier": ({"due": "2026-03-01T12:00:00Z"}, 4.9),
            "grace": ({"grading": "late_penalty_per_day = 0.1\ngrace_minutes = 1500"}, 7.0),
            "policy": ({"grading": "late_penalty_per_day = 0.25"}, 3.5),
            "no penalty": ({"grading": ""}, 7.0),
            "fixed": ({"grading": "late_penalty_fixed = 0.5"}, 3.5),
            "most": ({"grading": "late_penalty_per_day = 0.1\nlate_penalty_max = 0.1"}, 6.3),
            "cutoff": ({"grading": "late_days_accepted = 1"}, 0.0),
            "extension": ({"rest": f'[extensions.ada]\n{NAME} = "2 days"\n'}, 7.0),
            "extension until": ({"rest": f"[extensions.ada]\n{NAME} = 2026-03-03T12:30:00Z\n"}, 6.3),
            "own policy": ({"rest": "late_penalty_per_day = 0.0\n"}, 7.0),
        }
        if kind in rules:
            settings, total = rules[kind]
            term.rules(**settings)
            return total
        if kind == "granted":
            with nbgrader.api.Gradebook(term.course.gradebook_url, "small") as stock:
                stock.grant_extension(NAME, "ada", days=30)
            return 7.0
        if kind == "group":
            (term.course.root / "students.csv").write_text("id,group\nada,Team 1\nbob,Team 2\n")
            term.rules(rest=f'[extensions]\n"Team 1" = {{ {NAME} = 2 }}\n')
            return 7.0
        assert kind == "stamp"
        (term.a_class.path("ada").parent / "timestamp.txt").write_text("2026-03-02 12:00 UTC")
        return 7.0

    @pytest.mark.parametrize(
        "kind",
        ["due moved", "due moved a day", "due earlier", "grace", "policy", "no penalty", "fixed", "most", "cutoff",
         "extension", "extension until", "own policy", "granted", "group", "stamp"],
    )  # fmt: skip
    def test_it_is_shown_and_then_written(self, term: Term, kind: str) -> None:
        total = self.change(term, kind)
        report = term.grade(yes=False)
        assert report.exit_code == 3
        (change,) = [each for each in term.asked if each.student == "ada"]
        assert (change.total_before, change.total_after) == (pytest.approx(5.6), pytest.approx(total))
        assert term.total("ada") == pytest.approx(5.6)
        report = term.grade()
        assert report.exit_code == 0
        assert [each.student for each in report.changes] == ["ada"]
        assert term.total("ada") == pytest.approx(total)
        assert term.total("bob") == 4.0
        assert term.grade(yes=False).written == 0
        assert term.asked == []

    def test_an_extension_that_is_taken_back_is_gone(self, term: Term) -> None:
        self.change(term, "extension")
        term.grade()
        term.rules()
        term.grade()
        assert term.total("ada") == pytest.approx(5.6)

    def test_the_later_of_two_extensions_counts(self, term: Term) -> None:
        self.change(term, "granted")
        term.rules(rest=f"[extensions.ada]\n{NAME} = 2026-03-02T13:00:00Z\n")
        term.grade()
        assert term.total("ada") == 7.0

    def test_nobody_is_asked_where_no_total_changes(self, term: Term) -> None:
        term.rules(due="2026-03-02T12:30:00Z")
        assert term.grade(yes=False).exit_code == 0
        assert term.asked == []

    def test_it_is_shown_even_if_another_student_was_graded_in_between(self, term: Term) -> None:
        self.change(term, "granted")
        term.grade(students=["bob"], again=True)
        assert term.total("ada") == pytest.approx(5.6)
        term.grade()
        assert [each.student for each in term.asked] == ["ada"]


def test_a_deadline_in_the_formgrader_counts_where_course_toml_has_none(term: Term) -> None:
    term.rules(due="")
    term.hand_in("ada", "2026-03-03 11:00 UTC")
    term.grade()
    assert term.total("ada") == 4.0
    with nbgrader.api.Gradebook(term.course.gradebook_url, "small") as stock:
        stock.update_or_create_assignment(NAME, duedate="2026-03-02 12:00 UTC")
    term.grade()
    assert [(each.total_before, each.total_after) for each in term.asked] == [(4.0, 3.6)]
    assert term.total("ada") == 3.6


@pytest.mark.parametrize(
    "content",
    [
        b"soon",
        b"",
        b"\xff\xfe",
        b"0001-01-01 00:00 UTC",
        b"9999-12-31 23:59 UTC",
        b"2026-03-01 12:00 IST",
        b"9" * 10**6,
    ],
)
def test_a_stamp_that_is_no_time_is_one_submissions_trouble(term: Term, content: bytes) -> None:
    term.hand_in("ada", content)
    term.hand_in("bob", "2026-03-03 11:00 UTC")
    report = term.grade()
    assert report.exit_code == 3
    (look,) = report.needing_a_look
    assert (look.student, look.kind, look.points) == ("ada", "graded", 4)
    assert "timestamp.txt" in look.reason
    assert "lateness is unknown" in look.reason
    assert (term.total("ada"), term.total("bob")) == (4.0, 3.6)
    assert term.grade().exit_code == 3  # As long as nobody has looked.
    (term.a_class.path("ada").parent / "timestamp.txt").write_text("2026-03-03 11:00 UTC")
    assert term.grade().exit_code == 0
    assert [(each.total_before, each.total_after) for each in term.asked] == [(4.0, 3.6)]


@pytest.mark.parametrize(
    ("policy", "total", "asks"), [("ask", 4.0, True), ("no penalty", 4.0, False), ("one day", 3.6, False)]
)
def test_late_by_an_unknown_time_costs_what_the_course_says(term: Term, policy: str, total: float, asks: bool) -> None:
    term.rules(f'late_penalty_per_day = 0.1\nlate_unknown = "{policy}"')
    term.hand_in("ada", None)
    (term.a_class.path("ada").parent / "lateness.txt").write_text("unknown")
    report = term.grade()
    assert term.total("ada") == total
    assert term.board("ada").late
    assert report.exit_code == (3 if asks else 0)
    if asks:
        assert "by an unknown time" in report.needing_a_look[0].reason


def test_late_by_an_unknown_time_asks_nobody_where_lateness_costs_nothing(term: Term) -> None:
    term.rules("")
    term.hand_in("ada", None)
    (term.a_class.path("ada").parent / "lateness.txt").write_text("unknown")
    assert term.grade().exit_code == 0
    assert term.board("ada").late


def test_who_has_an_extension_and_is_late_by_an_unknown_time_is_left_to_a_person(term: Term) -> None:
    term.rules('late_penalty_per_day = 0.1\nlate_unknown = "one day"', rest=f"[extensions.ada]\n{NAME} = 7\n")
    term.hand_in("ada", None)
    (term.a_class.path("ada").parent / "lateness.txt").write_text("unknown")
    report = term.grade()
    assert report.exit_code == 3
    assert "has an extension" in report.needing_a_look[0].reason
    assert term.total("ada") == 4.0


def test_a_plugin_of_the_courses_own_decides_what_lateness_costs(term: Term) -> None:
    configuration = (
        "from nbgrader.plugins import LateSubmissionPlugin\n"
        "class Zero(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return score / 2\n"
        "c.AssignLatePenalties.plugin_class = Zero\n"
    )
    (term.course.root / "nbgrader_config.py").write_text(configuration)
    term.hand_in("ada", "2026-03-03 11:00 UTC")
    term.grade()
    term.by_hand("ada", 3)
    assert export_grades(term.course, "csv").path.is_file()
    assert term.total("ada") == 3.5


def test_this_repositorys_nbgrader_configuration_leaves_lateness_to_course_toml(term: Term) -> None:
    shutil.copy(CONFIGURATION, term.course.root)
    term.hand_in("ada", "2026-03-03 11:00 UTC")
    term.grade()
    assert term.total("ada") == 3.6


class TestWrittenAnswers:
    """An answer whose text did not change stays graded, whatever else did."""

    @pytest.fixture(autouse=True)
    def _graded(self, term: Term) -> None:
        term.hand_in("ada", "2026-03-01 12:00 UTC")
        term.grade()
        assert term.is_open("ada")
        term.by_hand("ada", 3)

    @pytest.mark.parametrize("kind", ["again", "points", "check", "prose", "resubmission", "deadline", "question"])
    def test_it_stays_graded(self, term: Term, kind: str) -> None:
        edits = {
            "points": ('answer="why" points=3', 'answer="why" points=5'),
            "check": ("for number in range(3, 6):", "for number in range(3, 9):"),
            "prose": ("# # Two functions", "# # Two easy functions"),
            "question": ("# Why is two times two four?", "# Why is two times two four, do you think?"),
        }
        if kind in edits:
            term.a_class.edit(*edits[kind])
        if kind == "resubmission":
            term.hand_in("ada", "2026-03-01 13:00 UTC", {**ANSWERED, "shift": "def shift(x):\n    return x\n"})
        if kind == "deadline":
            term.rules(due="2026-02-01")
        term.grade(again=kind == "again")
        assert not term.is_open("ada")

    def test_another_answer_is_open_again(self, term: Term) -> None:
        term.hand_in("ada", "2026-03-01 13:00 UTC", {**ANSWERED, "answer-why": "Because of addition."})
        term.grade()
        assert term.is_open("ada")
        with nbgrader.api.Gradebook(term.course.gradebook_url, "small") as stock:
            assert stock.find_grade("answer-why", "two_functions", NAME, "ada").manual_score == 3

    def test_only_its_edges_changed_is_the_same_answer(self, term: Term) -> None:
        term.hand_in("ada", "2026-03-01 13:00 UTC", {**ANSWERED, "answer-why": "Because.\n\n"})
        term.grade()
        assert not term.is_open("ada")


def test_a_stored_result_is_only_looked_up_when_a_deadline_moves(term: Term) -> None:
    term.hand_in("ada", "2026-03-03 13:00 UTC")
    term.grade()
    before = sorted(path.name for path in (term.course.results / "results").rglob("*"))
    term.rules(due="2026-03-04")
    report = term.grade()
    assert [each.kind for each in report.submissions] == ["stored"]
    assert sorted(path.name for path in (term.course.results / "results").rglob("*")) == before


def test_a_stamp_is_seen_in_the_autograded_folder_only_if_it_is_a_time(term: Term) -> None:
    term.hand_in("ada", "2026-03-01 13:00 CET")
    term.grade()
    copy = term.course.autograded / "ada" / NAME / "timestamp.txt"
    assert dt.datetime.fromisoformat(copy.read_text().removesuffix(" UTC\n")).hour == 12
    (term.a_class.path("ada").parent / "timestamp.txt").write_text("soon")
    term.grade()
    assert not copy.exists()

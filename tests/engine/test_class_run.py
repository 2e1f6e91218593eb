"""A class is graded once, looked up afterwards, written whole, and whatever goes wrong with one spares the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from autograder.engine import writer
from autograder.engine.api import grade_class
from autograder.engine.executor import Executor
from autograder.engine.grading_report import ClassReport, StudentChange
from autograder.engine.progress import Silent

if TYPE_CHECKING:
    from tests.engine.conftest import Class, Shared

NAME = "00-two-functions"
ONE_BLANK = {"double": "def double(x):\n    return x + x\n"}


def nobody() -> Executor:
    raise AssertionError("nothing needs grading, so no worker should start")


def graded(a_class: Class, mapper: Executor | None = None, **options: Any) -> ClassReport:
    """Grade with ``mapper``; None says that no worker should be needed."""
    make = nobody if mapper is None else lambda: mapper
    return grade_class(a_class.course, NAME, make_executor=make, progress=Silent(), **options)


def kinds(report: ClassReport) -> dict[str, str]:
    return {each.student: each.kind for each in report.submissions}


def reasons(report: ClassReport) -> dict[str, str]:
    return {each.student: each.reason for each in report.needing_a_look}


def test_a_class_is_graded_and_written(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    a_class.hand_in("bob", ONE_BLANK)
    report = graded(a_class, instant)
    assert report.exit_code == 0
    assert {each.student: each.points for each in report.submissions} == {"ada": 4, "bob": 3}
    assert a_class.totals() == {"ada": 4, "bob": 3}
    for folder, ending in (("autograded", "ipynb"), ("feedback", "html")):
        assert (a_class.root / folder / "ada" / NAME / f"two_functions.{ending}").is_file()


def test_grading_again_looks_everything_up_and_writes_nothing(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    a_class.hand_in_file("bob", b"no notebook")
    graded(a_class, instant)
    before = (a_class.root / "gradebook.db").stat().st_mtime_ns
    report = graded(a_class)
    assert kinds(report) == {"ada": "stored", "bob": "unreadable"}
    assert report.written == 0
    assert (a_class.root / "gradebook.db").stat().st_mtime_ns == before


def test_equal_code_is_graded_once_for_all_who_wrote_it(a_class: Class, instant: Shared) -> None:
    for student in ("ada", "bob", "eve"):
        a_class.hand_in(student)
    report = graded(a_class, instant)
    assert instant.submitted == [0]
    assert a_class.totals() == {"ada": 4, "bob": 4, "eve": 4}
    assert report.counts == {"graded": 3}


def test_every_bad_file_gets_a_line_and_the_rest_is_graded(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    a_class.hand_in_file("empty", b"")
    a_class.hand_in_file("pdf", b"%PDF-1.7")
    a_class.hand_in_file("huge", b"")
    with a_class.path("huge").open("wb") as stream:
        stream.truncate(500 << 20)
    a_class.hand_in_file("deep", b'{"cells": ' + b"[" * 200_000)
    a_class.path("link").parent.mkdir(parents=True)
    a_class.path("link").symlink_to("/etc/passwd")
    a_class.hand_in("renamed").rename(a_class.path("renamed").with_name("homework.ipynb"))
    a_class.hand_in("typo")
    a_class.path("typo").parent.rename(a_class.root / "submitted" / "typo" / "00-two-function")
    report = graded(a_class, instant)
    assert report.exit_code == 3
    assert kinds(report)["ada"] == "graded"
    found = reasons(report)
    assert set(found) == {"empty", "pdf", "huge", "deep", "link", "renamed", "typo"}
    for student, words in {
        "empty": "is empty", "pdf": "PDF", "huge": "500 MB", "link": "symbolic link",
        "renamed": "homework.ipynb", "typo": "not named after an assignment",
    }.items():  # fmt: skip
        assert words in found[student]
    assert a_class.totals() == {"ada": 4, "renamed": 4}
    assert all(any(student in line for line in report.lines()) for student in found)


def test_an_unknown_student_is_named_with_a_guess(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("adelheid")
    report = graded(a_class, instant, students=["adelheit", "adelheid"])
    assert "Did you mean adelheid?" in reasons(report)["adelheit"]
    assert kinds(report)["adelheid"] == "graded"


def test_a_failure_of_the_machinery_is_no_zero_and_is_graded_next_time(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    a_class.hand_in("bob", {"double": "def double(x):\n    return 'machinery'\n"})
    report = graded(a_class, instant)
    assert report.exit_code == 3
    assert reasons(report) == {"bob": "the disk is full"}
    assert a_class.totals() == {"ada": 4}
    instant.repaired.touch()
    assert graded(a_class, instant).exit_code == 0
    assert a_class.totals() == {"ada": 4, "bob": 3}


def test_a_new_submission_is_written_without_a_question(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada", {})
    graded(a_class, instant)
    a_class.hand_in("ada")
    report = graded(a_class, instant, confirm=lambda *_: False)
    assert report.exit_code == 0
    assert a_class.totals() == {"ada": 4}


def test_an_unreadable_new_file_leaves_the_grade_of_the_old_one(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    graded(a_class, instant)
    a_class.hand_in_file("ada", b"broken")
    assert graded(a_class).exit_code == 3
    assert a_class.totals() == {"ada": 4}
    a_class.hand_in("ada")
    assert kinds(graded(a_class)) == {"ada": "stored"}


class TestRegrading:
    """After a hidden test changed."""

    @pytest.fixture
    def harder(self, a_class: Class, instant: Shared) -> Class:
        """Two students were graded; then one check became impossible."""
        a_class.hand_in("ada")
        a_class.hand_in("bob", {})
        graded(a_class, instant)
        a_class.edit("for number in range(3, 6):", "for impossible in range(3, 6):\n    number = impossible")
        return a_class

    def test_the_difference_is_shown_per_student_and_check(self, harder: Class, instant: Shared) -> None:
        shown: list[StudentChange] = []
        report = graded(harder, instant, confirm=lambda name, changes: shown.extend(changes) or True)
        assert [(change.student, change.before, change.after) for change in shown] == [("ada", 4, 2)]
        assert [check.check for check in shown[0].checks] == ["check-double-general"]
        assert report.exit_code == 0
        assert harder.totals() == {"ada": 2, "bob": 0}

    def test_it_can_be_refused_and_asked_again(self, harder: Class, instant: Shared) -> None:
        report = graded(harder, instant, confirm=lambda *_: False)
        assert report.exit_code == 3
        assert not report.changes_written
        assert harder.totals()["ada"] == 4
        asked: list[str] = []
        graded(harder, confirm=lambda name, changes: asked.append(name) or True)
        assert asked == [NAME]
        assert harder.totals()["ada"] == 2

    def test_without_a_terminal_the_answer_is_no_and_says_how_to_say_yes(self, harder: Class, instant: Shared) -> None:
        report = graded(harder, instant)
        assert "--yes" in " ".join(report.lines())
        assert harder.totals()["ada"] == 4
        assert graded(harder, yes=True).exit_code == 0
        assert harder.totals()["ada"] == 2

    def test_only_the_changed_check_runs_again_for_who_passes_it(self, a_class: Class, instant: Shared) -> None:
        a_class.hand_in("ada")
        assert [each.checks_run for each in graded(a_class, instant).submissions] == [3]
        a_class.edit("for number in range(3, 6):", "for number in range(3, 7):")
        report = graded(a_class, instant)
        assert [each.checks_run for each in report.submissions] == [1]
        assert report.changes == ()


class TestWhatWasTouched:
    """What somebody removed or changed by hand is written again."""

    def test_a_lost_page_or_notebook_is_written_again(self, a_class: Class, instant: Shared) -> None:
        a_class.hand_in("ada")
        graded(a_class, instant)
        page = a_class.root / "feedback" / "ada" / NAME / "two_functions.html"
        page.unlink()
        assert graded(a_class).written == 1
        assert page.is_file()

    def test_pages_are_written_again_when_their_design_changes(
        self, a_class: Class, instant: Shared, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_class.hand_in("ada")
        graded(a_class, instant)
        assert graded(a_class).written == 0
        monkeypatch.setattr(writer, "_page_design", lambda: b"another one")
        report = graded(a_class)
        assert [each.checks_run for each in report.submissions] == [0]
        assert report.written == 1
        assert graded(a_class).written == 0

    def test_a_page_that_shows_the_same_stays_as_it_is_after_a_hidden_test_changed(
        self, a_class: Class, instant: Shared
    ) -> None:
        for student in ("ada", "bob"):
            a_class.hand_in(student)
        graded(a_class, instant)
        pages = {
            student: a_class.root / "feedback" / student / NAME / "two_functions.html" for student in ("ada", "bob")
        }
        notebook = a_class.root / "autograded" / "ada" / NAME / "two_functions.ipynb"
        pages["bob"].write_text("touched by hand")
        before = {student: page.stat().st_mtime_ns for student, page in pages.items()}
        a_class.edit("for number in range(3, 6):", "for number in range(3, 7):")
        assert graded(a_class, instant, yes=True).written == 2
        assert pages["ada"].stat().st_mtime_ns == before["ada"]
        assert "touched" not in pages["bob"].read_text()
        assert "range(3, 7)" in notebook.read_text()
        assert graded(a_class, instant).written == 0

    def test_a_page_is_written_again_when_what_it_shows_changes(self, a_class: Class, instant: Shared) -> None:
        a_class.hand_in("ada")
        graded(a_class, instant)
        page = a_class.root / "feedback" / "ada" / NAME / "two_functions.html"
        before = page.read_text()
        a_class.edit("two times two is four", "twice two is four")
        graded(a_class, instant, yes=True)
        assert "twice two is four" in page.read_text()
        assert "twice two is four" not in before

    def test_a_lost_gradebook_is_written_again(self, a_class: Class, instant: Shared) -> None:
        for student in ("ada", "bob"):
            a_class.hand_in(student)
        graded(a_class, instant)
        (a_class.root / "gradebook.db").unlink()
        assert graded(a_class).written == 2
        assert a_class.totals() == {"ada": 4, "bob": 4}

    def test_a_lost_journal_costs_nothing_but_look_ups(self, a_class: Class, instant: Shared) -> None:
        a_class.hand_in("ada")
        graded(a_class, instant)
        for path in (a_class.root / ".autograder").glob("journal.db*"):
            path.unlink()
        report = graded(a_class)
        assert kinds(report) == {"ada": "stored"}
        assert a_class.totals() == {"ada": 4}

    def test_a_student_removed_from_the_gradebook_is_written_again(self, a_class: Class, instant: Shared) -> None:
        from nbgrader.api import Gradebook

        for student in ("ada", "bob"):
            a_class.hand_in(student)
        graded(a_class, instant)
        with Gradebook(a_class.course.gradebook_url) as gradebook:
            gradebook.remove_student("ada")
        assert graded(a_class).written == 1
        assert a_class.totals() == {"ada": 4, "bob": 4}

"""Who has no grade has a page that says why, the board tells the truth, and nothing is tried for ever."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from autograder.engine.api import grade_class
from autograder.engine.executor import ATTEMPTS
from autograder.engine.grading_report import ClassReport
from autograder.engine.progress import Silent
from autograder.engine.worker import Bundle, Job, Reply
from autograder.leaderboard.publishing import board_of, publish_boards

if TYPE_CHECKING:
    from tests.engine.conftest import Class, Shared

NAME = "00-two-functions"


def graded(a_class: Class, mapper: Any, **options: Any) -> ClassReport:
    return grade_class(a_class.course, NAME, make_executor=lambda: mapper, progress=Silent(), yes=True, **options)


def page_of(a_class: Class, student: str) -> str:
    return (a_class.root / "feedback" / student / NAME / "two_functions.html").read_text()


def test_every_submitter_has_a_page_that_tells_what_to_do(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    a_class.hand_in_file("pdf", b"%PDF-1.7")
    a_class.hand_in("renamed").rename(a_class.path("renamed").with_name("homework.pdf"))
    a_class.hand_in("typo")
    a_class.path("typo").parent.rename(a_class.root / "submitted" / "typo" / "00-two-function")
    a_class.hand_in("luckless", {"double": "def double(x):\n    return 'machinery'\n"})
    assert graded(a_class, instant).exit_code == 3
    assert "of 7 points" in page_of(a_class, "ada")
    assert "could not be read" in page_of(a_class, "pdf")
    assert "PDF" in page_of(a_class, "pdf")
    for student in ("renamed", "typo"):
        assert "was not found where it belongs" in page_of(a_class, student)
    assert "homework.pdf" in page_of(a_class, "renamed")
    assert "Not graded yet" in page_of(a_class, "luckless")
    for student in ("pdf", "renamed", "typo"):
        assert "This is not a zero" in page_of(a_class, student)
        assert str(a_class.root) not in page_of(a_class, student), "the grader's folders are nobody's business"


def test_the_board_calls_unreadable_what_is(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    a_class.hand_in_file("pdf", b"%PDF-1.7")
    a_class.hand_in("renamed").rename(a_class.path("renamed").with_name("homework.pdf"))
    graded(a_class, instant)
    board = board_of(a_class.course, NAME)
    apart = {each.entry.entrant: str(each.entry.status) for each in board.apart}
    assert apart == {"pdf": "unreadable", "renamed": "unreadable"}


def test_a_page_of_an_earlier_grading_does_not_stay(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    graded(a_class, instant)
    a_class.hand_in_file("ada", b"broken")
    graded(a_class, instant)
    assert "could not be read" in page_of(a_class, "ada")
    a_class.path("ada").rename(a_class.path("ada").with_name("other.pdf"))
    graded(a_class, instant)
    assert "was not found" in page_of(a_class, "ada")
    a_class.hand_in("ada")
    assert graded(a_class, instant).exit_code == 0
    assert "of 7 points" in page_of(a_class, "ada")


def test_an_unknown_name_gets_no_page(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    graded(a_class, instant, students=["nobody"])
    assert not (a_class.root / "feedback" / "nobody").exists()


def test_a_page_names_its_students_row_on_the_board(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    graded(a_class, instant)
    name = a_class.course.secret.pseudonym("ada")
    assert f">{name}</b>" in page_of(a_class, "ada")
    publish_boards(a_class.course, NAME, ["html"])
    a_class.hand_in("ada", {})
    graded(a_class, instant)
    assert f'href="../../../leaderboard/{NAME}.html#{name}"' in page_of(a_class, "ada")


def test_no_other_account_reads_grades_or_hidden_tests(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    a_class.hand_in_file("pdf", b"%PDF-1.7")
    graded(a_class, instant)
    shown = [a_class.root / "gradebook.db"]
    for folder in ("autograded", "feedback", ".autograder/results", ".autograder/pictures"):
        shown += [a_class.root / folder, *(a_class.root / folder).rglob("*")]
    for path in filter(lambda path: path.exists(), shown):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


class Deadly:
    """A mapper whose every job is ended by the kernel."""

    slots = 1

    def __init__(self) -> None:
        self.jobs: list[int] = []
        self._waiting: list[Job] = []

    def submit(self, job: Job, bundle: Bundle) -> None:
        self.jobs.append(job.number)
        self._waiting.append(job)

    def completed(self, seconds: float) -> list[Reply]:
        done, self._waiting = self._waiting, []
        why = "a worker was ended from outside by signal 9. Grade this submission again."
        return [replace(Reply(job.number), failure=why) for job in done]

    def close(self) -> None:
        pass


def test_what_the_kernel_ends_each_time_is_left_to_a_person(a_class: Class, instant: Shared) -> None:
    a_class.hand_in("ada")
    deadly = Deadly()
    report = graded(a_class, deadly)
    assert len(deadly.jobs) == ATTEMPTS
    (adas,) = report.needing_a_look
    assert (adas.kind, report.exit_code) == ("not graded", 3)
    assert "want of memory" in adas.reason
    again = graded(a_class, deadly)
    assert len(deadly.jobs) == ATTEMPTS, "it is not tried for ever"
    assert again.needing_a_look[0].reason == adas.reason
    assert str(board_of_status(a_class)) == "not graded"
    assert graded(a_class, instant, again=True).exit_code == 0, "until somebody asks for it"


def board_of_status(a_class: Class) -> str:
    from autograder.gradebook.journal import Journal

    with Journal(a_class.course.results / "journal.db") as journal:
        (entry,) = journal.entries(NAME).values()
    return "not graded" if entry.refusal.startswith("Given up:") else entry.refusal


@pytest.mark.parametrize("signal", [15, 11])
def test_another_end_is_tried_again_at_the_next_run(a_class: Class, instant: Shared, signal: int) -> None:
    a_class.hand_in("ada")
    deadly = Deadly()
    usual = deadly.completed
    deadly.completed = lambda seconds: [  # type: ignore[method-assign]
        replace(each, failure=each.failure.replace("signal 9", f"signal {signal}")) for each in usual(seconds)
    ]
    assert graded(a_class, deadly).exit_code == 3
    assert graded(a_class, instant).exit_code == 0

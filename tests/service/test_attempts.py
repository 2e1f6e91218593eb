"""Attempts: taken whole or not at all, graded fairly, and counted as the course says."""

from __future__ import annotations

import datetime as dt
import threading
import tracemalloc
from typing import Any

import pytest

from autograder.course import Course
from autograder.errors import ServiceError
from autograder.service.attempts import AttemptStore, HandIn
from autograder.service.policy import Policy, in_fair_order

NAME = "00-two-functions"
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def attempt(
    number: int, student: str = "ada", at: dt.datetime = NOON, outcome: str = "", points: float = 0.0
) -> HandIn:
    return HandIn(number, f"name-{number}", student, NAME, at, "upload", "a.ipynb", "", outcome, points)


def policy(served: Any, settings: str) -> Policy:
    served.configure(settings)
    return Policy(served.course, NAME)


def test_what_was_handed_in_is_there_for_whoever_opens_the_file_next(served: Any) -> None:
    taken = served.hand_in("ada", b"{}")
    again = AttemptStore(served.course.results / "service.db")
    (found,) = again.waiting()
    assert found == taken
    assert again.content(found) == b"{}"


def test_a_large_file_is_read_in_pieces_by_whatever_thread_takes_the_next(served: Any) -> None:
    """What one student downloads at once, five files of 64 MB, was read whole into memory."""
    content = bytes(range(256)) * (12 << 12)
    taken = served.hand_in("ada", content)
    pieces, found = served.store.pieces(taken), list[bytes]()
    tracemalloc.start()
    while not found or found[-1]:
        take = threading.Thread(target=lambda: found.append(next(pieces, b"")))
        take.start()
        take.join()
        held, found[-1] = found[-1], found[-1][:1]
        assert held == content[(len(found) - 1) << 20 : len(found) << 20]
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(found) - 1, served.store.size(taken)) == (12, len(content))
    assert highest < len(content) / 2


def test_a_request_that_is_sent_twice_is_one_attempt(served: Any) -> None:
    first, second = (served.hand_in("ada", ticket="same") for _ in range(2))
    assert first == second
    assert len(served.store.waiting()) == 1


def test_one_students_ticket_is_not_anothers(served: Any) -> None:
    assert served.hand_in("ada", ticket="same") != served.hand_in("bob", ticket="same")


def test_ten_requests_at_once_do_not_get_past_a_limit(served: Any) -> None:
    rules = policy(served, "[serve]\nattempts_per_day = 3\npause_minutes = 0\n")
    refused: list[str] = []

    def one() -> None:
        now = dt.datetime.now(dt.UTC)
        try:
            served.hand_in("ada", refusal=lambda earlier: rules.refusal("ada", earlier, now))
        except ServiceError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(served.store.waiting()) == 3
    assert len(refused) == 7


def test_an_outcome_is_noted_once_and_the_gradebook_is_owed(served: Any) -> None:
    taken = served.hand_in("ada")
    served.store.finish(taken, "graded", points=3)
    served.store.finish(taken, "graded", points=99)
    assert served.store.attempt(taken.name).points == 3
    (duty,) = served.store.duties()
    assert (duty.student, duty.version) == ("ada", 1)


def test_a_duty_that_grew_meanwhile_stays(served: Any) -> None:
    served.store.finish(served.hand_in("ada"), "graded")
    (before,) = served.store.duties()
    served.store.finish(served.hand_in("ada"), "graded")
    served.store.settle(before)
    assert len(served.store.duties()) == 1


def test_nobody_chooses_anothers_attempt(served: Any) -> None:
    taken = served.hand_in("ada")
    served.store.finish(taken, "graded")
    assert not served.store.choose("bob", NAME, taken.name)
    assert served.store.choose("ada", NAME, taken.name)


def test_the_file_is_for_this_account_alone(served: Any) -> None:
    assert (served.course.results / "service.db").stat().st_mode & 0o077 == 0


def test_a_flood_of_one_student_delays_nobody_else() -> None:
    flood = [attempt(number) for number in range(1, 101)]
    bob, eve = attempt(101, "bob"), attempt(102, "eve")
    assert [each.number for each in in_fair_order([*flood, bob, eve])][:4] == [1, 101, 102, 2]


def test_what_is_being_graded_counts_as_a_turn() -> None:
    order = in_fair_order([attempt(2), attempt(3, "bob")], running=["ada"])
    assert [each.student for each in order] == ["bob", "ada"]


REFUSALS = [
    ("[assignments.00-two-functions]\nopens = 2026-03-03\n", [], "This opens Tuesday, 3 March 2026"),
    ("[assignments.00-two-functions]\ncloses = 2026-03-01\n", [], "This closed Sunday, 1 March 2026"),
    ("", [attempt(1, at=NOON - MINUTE / 2, outcome="graded")], "Hand in again in 31 seconds"),
    ("", [attempt(n, at=NOON - 2 * MINUTE, outcome="graded") for n in range(10)], "attempt 10 of 10 for today"),
    ("[serve]\nattempts_per_day = 0\n", [attempt(n, at=NOON - 2 * MINUTE) for n in range(20)], "are still waiting"),
]


@pytest.mark.parametrize(("settings", "earlier", "said"), REFUSALS, ids=[said for _, _, said in REFUSALS])
def test_a_refusal_says_why_and_when(served: Any, settings: str, earlier: list[HandIn], said: str) -> None:
    assert said in policy(served, settings).refusal("ada", earlier, NOON)


ALLOWED = [
    ("", [attempt(n, at=NOON - DAY, outcome="graded") for n in range(10)]),
    ("", [attempt(n, at=NOON, outcome="unreadable") for n in range(10)]),
    ("", [attempt(n, at=NOON, outcome="failed") for n in range(10)]),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "earlier"), ALLOWED, ids=["yesterday's", "unreadable ones", "failed ones"])
def test_what_is_not_the_students_to_pay_for_costs_no_attempt(
    served: Any, settings: str, earlier: list[HandIn]
) -> None:
    assert policy(served, settings).refusal("ada", earlier, NOON) == ""


def test_an_extension_outlasts_the_closing(served: Any) -> None:
    rules = policy(
        served,
        "[assignments.00-two-functions]\ndue = 2026-02-28\ncloses = 2026-03-01\n"
        "[extensions.ada]\n00-two-functions = 2026-03-09\n",
    )
    assert rules.refusal("ada", [], NOON) == ""
    assert rules.refusal("bob", [], NOON) != ""


DUE = "[grading]\nlate_penalty_per_day = 0.5\n[assignments.00-two-functions]\ndue = 2026-03-02T12:00:00Z\n"
FIRST = attempt(1, at=NOON - 2 * DAY, outcome="graded", points=3)
GOOD = attempt(2, at=NOON - DAY, outcome="graded", points=4)
LATE = attempt(3, at=NOON + DAY / 2, outcome="graded", points=5)
BROKEN = attempt(4, at=NOON + DAY, outcome="unreadable")


@pytest.mark.parametrize(
    ("counts", "number"), [("last", 3), ("best", 2), ("on time", 2), ("chosen", 1)], ids=lambda each: str(each)
)
def test_the_attempt_counts_that_the_course_says(served: Any, counts: str, number: int) -> None:
    rules = policy(served, f'{DUE}[serve]\ncounts = "{counts}"\n')
    counting = rules.counting("ada", [FIRST, GOOD, LATE, BROKEN], chosen="name-1")
    assert counting is not None
    assert counting.number == number


def test_a_file_that_cannot_be_read_counts_where_there_is_nothing_else(served: Any) -> None:
    rules = policy(served, "")
    assert rules.counting("ada", [BROKEN]) == BROKEN
    assert rules.counting("ada", [attempt(1)]) is None


def test_feedback_tells_more_after_the_students_own_deadline(served: Any) -> None:
    rules = policy(served, f'{DUE}[extensions.eve]\n00-two-functions = "3 days"\n')
    assert rules.shown("ada", NOON - MINUTE) == "brief"
    assert rules.shown("ada", NOON + MINUTE) == "full"
    assert rules.shown("eve", NOON + MINUTE) == "brief"


def test_a_mistyped_setting_is_named(served: Any) -> None:
    served.configure('[serve]\ncounts = "lst"\n')
    with pytest.raises(Exception, match=r"serve\.counts"):
        Course.find(served.root)

"""Questions to the staff, and who is stuck without asking."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from autograder.errors import ServiceError
from autograder.service.attempts import HandIn
from autograder.service.told import StaffQuestions, stuck

NAME = "00-two-functions"
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def questions(served: Any) -> StaffQuestions:
    return StaffQuestions(served.store)


def test_a_question_is_open_until_it_is_answered(questions: StaffQuestions) -> None:
    questions.ask("ada", NAME, " Why is shift wrong?\r\nI add OFFSET. ", NOW)
    (question,) = questions.open()
    assert question.text == "Why is shift wrong?\nI add OFFSET."
    questions.answer(question.name, "tina", "OFFSET is 3.", NOW)
    assert questions.open() == []
    (answered,) = questions.of_student("ada", NAME)
    assert (answered.answer, answered.answered_by, answered.answered_at) == ("OFFSET is 3.", "tina", NOW)


def test_two_assistants_do_not_answer_the_same_question(questions: StaffQuestions) -> None:
    questions.ask("ada", NAME, "Why?", NOW)
    (question,) = questions.open()
    questions.answer(question.name, "tina", "Because.", NOW)
    with pytest.raises(ServiceError, match="Somebody has answered"):
        questions.answer(question.name, "tom", "So.", NOW)
    assert questions.of_student("ada")[0].answer == "Because."


@pytest.mark.parametrize(("text", "said"), [(" \n\x00", "Write your question"), ("x" * 2001, "2,000 characters")])
def test_what_is_no_question_is_refused(questions: StaffQuestions, text: str, said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        questions.ask("ada", NAME, text, NOW)
    assert questions.open() == []


def test_one_question_at_a_time_and_five_a_day(questions: StaffQuestions) -> None:
    questions.ask("ada", NAME, "Why?", NOW)
    with pytest.raises(ServiceError, match="not answered yet"):
        questions.ask("ada", NAME, "And why?", NOW)
    for number in range(4):
        questions.ask("ada", f"other-{number}", "Why?", NOW)
    with pytest.raises(ServiceError, match="5 questions within a day"):
        questions.ask("ada", "last", "Why?", NOW)
    questions.ask("bob", NAME, "Why?", NOW)


def attempts(*points: float) -> list[HandIn]:
    return [
        HandIn(n, f"n{n}", "ada", NAME, NOW, "upload", "a.ipynb", "d", "graded", each) for n, each in enumerate(points)
    ]


@pytest.mark.parametrize(
    ("points", "tries"),
    [
        ((1, 1, 1, 1), 3), ((1, 0, 1, 0.5), 3), ((0, 0, 0, 0, 0), 4),
        ((1, 1, 1), None), ((1, 1, 1, 2), None), ((4, 4, 4, 4), None), ((), None),
    ],
)  # fmt: skip
def test_who_gains_nothing_by_three_more_attempts_is_stuck(points: tuple[float, ...], tries: int | None) -> None:
    found = stuck(attempts(*points), lambda _: 4.0, NOW)
    assert [each.tries for each in found] == ([] if tries is None else [tries])


def test_who_stopped_days_ago_is_left_alone() -> None:
    assert stuck(attempts(1, 1, 1, 1), lambda _: 4.0, NOW + dt.timedelta(days=3)) == []

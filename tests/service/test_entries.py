"""An entrant's pages in the service: what an entry came to is told while feedback is brief, to its author alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autograder.service.pages import Pages
from autograder.service.rehearsals import Rehearsals
from autograder.service.told import StaffQuestions


@pytest.fixture
def page_of(served: Any, until: Callable[..., None]) -> Callable[..., str]:
    """Hand in as Ada, wait, and return her page of feedback on that attempt."""

    def hand_in(remark: str) -> str:
        with served.serving(grader="engine_standins:Entering") as loop:
            attempt = served.hand_in("ada", served.notebook(remark=remark))
            loop.wake()
            until(served.settled)
            (attempt,) = [each for each in served.store.of_student("ada") if each.number == attempt.number]
            rehearsals = Rehearsals(lambda: served.course, served.store, lambda: True)
            pages = Pages(served.store, loop, "/", rehearsals, StaffQuestions(served.store))
            return str(pages.feedback(attempt, "brief"))

    return hand_in


def test_an_entry_and_the_next_that_is_worse(page_of: Callable[..., str]) -> None:
    first = page_of("350")
    assert "The board shows 350 of 400 public pictures right: 87.50 %" in first
    assert "71,266 of 100,000 numbers" in first
    worse = page_of("250")
    assert "The Ladder did not move" in worse
    assert "Warning: it is clearly worse" in worse
    assert "250 of 400" not in worse


def test_a_crash_is_told_with_the_students_own_line(page_of: Callable[..., str]) -> None:
    page = page_of("raise 0")
    assert "Your entry has no score: train raised ValueError." in page
    assert "raise ValueError(&#39;no&#39;)" in page

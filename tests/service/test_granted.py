"""Deadlines and extensions written in the formgrader or by nbgrader's own API count in the service."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.gradebook.marks import check_points
from autograder.service import policy as granted
from autograder.service.policy import policy_of

# nbgrader's own way to make a submission.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <SubmittedAssignment>")

NAME = "00-two-functions"
NOW = dt.datetime.now(dt.UTC)
Until = Callable[..., None]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granted, "_FRESH_SECONDS", 0.0)
    monkeypatch.setattr(granted, "_AGAIN_SECONDS", 0.0)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader starts alembic.


def write(served: Any, due: dt.datetime | None, **extensions: dt.timedelta) -> None:
    """Write a deadline and extensions as the formgrader does."""
    with Gradebook(served.course.gradebook_url) as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=due and due.astimezone(dt.UTC).replace(tzinfo=None))
        for student, extension in extensions.items():
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(NAME, student).extension = extension
        gradebook.db.commit()


def test_without_a_gradebook_nothing_is_granted(served: Any) -> None:
    assert granted.granted_in(served.course.gradebook_url) == {}
    assert not (served.root / "gradebook.db").exists()


def test_a_deadline_in_the_gradebook_decides_what_feedback_shows(served: Any) -> None:
    policy = policy_of(served.course, NAME)
    assert policy.shown("ada", NOW) == "brief"
    write(served, NOW - dt.timedelta(days=1), bob=dt.timedelta(days=2))
    assert policy.shown("ada", NOW) == "full"
    assert policy.shown("bob", NOW) == "brief"


def test_an_extension_there_outlasts_the_closing_in_the_configuration(served: Any) -> None:
    ago = (NOW - dt.timedelta(hours=1)).isoformat()
    served.configure(f"[assignments.{NAME}]\ndue = {ago}\ncloses = {ago}\n")
    policy = policy_of(served.course, NAME)
    assert "closed" in policy.refusal("ada", [], NOW)
    write(served, None, ada=dt.timedelta(days=1))
    assert policy.refusal("ada", [], NOW) == ""
    assert "closed" in policy.refusal("bob", [], NOW)


def test_an_extension_that_is_granted_later_lets_the_attempt_count_that_it_covers(
    served: Any, until: Until, half: dict[str, str]
) -> None:
    served.configure(f'[serve]\ncounts = "on time"\n[assignments.{NAME}]\ndue = {NOW.isoformat()}\n')
    with served.serving() as loop:
        served.hand_in("ada", served.notebook(half), at=NOW - dt.timedelta(hours=1))
        served.hand_in("ada", at=NOW + dt.timedelta(seconds=1))
        loop.wake()
        until(served.settled)
        assert check_points(served.course.gradebook_url, NAME, "two_functions") == {"ada": 3}
        write(served, NOW, ada=dt.timedelta(hours=1))
        until(lambda: check_points(served.course.gradebook_url, NAME, "two_functions") == {"ada": 4})


def test_a_rule_that_changes_in_the_configuration_is_followed(served: Any, until: Until, half: dict[str, str]) -> None:
    with served.serving() as loop:
        served.hand_in("ada")
        served.hand_in("ada", served.notebook(half))
        loop.wake()
        until(served.settled)
        assert check_points(served.course.gradebook_url, NAME, "two_functions") == {"ada": 3}
        served.configure('[serve]\ncounts = "best"\n')
        until(lambda: check_points(served.course.gradebook_url, NAME, "two_functions") == {"ada": 4})
    served.configure('[serve]\ncounts = "last"\n')
    with served.serving():  # Also one that changed while the service did not run.
        until(lambda: check_points(served.course.gradebook_url, NAME, "two_functions") == {"ada": 3})


def test_a_gradebook_that_cannot_be_read_is_as_it_was(served: Any) -> None:
    write(served, NOW)
    before = granted.granted_in(served.course.gradebook_url)
    assert before[NAME].due is not None
    (served.root / "gradebook.db").write_bytes(b"no database, and longer than the header of one would be" * 20)
    assert granted.granted_in(served.course.gradebook_url) == before

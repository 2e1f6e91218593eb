"""Groups that hand in together: one upload counts for all members, in gradebook, board and limits."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autograder.collecting.records import groups_of
from autograder.gradebook.marks import check_points
from autograder.service.attempts import AttemptStore
from autograder.service.policy import policy_of

NAME = "00-two-functions"
Until = Callable[..., None]
ROSTER = "id,group\nada,Team 1\nbob,team 1\ncem,Team 2\ndan,\n"


@pytest.fixture
def together(served: Any) -> Any:
    (served.root / "students.csv").write_text(ROSTER)
    served.configure("[serve]\ngroups = true\n")
    return served


def hand_in(served: Any, student: str, content: bytes | None = None) -> Any:
    return served.hand_in(student, content, members=policy_of(served.course, NAME).members(student))


def grades(served: Any) -> dict[str, float]:
    return check_points(served.course.gradebook_url, NAME, "two_functions")


def test_the_roster_says_who_hands_in_together(together: Any) -> None:
    policy = policy_of(together.course, NAME)
    assert policy.members("ada") == ["bob"]
    assert policy.members("cem") == []
    assert policy.members("dan") == []
    assert policy.members("nobody") == []


def test_an_assignment_can_differ_from_the_course(together: Any) -> None:
    together.configure(f"[serve]\ngroups = true\n[assignments.{NAME}]\ngroups = false\n")
    assert policy_of(together.course, NAME).members("ada") == []


def test_what_one_member_hands_in_counts_for_all_and_is_graded_once(together: Any, until: Until) -> None:
    with together.serving() as loop:
        hand_in(together, "ada")
        loop.wake()
        until(together.settled)
        until(lambda: not loop.troubles())
        until((together.root / "leaderboard" / f"{NAME}.json").exists)
        assert next(loop._numbers) == 1
    assert grades(together) == {"ada": 4, "bob": 4}
    assert together.placed("bob") == together.placed("ada")
    (bobs,) = together.store.of_student("bob")
    assert (bobs.handed_by, bobs.source) == ("ada", "group")
    assert groups_of(together.course, NAME) == {"ada": ("ada", "bob"), "bob": ("ada", "bob")}
    board = json.loads((together.root / "leaderboard" / f"{NAME}.json").read_text())
    assert board["ranked"] == 2


def test_members_share_attempts_and_limits(together: Any) -> None:
    hand_in(together, "ada")
    policy = policy_of(together.course, NAME)
    now = dt.datetime.now(dt.UTC)
    assert "pause" in policy.refusal("bob", together.store.of_student("bob"), now)
    assert policy.refusal("cem", together.store.of_student("cem"), now) == ""


def test_a_choice_is_the_groups(together: Any, until: Until, half: dict[str, str]) -> None:
    together.configure('[serve]\ngroups = true\ncounts = "chosen"\n')
    with together.serving() as loop:
        first = hand_in(together, "ada", together.notebook(half))
        hand_in(together, "bob")
        loop.wake()
        until(together.settled)
        assert grades(together) == {"ada": 4, "bob": 4}
        assert together.store.choose("ada", NAME, first.name)
        until(together.settled)
    assert grades(together) == {"ada": 3, "bob": 3}


def test_who_leaves_a_group_is_no_longer_noted_with_it(together: Any, until: Until, half: dict[str, str]) -> None:
    with together.serving() as loop:
        hand_in(together, "ada")
        loop.wake()
        until(together.settled)
        (together.root / "students.csv").write_text(ROSTER.replace("bob,team 1", "bob,"))
        hand_in(together, "bob", together.notebook(half))
        loop.wake()
        until(lambda: not together.store.waiting() and together.settled())
    assert grades(together) == {"ada": 4, "bob": 3}
    assert groups_of(together.course, NAME) == {}


def test_a_database_of_the_first_version_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "service.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE content (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL);"
            "CREATE TABLE attempt (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, "
            "ticket TEXT NOT NULL, student TEXT NOT NULL, assignment TEXT NOT NULL, at TEXT NOT NULL, "
            "source TEXT NOT NULL, file TEXT NOT NULL, digest TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '', "
            "points REAL NOT NULL DEFAULT 0, result_key TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', "
            "seconds REAL NOT NULL DEFAULT 0, done_at TEXT NOT NULL DEFAULT '', UNIQUE (student, assignment, ticket));"
            "INSERT INTO content VALUES ('d', x'7b7d');"
            "INSERT INTO attempt (name, ticket, student, assignment, at, source, file, digest) "
            "VALUES ('n', 't', 'ada', 'a', '2026-03-01T10:00:00+00:00', 'upload', 'a.ipynb', 'd');"
            "PRAGMA user_version = 1;"
        )
    (attempt,) = AttemptStore(path).of_student("ada")
    assert (attempt.name, attempt.handed_by) == ("n", "")
    assert AttemptStore(path).content(attempt) == b"{}"

"""The loop: from an attempt to gradebook, feedback and board, through kills at any moment."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, text

NAME = "00-two-functions"
Until = Callable[..., None]


def grades(served: Any) -> dict[str, float]:
    """For each student in the gradebook, the points by checks; fails where somebody has two grades for a check."""
    question = text(
        "SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade "
        "JOIN base_cell ON base_cell.id = grade.cell_id "
        "JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id "
        "JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"
    )
    engine = create_engine(served.course.gradebook_url)
    with engine.connect() as connection:
        rows = connection.execute(question).all()
    engine.dispose()
    assert len({row[:2] for row in rows}) == len(rows)
    found: dict[str, float] = {}
    for student, check, points in rows:
        found[student] = found.get(student, 0.0) + (points if check.startswith("check-") else 0.0)
    return found


def board(served: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((served.root / "leaderboard" / f"{NAME}.json").read_text())
    return found


def test_an_attempt_reaches_gradebook_feedback_and_board(served: Any, until: Until) -> None:
    with served.serving() as loop:
        taken = served.hand_in("ada")
        loop.wake()
        until(served.settled)
        until((served.root / "leaderboard" / f"{NAME}.json").exists)
    found = served.store.attempt(taken.name)
    assert (found.outcome, found.points) == ("graded", 4)
    assert grades(served) == {"ada": 4}
    assert (served.root / "feedback" / "ada" / NAME / "two_functions.html").exists()
    assert board(served)["ranked"] == 1
    stamp = (served.root / "submitted" / "ada" / NAME / "timestamp.txt").read_text()
    assert stamp == f"{taken.at:%Y-%m-%d %H:%M:%S.%f} UTC\n"


def test_a_file_that_is_no_notebook_is_told_and_leaves_the_rest(served: Any, until: Until) -> None:
    with served.serving() as loop:
        served.hand_in("ada", b"no notebook")
        served.hand_in("bob")
        loop.wake()
        until(served.settled)
    (broken,) = served.store.of_student("ada")
    assert broken.outcome == "unreadable"
    assert broken.reason.startswith("two_functions.ipynb")
    assert grades(served) == {"bob": 4}


def test_the_best_attempt_stays_when_a_worse_one_follows(served: Any, until: Until, half: dict[str, str]) -> None:
    served.configure('[serve]\ncounts = "best"\n')
    with served.serving() as loop:
        for code in (None, half):
            served.hand_in("ada", served.notebook(code))
            loop.wake()
            until(served.settled)
    assert [each.points for each in served.store.of_student("ada")] == [4, 3]
    assert grades(served) == {"ada": 4}
    assert served.placed("ada") == served.notebook()


def test_a_chosen_attempt_is_brought_back(served: Any, until: Until, half: dict[str, str]) -> None:
    served.configure('[serve]\ncounts = "chosen"\n')
    with served.serving() as loop:
        first, _ = served.hand_in("ada", served.notebook(half)), served.hand_in("ada")
        loop.wake()
        until(served.settled)
        assert grades(served) == {"ada": 4}
        served.store.choose("ada", NAME, first.name)
        until(served.settled)
    assert grades(served) == {"ada": 3}


def test_what_the_machinery_fails_on_is_never_a_zero_and_can_be_tried_again(
    served: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    repaired = served.root / "repaired"
    monkeypatch.setenv("REPAIRED", str(repaired))
    with served.serving() as loop:
        taken = served.hand_in("ada", served.notebook(remark="machinery"))
        loop.wake()
        until(lambda: served.store.failed())
        assert not served.store.duties()
        repaired.touch()
        served.store.try_again(taken.name)
        until(served.settled)
    assert grades(served) == {"ada": 4}


def test_while_an_assignment_cannot_be_read_its_attempts_wait(served: Any, until: Until) -> None:
    source = next((served.root / "solutions" / NAME).glob("*.ipynb"))
    content = source.read_bytes()
    source.write_text("{")
    with served.serving() as loop:
        served.hand_in("ada")
        loop.wake()
        until(lambda: ("", NAME) in loop.troubles())
        assert len(served.store.waiting()) == 1
        source.write_bytes(content)
        until(served.settled)
        until(lambda: not loop.troubles())
    assert grades(served) == {"ada": 4}


def test_what_lies_under_submitted_is_taken_in_with_its_own_time(served: Any, until: Until) -> None:
    folder = served.root / "submitted" / "ada" / NAME
    folder.mkdir(parents=True)
    (folder / "two_functions.ipynb").write_bytes(served.notebook())
    (folder / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    with served.serving():
        until(lambda: served.store.of_student("ada"))
        until(served.settled)
    (taken,) = served.store.of_student("ada")
    assert (taken.source, taken.at) == ("submitted", dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC))
    assert (folder / "timestamp.txt").read_text() == "2026-03-01 10:00:00 UTC"
    assert grades(served) == {"ada": 4}


def test_a_file_that_somebody_puts_there_is_not_lost_to_an_older_attempt(
    served: Any, until: Until, half: dict[str, str]
) -> None:
    served.hand_in("ada")
    folder = served.root / "submitted" / "ada" / NAME
    folder.mkdir(parents=True)
    (folder / "two_functions.ipynb").write_bytes(served.notebook(half))
    with served.serving():
        until(lambda: len(served.store.of_student("ada")) == 2)
        until(served.settled)
    assert {each.source for each in served.store.of_student("ada")} == {"upload", "submitted"}


@pytest.mark.slow
def test_a_board_freezes_when_the_assignment_closes(served: Any, until: Until) -> None:
    closes = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=4)
    served.configure(f"[assignments.{NAME}]\ncloses = {closes.isoformat()}\n")
    with served.serving() as loop:
        served.hand_in("ada")
        loop.wake()
        until((served.root / "leaderboard" / f"{NAME}.json").exists)
        until(lambda: board(served).get("phase") == "final")


def test_the_log_has_every_attempt_that_counted(served: Any, until: Until, half: dict[str, str]) -> None:
    with served.serving() as loop:
        for code in (half, None, half):
            served.hand_in("ada", served.notebook(code, remark=str(code)))
            loop.wake()
            until(lambda: not served.store.waiting())
        until(served.settled)
        until(lambda: not loop.troubles())
    log = served.course.results / "boards" / f"{NAME}.jsonl"
    until(log.exists)
    assert log.read_text().count('"score"') >= 3


def test_something_that_runs_long_holds_nobody_up(served: Any) -> None:
    loop = served.loop()
    loop._slots = 4
    loop._running = {n: (served.hand_in(f"s{n}"), "", time.monotonic() - 60) for n in range(2)}
    begun: list[str] = []
    loop._begin_one = lambda attempt: begun.append(attempt.student)
    served.hand_in("ada")
    loop._begin()
    assert begun == ["ada"]


def test_an_estimate_follows_the_pace_at_which_waiting_attempts_are_finished(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, now = served.loop(), 0.0
    assert loop.estimate(8) == 8 * 0.5 / 2
    monkeypatch.setattr("autograder.service.grading_loop.time.monotonic", lambda: now)
    finished = [(0, True), (3, True), (6, True), (9, False), (500, True), (503, True), (506, False), (900, False)]
    for now, others_wait in finished:  # noqa: B007 -- what the clock shows
        loop._note_pace(others_wait)
    assert loop.estimate(6) == 18  # The hours in which nobody waited are no pace.


PROGRAM = """
import sys
from functools import partial
from pathlib import Path
from autograder.course import Course
from autograder.engine.executor import LocalWorkers
from autograder.engine.worker import Options
from autograder.service.attempts import AttemptStore
from autograder.service.grading_loop import GradingLoop
course = Course.find(sys.argv[1])
store = AttemptStore(course.results / "service.db")
make = partial(LocalWorkers, 2, Options(grader="engine_standins:Instant"))
loop = GradingLoop(course, store, make, active=2)
loop.start()
print("started", flush=True)
sys.stdin.read()
"""


def killed_after(served: Any, seconds: float) -> None:
    """Run the loop in a process of its own and kill it like a power cut would."""
    command = [sys.executable, "-c", PROGRAM, str(served.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_kill_at_any_moment_loses_nothing_and_doubles_nothing(
    served: Any, until: Until, half: dict[str, str]
) -> None:
    dice, expected = random.Random(23), {}
    for number in range(12):
        for attempt in range(2):
            code = None if (number + attempt) % 2 else half
            served.hand_in(f"s{number}", served.notebook(code, remark=f"{number} {attempt}"))
            expected[f"s{number}"] = 4 if code is None else 3
    for _ in range(4):
        killed_after(served, dice.uniform(0.5, 3.0))
    with served.serving() as loop:
        until(served.settled, 300)
        until(lambda: not loop.troubles())
    assert grades(served) == expected
    attempts = [each for name in expected for each in served.store.of_student(name)]
    assert len(attempts) == 24
    assert {each.outcome for each in attempts} == {"graded"}

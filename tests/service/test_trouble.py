"""A full disk, a folder that cannot be written, an assignment that is renamed, a clock that jumps: nothing is lost."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from autograder.gradebook.marks import check_points
from autograder.service.attempts import HandIn
from autograder.service.policy import Policy

NAME = "00-two-functions"
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
Until = Callable[..., None]

FULL = """
import contextlib, datetime as dt, os, sys, time
from functools import partial
from pathlib import Path
from autograder.course import Course
from autograder.engine.executor import LocalWorkers
from autograder.engine.worker import Options
from autograder.errors import MachineryError
from autograder.service.attempts import AttemptStore
from autograder.service.grading_loop import GradingLoop

NAME = "00-two-functions"
course = Course.find(sys.argv[1])
results, right = course.results, Path(sys.argv[2]).read_bytes()
(results / "ballast").write_bytes(bytes(1 << 20))
store = AttemptStore(results / "service.db")

def hand_in(student, content):
    return store.hand_in(student, NAME, content, file="two_functions.ipynb", at=dt.datetime.now(dt.UTC))

taken = {hand_in("ada", right).name: right}
said = ""
for number in range(500):
    content = os.urandom(30_000)
    try:
        taken[hand_in(f"s{number}", content).name] = content
    except MachineryError as error:
        said = str(error)
        break
assert "Free space" in said, said
with contextlib.suppress(OSError), (results / "rest").open("ab", buffering=0) as rest:
    while True:
        rest.write(bytes(100))
fresh = AttemptStore(results / "service.db")
assert {each.name: fresh.content(each) for each in fresh.waiting()} == taken, "not all that was acknowledged is there"
loop = GradingLoop(course, store, partial(LocalWorkers, 1, Options(grader="engine_standins:Instant")), active=1)
loop.start()
end = time.monotonic() + 60
while not loop.failure:
    assert time.monotonic() < end, "a full disk was not noticed"
    time.sleep(0.05)
assert store.waiting(), "graded on a full disk"
for name in ("ballast", "rest"):
    (results / name).unlink()
hand_in("bob", right)
while store.waiting() or store.duties() or loop.failure:
    assert time.monotonic() < end + 60, (len(store.waiting()), store.duties(), loop.failure)
    time.sleep(0.05)
outcomes = {each.name: each.outcome for student in ["ada", "bob"] for each in store.of_student(student)}
assert list(outcomes.values()) == ["graded", "graded"], outcomes
loop.stop()
print("nothing was lost")
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing_that_it_took(served: Any) -> None:
    (served.root / "right.ipynb").write_bytes(served.notebook())
    shutil.rmtree(served.course.results)
    small_disk = ["--dev-bind", "/", "/", "--size", str(3 << 20), "--tmpfs", str(served.course.results)]
    program = [sys.executable, "-c", FULL, str(served.root), str(served.root / "right.ipynb")]
    done = subprocess.run(["bwrap", *small_disk, *program], capture_output=True, text=True, check=False, timeout=200)
    assert done.stdout == "nothing was lost\n", done.stderr[-3000:]


def grades(served: Any) -> dict[str, float]:
    return check_points(served.course.gradebook_url, NAME, "two_functions")


def test_a_folder_that_cannot_be_written_holds_up_its_student_alone(
    served: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.service.grading_loop._AGAIN_SECONDS", 0.5)
    (served.root / "submitted").mkdir()
    (served.root / "submitted" / "ada").write_text("not a folder")
    with served.serving() as loop:
        served.hand_in("ada")
        served.hand_in("bob")
        loop.wake()
        until(lambda: not served.store.waiting() and [each.student for each in served.store.duties()] == ["ada"])
        until(lambda: ("ada", NAME) in loop.troubles())
        assert grades(served) == {"bob": 4}
        (served.root / "submitted" / "ada").unlink()
        until(served.settled)
        until(lambda: not loop.troubles())
    assert grades(served) == {"ada": 4, "bob": 4}


def test_while_an_assignment_is_renamed_its_attempts_wait_and_all_others_go_on(served: Any, until: Until) -> None:
    folder = served.root / "solutions" / NAME
    other = folder.with_name("01-renamed")
    with served.serving() as loop:
        served.hand_in("ada")
        loop.wake()
        until(served.settled)
        folder.rename(other)
        served.hand_in("bob")
        until(lambda: ("", NAME) in loop.troubles())
        taken = served.store.hand_in("cem", other.name, served.notebook(), file="two_functions.ipynb", at=NOW)
        until(lambda: served.store.attempt(taken.name).outcome == "graded")
        assert [each.student for each in served.store.waiting()] == ["bob"]
        assert loop.failure == ""
        until(lambda: loop.is_quiet)
        other.rename(folder)
        until(lambda: not served.store.waiting())
        until(lambda: grades(served) == {"ada": 4, "bob": 4})


def attempt(number: int, at: dt.datetime, source: str = "upload") -> HandIn:
    return HandIn(number, f"n{number}", "ada", NAME, at, source, "a.ipynb", "d", "graded")


def test_the_last_upload_counts_also_where_the_clock_was_set_back_before_it(served: Any) -> None:
    back = [attempt(1, NOW), attempt(2, NOW - dt.timedelta(hours=1))]
    assert Policy(served.course, NAME).counting("ada", back).number == 2  # type: ignore[union-attr]


def test_what_was_collected_counts_by_its_own_time(served: Any) -> None:
    late = [attempt(1, NOW), attempt(2, NOW - dt.timedelta(hours=1), "submitted")]
    assert Policy(served.course, NAME).counting("ada", late).number == 1  # type: ignore[union-attr]


def test_a_clock_that_ran_ahead_and_was_set_right_keeps_nobody_waiting(served: Any) -> None:
    ahead = [attempt(1, NOW + dt.timedelta(days=400))]
    assert Policy(served.course, NAME).refusal("ada", ahead, NOW) == ""

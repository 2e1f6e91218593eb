"""Rehearsals of entries to the challenge: no attempt, one at a time, within limits, through the service's end."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.course import Course
from autograder.demo.class_maker import answer_exercises, notebook_as_bytes, solutions
from autograder.errors import ServiceError
from autograder.service.attempts import AttemptStore
from autograder.service.rehearsals import Rehearsals

ROOT = Path(__file__).parents[2]
NAME = "00-two-functions"
CHALLENGE = "07-challenge"
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
Until = Callable[..., None]
TELLS = "import json, pathlib, sys; print(json.dumps(['right', pathlib.Path(sys.argv[2]).read_text(), sys.argv[2]]))"
HANGS = "import pathlib, sys, time; pathlib.Path(sys.argv[1], 'begun').touch(); time.sleep(600)"
FAILS = "import sys; sys.exit('no sandbox here')"


def rehearsals(served: Any, program: str = TELLS, quiet: Callable[[], bool] = lambda: True) -> Rehearsals:
    return Rehearsals(lambda: served.course, served.store, quiet, command=[sys.executable, "-c", program])


@contextmanager
def running(found: Rehearsals) -> Iterator[Rehearsals]:
    found.start()
    try:
        yield found
    finally:
        found.stop()


def outcomes(served: Any, student: str = "ada") -> list[str]:
    return [each.outcome for each in rehearsals(served).of_student(student, NAME)]


def test_a_rehearsal_tells_what_the_program_says_and_is_no_attempt(served: Any, until: Until) -> None:
    with running(rehearsals(served)) as found:
        found.take("ada", NAME, b"{my entry}", "mine.ipynb", NOW)
        until(lambda: outcomes(served) == ["done"])
    (one,) = found.of_student("ada", NAME)
    assert one.said.splitlines() == ["right", "{my entry}", "mine.ipynb"]
    assert found.of_student("bob", NAME) == []
    assert served.store.of_student("ada") == []
    assert served.store.duties() == []


def test_while_somebody_waits_for_a_grade_none_is_begun(served: Any, until: Until) -> None:
    quiet: list[bool] = []
    with running(rehearsals(served, quiet=lambda: bool(quiet))) as found:
        found.take("ada", NAME, b"{}", "a.ipynb", NOW)
        found._ended.wait(1.2)
        assert [each.begun for each in found.of_student("ada", NAME)] == [0]
        quiet.append(True)
        until(lambda: outcomes(served) == ["done"])


def test_what_the_end_of_the_service_cuts_short_is_begun_again(served: Any, until: Until) -> None:
    with running(rehearsals(served, HANGS)) as found:
        found.take("ada", NAME, b"{}", "a.ipynb", NOW)
        until((served.root / "begun").exists)
    assert outcomes(served) == [""]
    with running(rehearsals(served)):
        until(lambda: outcomes(served) == ["done"])


def test_what_cannot_be_run_is_told_and_tried_no_third_time(served: Any, until: Until) -> None:
    with running(rehearsals(served, FAILS)) as found:
        found.take("ada", NAME, b"{}", "a.ipynb", NOW)
        until(lambda: outcomes(served) == ["failed"])
    assert "no fault of yours" in found.failed()[0].said
    for _ in range(3):
        with served.store.changing() as database:
            database.execute("UPDATE rehearsal SET outcome = '', begun = 2")
    with running(rehearsals(served)):
        until(lambda: outcomes(served) == ["failed"])


def test_the_limits_of_a_day(served: Any) -> None:
    served.configure("[serve]\nrehearsals_per_day = 2\n")
    found = rehearsals(served)
    found.take("ada", NAME, b"{}", "a.ipynb", NOW)
    with pytest.raises(ServiceError, match="has not ended"):
        found.take("ada", NAME, b"{}", "a.ipynb", NOW)
    for number in range(2):
        with served.store.changing() as database:
            database.execute("UPDATE rehearsal SET outcome = 'done'")
        if not number:
            found.take("ada", NAME, b"{}", "a.ipynb", NOW)
    with pytest.raises(ServiceError, match="2 of 2 for today"):
        found.take("ada", NAME, b"{}", "a.ipynb", NOW)
    found.take("ada", NAME, b"{}", "a.ipynb", NOW + dt.timedelta(days=1))


def test_a_course_can_leave_them_out_and_none_is_taken_once_it_is_closed(served: Any) -> None:
    found = rehearsals(served)
    served.configure("[serve]\nrehearsals_per_day = 0\n")
    with pytest.raises(ServiceError, match="offers no rehearsals"):
        found.take("ada", NAME, b"{}", "a.ipynb", NOW)
    served.configure(f"[assignments.{NAME}]\ncloses = 2026-02-01T00:00:00Z\n")
    with pytest.raises(ServiceError, match="closed"):
        found.take("ada", NAME, b"{}", "a.ipynb", NOW)


QUICK = "import torch\n\ndef train(model, images, labels, seed):\n    torch.manual_seed(seed)\n"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_real_program_says_what_the_grader_would_print(tmp_path: Path, until: Until) -> None:
    where = {name: os.path.relpath(ROOT / path, tmp_path) for name, path in
             (("source", "solutions"), ("release", "notebooks"), ("data", "data/course"))}  # fmt: skip
    text = 'id = "small"\nfixed_secret = "small"\n[directories]\n'
    (tmp_path / "course.toml").write_text(text + "".join(f'{name} = "{path}"\n' for name, path in where.items()))
    course = Course.find(tmp_path)
    assignment, store = load_assignment(course, CHALLENGE), AttemptStore(course.results / "service.db")
    code = {**solutions(assignment), "train": QUICK}
    with running(Rehearsals(lambda: course, store, lambda: True)) as found:
        found.take("ada", CHALLENGE, notebook_as_bytes(answer_exercises(assignment, code, "Because.")), "e.ipynb", NOW)
        until(lambda: found.of_student("ada", CHALLENGE)[0].outcome, 240)
        found.take("bob", CHALLENGE, json.dumps({"cells": "none"}).encode(), "broken.ipynb", NOW)
        until(lambda: found.of_student("bob", CHALLENGE)[0].outcome, 120)
    said = found.of_student("ada", CHALLENGE)[0].said
    assert "changed validation pictures right" in said
    assert "Processor time" in said
    broken = found.of_student("bob", CHALLENGE)[0]
    assert broken.outcome == "done"
    assert broken.said.startswith("broken.ipynb")
    assert "/tmp" not in broken.said

"""Several assignments are graded by the same workers, which are started when needed and stopped at the end."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from autograder.authoring.build import build_course
from autograder.engine import api
from autograder.engine.api import grade_assignments
from autograder.engine.executor import Pool
from autograder.engine.grading_report import ClassReport
from autograder.engine.progress import Silent

if TYPE_CHECKING:
    from autograder.engine.worker import Bundle, Job, Reply
    from tests.engine.conftest import Class, Shared

NAMES = ("00-two-functions", "01-two-functions")


class Counted:
    """A mapper that counts how often it is closed."""

    slots = 1

    def __init__(self) -> None:
        self.closed = 0

    def submit(self, job: Job, bundle: Bundle) -> None:
        raise AssertionError("nothing is submitted here")

    def completed(self, seconds: float) -> list[Reply]:
        return []

    def close(self) -> None:
        self.closed += 1


def test_workers_are_made_once_and_closed_once() -> None:
    made: list[Counted] = []

    def make() -> Counted:
        made.append(Counted())
        return made[-1]

    with Pool(make) as pool:
        for _ in range(3):
            pool.lend().close()
        assert [one.closed for one in made] == [0]
    assert [one.closed for one in made] == [1]


def test_workers_that_nobody_needs_are_not_made() -> None:
    with Pool(lambda: pytest.fail("made")):
        pass


def twice(a_class: Class) -> None:
    """A second assignment beside the first, and a submission to each."""
    shutil.copytree(a_class.root / "solutions" / NAMES[0], a_class.root / "solutions" / NAMES[1])
    build_course(a_class.course)
    first = a_class.hand_in("ada")
    second = a_class.root / "submitted" / "ada" / NAMES[1] / first.name
    second.parent.mkdir(parents=True)
    shutil.copy(a_class.root / "notebooks" / NAMES[1] / first.name, second)


def test_assignments_are_graded_in_turn_with_the_same_workers(
    a_class: Class, instant: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice(a_class)
    made: list[object] = []
    monkeypatch.setattr(api, "LocalWorkers", lambda *options: made.append(options) or instant)
    reports = grade_assignments(a_class.course, NAMES, progress=Silent())
    assert [report.assignment for report in reports] == list(NAMES)
    assert [report.counts for report in reports] == [{"graded": 1}, {"graded": 1}]
    assert len(made) == 1


def test_what_comes_after_an_interruption_is_not_begun(a_class: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = ClassReport(NAMES[0], (), interrupted=True)
    monkeypatch.setattr(api, "grade_class", lambda *_, **__: stopped)
    assert grade_assignments(a_class.course, NAMES) == [stopped]

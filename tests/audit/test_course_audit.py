"""An audit's workers are made as grading's are."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.audit.course_audit import run_audit
from autograder.course import Course
from autograder.engine.worker import Options


class Made(Exception):
    """The workers would start now."""


def test_the_workers_know_where_the_challenge_s_hidden_pictures_are(monkeypatch: pytest.MonkeyPatch) -> None:
    course, seen = Course.find(Path(__file__)), []

    def make(workers: int | None, options: Options) -> None:
        seen.append(options)
        raise Made

    monkeypatch.setattr("autograder.audit.course_audit.LocalWorkers", make)
    with pytest.raises(Made):
        run_audit(course, ["07-challenge"], again=True)
    assert seen[0].hidden_data == str(course.hidden_data)

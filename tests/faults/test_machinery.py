"""What fails around the grader is not graded, with the reason, and tried again; it is never a zero."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autograder.engine.api import grade_class
from autograder.engine.grading_report import ClassReport
from autograder.engine.progress import Silent
from autograder.errors import GradebookError
from autograder.gradebook.store import Gradebook

if TYPE_CHECKING:
    from tests.faults.conftest import FaultyCourse, Shared

NAME = "00-two-functions"
RIGHT = {"double": "def double(x):\n    return x + x", "shift": "def shift(x):\n    return OFFSET + x"}


def graded(faulty: FaultyCourse, mapper: Shared) -> ClassReport:
    return grade_class(faulty.course, NAME, make_executor=lambda: mapper, progress=Silent())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=False).returncode
    ):
        pytest.skip("making a file system needs root and the right to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> Path:
    """Take all the space that is left in ``folder``."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as stream:
        for size in (1 << 16, 1 << 12, 1 << 8, 1):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                continue
    return path


def test_a_full_disk_loses_nothing(small_disk: Path, faulty: FaultyCourse, instant: Shared) -> None:
    students = faulty.hand_in_class(10)
    course = small_disk / "course"
    shutil.copytree(faulty.root, course)
    full = type(faulty).at(course)
    filler = fill(small_disk)
    with pytest.raises(GradebookError, match=r"(?i)space|full|written|cannot be"):
        graded(full, instant)
    assert not (course / "gradebook.db").exists() or full.totals() == {}
    filler.unlink()
    report = graded(full, instant)
    assert report.exit_code == 0
    assert sorted(full.totals()) == students
    graded(faulty, instant)
    assert full.grades() == faulty.grades()  # as where the disk was never full


def test_a_disk_that_fills_up_on_the_way_keeps_what_was_written(
    small_disk: Path, faulty: FaultyCourse, instant: Shared
) -> None:
    faulty.hand_in("first", json.dumps(faulty.notebook(RIGHT)).encode())
    course = small_disk / "course"
    shutil.copytree(faulty.root, course)
    full = type(faulty).at(course)
    assert graded(full, instant).exit_code == 0
    before = full.grades()
    full.hand_in("second", json.dumps(full.notebook({"double": RIGHT["double"]})).encode())
    filler = fill(small_disk)
    with pytest.raises(GradebookError):
        graded(full, instant)
    filler.unlink()
    assert full.grades() == before
    assert graded(full, instant).exit_code == 0
    assert full.totals() == {"first": 4.0, "second": 3.0}


def test_a_read_only_folder_is_named_and_costs_no_grade(
    small_disk: Path, faulty: FaultyCourse, instant: Shared
) -> None:
    faulty.hand_in("ada", json.dumps(faulty.notebook(RIGHT)).encode())
    folder = faulty.root / "feedback"
    folder.mkdir()
    subprocess.run(["mount", "--bind", small_disk, folder], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    try:
        with pytest.raises(GradebookError, match=r"feedback.*cannot be written"):
            graded(faulty, instant)
    finally:
        subprocess.run(["umount", folder], check=True)
    assert faulty.totals() in ({}, {"ada": 4.0})
    assert graded(faulty, instant).exit_code == 0
    assert faulty.totals() == {"ada": 4.0}
    assert list((faulty.root / "feedback").rglob("*.html"))


def test_a_locked_gradebook_is_waited_for_and_then_reported(
    faulty: FaultyCourse, instant: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.hand_in("first", json.dumps(faulty.notebook(RIGHT)).encode())
    assert graded(faulty, instant).exit_code == 0
    faulty.hand_in("second", json.dumps(faulty.notebook({})).encode())
    monkeypatch.setattr(Gradebook, "of", partial(Gradebook.of, patience=1.0))
    formgrader = sqlite3.connect(faulty.root / "gradebook.db", isolation_level=None)
    formgrader.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(GradebookError, match=r"locked by another program.*grade again"):
            graded(faulty, instant)
    finally:
        formgrader.rollback()
        formgrader.close()
    assert faulty.totals() == {"first": 4.0}
    report = graded(faulty, instant)
    assert {each.student: each.kind for each in report.submissions} == {"first": "stored", "second": "stored"}
    assert faulty.totals() == {"first": 4.0, "second": 0.0}


def test_a_clock_that_steps_back_changes_nothing(
    faulty: FaultyCourse, instant: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    students = faulty.hand_in_class(6)
    assert graded(faulty, instant).exit_code == 0
    before = faulty.left()
    past, now = 86_400.0, time.time
    monkeypatch.setattr(time, "time", lambda: now() - past)
    for student in students:
        path = faulty.root / "submitted" / student / NAME / "two_functions.ipynb"
        os.utime(path, (now() - 2 * past, now() - 2 * past))
    again = graded(faulty, instant)
    assert {each.kind for each in again.submissions} == {"stored"}
    assert faulty.left() == before
    faulty.hand_in("s01", json.dumps(faulty.notebook(RIGHT)).encode())  # handed in "before" the first
    assert graded(faulty, instant).exit_code == 0
    assert faulty.totals()["s01"] == 4.0


def test_a_submission_whose_worker_dies_every_time_is_not_graded_and_spares_the_rest(
    faulty: FaultyCourse, instant: Shared
) -> None:
    faulty.hand_in("ada", json.dumps(faulty.notebook(RIGHT)).encode())
    faulty.hand_in(
        "bob", json.dumps(faulty.notebook({"double": "machinery = 1\ndef double(x):\n    return x"})).encode()
    )
    report = graded(faulty, instant)
    told = {each.student: (each.kind, each.reason) for each in report.submissions}
    assert told["ada"][0] == "graded"
    assert told["bob"] == ("not graded", "the disk is full")
    assert report.exit_code == 3
    assert faulty.totals() == {"ada": 4.0}  # no zero for bob: no row at all

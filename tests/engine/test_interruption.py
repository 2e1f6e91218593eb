"""Stopping the grader, politely or not, at any instant loses, doubles and alters nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Class

NAME = "00-two-functions"
STUDENTS = 24
GRADE = """
import sys
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.executor import LocalWorkers
from autograder.engine.worker import Options
from autograder.engine.progress import PlainProgress
report = grade_class(
    Course.find(sys.argv[1]), "00-two-functions", progress=PlainProgress("run", sys.stdout, every=0.1),
    make_executor=lambda: LocalWorkers(2, Options(grader="engine_standins:Instant")),
)
sys.exit(report.exit_code)
"""


@pytest.fixture
def full_class(a_class: Class) -> Class:
    """Everybody right, each in words of their own."""
    for number in range(STUDENTS):
        code = f"# {number}\ndef double(x):\n    return x + x\n"
        a_class.hand_in(f"student-{number:02}", {"double": code})
    return a_class


def grader(a_class: Class) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", GRADE, str(a_class.root)], stdout=subprocess.PIPE, text=True)


def written(a_class: Class) -> int:
    return len(list((a_class.root / "feedback").glob("*/*/*.html")))


def wait_until_written(a_class: Class, count: int, process: subprocess.Popen[str]) -> None:
    while written(a_class) < count and process.poll() is None:
        time.sleep(0.005)


def descendants(process: int) -> list[int]:
    """The process ids of the children of ``process``, and of theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process:
            found += [int(path.parent.name), *descendants(int(path.parent.name))]
    return found


def test_killed_at_several_instants_it_still_ends_with_every_grade_once(full_class: Class) -> None:
    everyone = {f"student-{number:02}": 3.0 for number in range(STUDENTS)}
    for count in (0, 1, 17):
        process = grader(full_class)
        if count:
            wait_until_written(full_class, count, process)
        else:
            assert process.stdout is not None
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
    last = grader(full_class)
    last.communicate(timeout=120)
    assert last.returncode == 0
    assert full_class.totals() == everyone
    assert written(full_class) == STUDENTS


def test_control_c_stops_cleanly_and_a_second_run_goes_on(full_class: Class) -> None:
    process = grader(full_class)
    wait_until_written(full_class, 1, process)
    below = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again" in said
    assert "Traceback" not in said
    assert not [pid for pid in below if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110
    assert 0 < len(full_class.totals()) < STUDENTS
    second = grader(full_class)
    said, _ = second.communicate(timeout=120)
    assert second.returncode == 0
    assert "stored" in said
    assert full_class.totals() == {f"student-{number:02}": 3.0 for number in range(STUDENTS)}

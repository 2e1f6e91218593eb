"""Killing any part of the grader at any moment loses, doubles and alters no grade."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import FaultyCourse

STUDENTS = 15
VICTIMS = ("the grader", "the host of the workers", "a worker", "the warm process", "a student's process")


@pytest.fixture(scope="module")
def reference(make_course: Callable[[], FaultyCourse]) -> tuple[FaultyCourse, dict[str, Any], float]:
    """A course, what grading it without interruption leaves, and how long that took."""
    faulty = make_course()
    faulty.hand_in_class(STUDENTS)
    started = time.monotonic()
    assert faulty.grader().wait(timeout=200) == 0
    return faulty, faulty.left(), time.monotonic() - started


def below(process: int) -> dict[int, tuple[int, str]]:
    """The processes below ``process``: parent and command line of each."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found: dict[int, tuple[int, str]] = {}
    waiting = [process]
    while waiting:
        parent = waiting.pop()
        for child in [each for each, above in parents.items() if above == parent]:
            try:
                found[child] = (parent, Path(f"/proc/{child}/cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
            waiting.append(child)
    return found


def find(victim: str, grader: int) -> int | None:
    """A process of that kind below ``grader``, if there is one now."""
    known = below(grader)
    hosts = [pid for pid, (parent, line) in known.items() if "engine.host" in line and parent == grader]
    warm = [pid for pid, (_, line) in known.items() if "guest.forkserver" in line and "bwrap" not in line.split(" ")[0]]
    first_warm = [pid for pid in warm if known[pid][0] not in warm]
    candidates = {
        "the grader": [grader],
        "the host of the workers": hosts,
        "a worker": [pid for pid, (parent, line) in known.items() if parent in hosts and "engine.host" in line],
        "the warm process": first_warm,
        "a student's process": [pid for pid in warm if known[pid][0] in first_warm],
    }[victim]
    return candidates[0] if candidates else None


def kill_at(faulty: FaultyCourse, victim: str, moment: float) -> str:
    """Grade, kill ``victim`` after ``moment`` seconds, and grade on until all is done; what was really killed."""
    grader = faulty.grader()
    hit = wait_and_kill(grader, victim, moment)
    grader.wait(timeout=200)
    for _ in range(3):
        if grader.returncode == 0:
            return hit
        grader = faulty.grader()
        grader.wait(timeout=200)
    raise AssertionError(f"the class was not graded to the end after {victim} was killed at {moment:.2f} s")


def wait_and_kill(grader: subprocess.Popen[bytes], victim: str, moment: float) -> str:
    """Kill ``victim`` after ``moment`` seconds, or as soon as there is one; "nobody" if the grader ends before."""
    time.sleep(moment)
    until = time.monotonic() + 120.0
    while grader.poll() is None and time.monotonic() < until:
        pid = find(victim, grader.pid)
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            return victim
        time.sleep(0.01)
    return "nobody"


def killed_often(reference: tuple[FaultyCourse, dict[str, Any], float], times: int, seed: int) -> Counter[str]:
    """What was hit, ``times`` times. A moment that came too late to hit anything is drawn again, from an earlier part.

    How long grading takes varies with what else the machine does, so some moments must come too late.
    """
    faulty, undisturbed, seconds = reference
    rng = random.Random(seed)
    hits: Counter[str] = Counter()
    for number in range(times):
        victim, hit, latest = VICTIMS[number % len(VICTIMS)], "nobody", seconds
        while hit == "nobody" and latest > seconds / 20:
            faulty.forget()
            moment = rng.uniform(0.0, latest)
            hit = kill_at(faulty, victim, moment)
            assert faulty.left() == undisturbed, f"{victim} killed at {moment:.2f} s"
            latest = moment
        hits[hit] += 1
    return hits


@pytest.mark.timeout(900)
def test_a_kill_at_a_random_moment_changes_no_grade(
    reference: tuple[FaultyCourse, dict[str, Any], float], record_property: Any
) -> None:
    hits = killed_often(reference, len(VICTIMS), seed=1)
    record_property("killed", dict(hits))
    assert sum(hits.values()) - hits["nobody"] >= len(VICTIMS) - 1


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
def test_two_hundred_kills_change_no_grade(
    reference: tuple[FaultyCourse, dict[str, Any], float], record_property: Any
) -> None:
    hits = killed_often(reference, 200, seed=2)
    record_property("killed", dict(hits))
    assert all(hits[victim] > 10 for victim in VICTIMS)

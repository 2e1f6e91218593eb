"""The measurement of a program with all the processes that it starts: wall time, CPU time, peak memory.

:func:`parts_of` divides the figures that have an aim into their parts: a single submission, cold and warm, a regrade
after one changed test, and memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from autograder.errors import AutograderError

__all__ = ["PeerFailed", "ProcessUsage", "measure", "parts_of", "process_tree"]

_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY_SECONDS = 0.1
_MEMORY_EVERY = 10


class PeerFailed(AutograderError):
    """The failure of a program that was to be measured; holds the end of what it printed."""


@dataclass(frozen=True)
class ProcessUsage:
    """The resources that one run took.

    Attributes:
        answer: the JSON object that the program printed last.
        wall_seconds: from start to end.
        cpu_seconds: user and system time of all its processes.
        peak_mb: peak of the memory of all its processes, pages that they share counted once.
        by_program: CPU seconds by the role of each process.
        memory: now and then, seconds from the start and the memory of all its processes in MB, as for ``peak_mb``.
        memory_by_program: the memory by the role of each process, at the peak.
    """

    answer: dict[str, Any]
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    by_program: dict[str, float]
    memory: tuple[tuple[float, float], ...] = ()
    memory_by_program: dict[str, float] = field(default_factory=dict)


def measure(
    module: str, arguments: Sequence[str], *, folder: Path, python: str = sys.executable, seconds: float = 3600
) -> ProcessUsage:
    """Run ``python -P -m module arguments`` in ``folder`` and measure it.

    Raises:
        PeerFailed: it ended with an error, or took longer than ``seconds``.
    """
    started = time.perf_counter()
    command = [python, "-P", "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    watch = _Watch(process.pid)
    while process.poll() is None and time.perf_counter() - started < seconds:
        watch.look()
        try:
            process.wait(_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    wall = time.perf_counter() - started
    if process.poll() is None:
        process.kill()
    said, complaints = process.communicate()
    if process.returncode != 0:
        raise PeerFailed(f"{module} failed after {wall:.0f} s: {complaints[-2000:] or said[-2000:]}")
    answer = json.loads(said.strip().splitlines()[-1])
    memory = watch.memory_by_program
    return ProcessUsage(answer, wall, watch.cpu_seconds, watch.peak_mb, watch.by_program, tuple(watch.memory), memory)


class _Watch:
    """An observer of a process and its descendants, which looks now and then.

    A process's time is its own and that of the children it has waited for, so the sum over those alive only grows,
    until at the end whole trees are killed: the largest sum is what all of them used.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._looks = 0
        self.cpu_seconds = 0.0
        self.by_program: dict[str, float] = {}
        self.memory: list[tuple[float, float]] = []
        self.memory_by_program: dict[str, float] = {}
        self._began = time.perf_counter()

    @property
    def peak_mb(self) -> float:
        return max((mb for _, mb in self.memory), default=0.0)

    def look(self) -> None:
        tree = process_tree(self._root)
        used: dict[str, float] = {}
        for role, seconds in filter(None, map(_used, tree)):
            used[role] = used.get(role, 0.0) + seconds
        if sum(used.values()) >= self.cpu_seconds:
            self.cpu_seconds, self.by_program = sum(used.values()), used
        if self._looks % _MEMORY_EVERY == 0:
            held: dict[str, float] = {}
            for pid in tree:
                if (found := _used(pid)) is not None:
                    held[found[0]] = held.get(found[0], 0.0) + _proportional_mb(pid)
            if sum(held.values()) > self.peak_mb:
                self.memory_by_program = held
            self.memory.append((time.perf_counter() - self._began, sum(held.values())))
        self._looks += 1


def _used(pid: int) -> tuple[str, float] | None:
    """Return what a process is for, and the CPU seconds of it and of the children it waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    return _role(command), sum(map(int, fields[11:15])) / _TICKS


def _role(command: str) -> str:
    for word, role in (("forkserver", "student side"), ("engine.host", "trusted side"), ("ipykernel", "kernel")):
        if word in command:
            return role
    return "driver"


def process_tree(root: int) -> list[int]:
    """Return ``root`` and all its descendants that live now."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _proportional_mb(pid: int) -> float:
    """Return the memory of a process in MB, each shared page divided by how many share it."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


# ---- the parts of what has an aim

_WORKER = ("process", "student", "visible", "hidden", "diagnosis")
_WRITING = ("database", "conversion", "feedback")

Parts = dict[str, float]


def parts_of(
    single: Sequence[ProcessUsage], warm: Sequence[ProcessUsage], again: Sequence[ProcessUsage], size: int
) -> dict[str, Any]:
    """Return the figures, each a median over rounds.

    Args:
        single: runs with one submission, from a cold start.
        warm: runs in which workers were kept from one submission to the next.
        again: runs of a class that was then graded again after one test changed.
        size: the number of submissions in that class.
    """
    figures: dict[str, Any] = {}
    if single:
        figures["single_parts"] = _medians([_cold(each) for each in single])
        figures["memory_mb_by_program"] = _medians([each.memory_by_program for each in single])
    if warm and "phases" in warm[0].answer["warm"]:
        figures["warm_parts"] = _medians([_phases(each.answer["warm"]) for each in warm])
        figures["warm_over_students_code_seconds"] = round(median(_over(each) for each in warm), 3)
    if again and "phases" in again[0].answer["one_test"]:
        figures["regrade_ms_per_submission"] = _medians(
            [{part: 1000 * spent / size for part, spent in _split(each).items()} for each in again], 1
        )
    return figures


def _cold(each: ProcessUsage) -> Parts:
    """Return the seconds of a run with one submission, by what they went to."""
    first = each.answer["first"]
    worker, writing = _sum(first["phases"], _WORKER), _sum(first["phases"], _WRITING)
    return {
        "the command starts": each.wall_seconds - first["seconds"],
        "workers start": first["start_seconds"] - worker,
        "it is graded": worker,
        "it is written": writing,
        "the rest": first["seconds"] - first["start_seconds"] - writing,
    }


def _phases(report: Mapping[str, Any]) -> Parts:
    spent = {name: report["phases"].get(name, 0.0) for name in (*_WORKER, *_WRITING)}
    return {**spent, "rest": report["seconds"] - sum(spent.values())}


def _split(each: ProcessUsage) -> Parts:
    phases = each.answer["one_test"]["phases"]
    return {name: phases.get(name, 0.0) for name in (*_WORKER, *_WRITING)}


def _over(each: ProcessUsage) -> float:
    report = each.answer["warm"]
    return float(report["seconds"] - report["phases"].get("student", 0.0))


def _sum(phases: Mapping[str, float], names: Sequence[str]) -> float:
    return sum(phases.get(name, 0.0) for name in names)


def _medians(runs: Sequence[Mapping[str, float]], digits: int = 3) -> Parts:
    keys = dict.fromkeys(key for each in runs for key in each)
    return {key: round(median(each.get(key, 0.0) for each in runs), digits) for key in keys}

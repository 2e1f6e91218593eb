"""The measurement of a program with all the processes that it starts: wall time, CPU time, peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import AutograderError

__all__ = ["ProcessUsage", "PeerFailed", "measure", "process_tree"]

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
    """

    answer: dict[str, Any]
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    by_program: dict[str, float]
    memory: tuple[tuple[float, float], ...] = ()


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
    return ProcessUsage(answer, wall, watch.cpu_seconds, watch.peak_mb, watch.by_program, tuple(watch.memory))


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
            self.memory.append((time.perf_counter() - self._began, sum(_proportional_mb(pid) for pid in tree)))
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

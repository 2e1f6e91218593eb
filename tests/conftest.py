"""What tests of several folders need."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from autograder.isolation import Worker


@pytest.fixture(scope="session")
def host_pid() -> Callable[[Worker], int]:
    """Tells a worker's process number outside the sandbox, for those who want to kill it."""
    return _host_pid


def _host_pid(worker: Worker) -> int:
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue
        numbers = lines.get("NSpid", "").split()
        if len(numbers) > 1 and int(numbers[-1]) == worker._number and _is_ours(int(numbers[0])):
            return int(numbers[0])
    raise LookupError("the worker is not running")


def _is_ours(pid: int) -> bool:
    """Whether a process descends from this test run."""
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return False

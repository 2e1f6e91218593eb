"""What tests of several folders need."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autograder.isolation.student_process import StudentProcess

ROOT = Path(__file__).resolve().parents[1]
USER = 54321
# What starts sandboxes for whole classes, browsers or other programs: not in `make quick`.
SLOW = (
    "attacks", "audit", "bench", "browser", "challenge", "demo", "faults", "test_docs.py", "test_environment.py",
    "test_walk_through.py", "authoring/test_skeleton.py", "engine/test_cluster.py", "engine/test_interruption.py",
    "grading/test_nbgrader_compat.py", "isolation/test_ordinary_user.py",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--at-most`` is given by `make quick`."""
    parser.addoption("--at-most", type=float, default=0.0, help="Seconds that a test that is not slow may take.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what lies in a slow folder or file."""
    for item in items:
        path = item.path.relative_to(ROOT / "tests").as_posix()
        if any(path == each or path.startswith(f"{each}/") for each in SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Fail a test that takes longer than ``--at-most``; a machine that is busy with other things is given more."""
    report = yield
    bound = item.config.getoption("--at-most") * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    if (
        call.when == "call"
        and bound
        and report.passed
        and not item.get_closest_marker("slow")
        and call.duration > bound
    ):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} took {call.duration:.1f} s, and {bound:.1f} s is the bound. Mark it slow."
    return report


MASK = os.umask(0)
os.umask(MASK)


@pytest.fixture(autouse=True)
def _umask_as_before() -> Iterator[None]:
    """Setting nbgrader up makes all later files of the process private, also those of the next tests."""
    os.umask(MASK)  # A fixture of a whole module may have changed it before this one.
    yield
    os.umask(MASK)


@pytest.fixture(scope="session")
def ordinary_user() -> int:
    """The number of a user who is nobody else here."""
    return USER


@pytest.fixture(scope="session")
def as_ordinary_user() -> Callable[[list[str]], list[str]]:
    """Turns a command into one that runs it as that user, who can then read Python and the repository anywhere."""
    return _as_ordinary_user


def _shut_folders(paths: list[Path]) -> set[Path]:
    """The outermost folders above these that other users may not pass."""
    above = (parent for path in paths for parent in reversed(path.parents))
    return {folder for folder in above if not folder.stat().st_mode & stat.S_IXOTH}


def _as_ordinary_user(command: list[str]) -> list[str]:
    needed = [Path(sys.prefix), Path(sys.base_prefix), ROOT]
    shut = _shut_folders(needed)
    words = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL", "--die-with-parent"]
    for folder in sorted(shut):
        words += ["--perms", "0755", "--tmpfs", str(folder)]
    for path in needed:
        inside = [parent for parent in reversed(path.parents) if any(parent.is_relative_to(f) for f in shut)]
        if inside:
            words += [word for parent in inside[1:] for word in ("--perms", "0755", "--dir", str(parent))]
            words += ["--ro-bind", str(path), str(path)]
    return [*words, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *command]


@pytest.fixture(scope="session")
def host_pid() -> Callable[[StudentProcess], int]:
    """Tells a worker's process number outside the sandbox, for those who want to kill it."""
    return _host_pid


def _host_pid(worker: StudentProcess) -> int:
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue
        numbers = lines.get("NSpid", "").split()
        # In a namespace of its own it is the first process; the warm process knows it by the number before that.
        numbered = numbers[:-1] if getattr(worker._supervisor, "shareable", False) and len(numbers) > 3 else numbers
        if len(numbers) > 1 and int(numbered[-1]) == worker._number and _is_ours(int(numbers[0])):
            return int(numbers[0])
    raise LookupError("the worker is not running")


def _is_ours(pid: int) -> bool:
    """Whether a process descends from this test run."""
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return False

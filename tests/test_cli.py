"""The command line as a whole; each command is tested with what it does."""

from __future__ import annotations

import subprocess
import sys

from autograder import __version__


def autograder(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_says_its_version() -> None:
    done = autograder("--version")
    assert (done.returncode, done.stdout) == (0, f"autograder {__version__}\n")


def test_without_a_command_it_lists_them() -> None:
    said = autograder().stdout
    assert all(command in said for command in ("grade", "audit", "leaderboard", "doctor", "collect"))


def test_an_unknown_command_is_refused_by_name() -> None:
    done = autograder("gradde")
    assert done.returncode == 2
    assert "gradde" in done.stderr

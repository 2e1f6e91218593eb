"""The sandbox holds for a grader who is not root: the attempts of test_lockdown, all again, as another user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Wrapping = Callable[[list[str]], list[str]]


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests already run as an ordinary user")
@pytest.mark.skipif(not (shutil.which("setpriv") and shutil.which("bwrap")), reason="needs setpriv and bwrap")
def test_every_attempt_fails_for_an_ordinary_user_too(as_ordinary_user: Wrapping, ordinary_user: int) -> None:
    tests = [str(ROOT / "tests/isolation/test_lockdown.py"), "-k", "not another_sandbox"]
    command = [sys.executable, "-B", "-m", "pytest", *tests, "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/", "PYTHONPATH": str(ROOT), "EXPECT_USER": str(ordinary_user)}
    done = subprocess.run(
        as_ordinary_user(command), capture_output=True, text=True, env=environment, cwd=ROOT, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout

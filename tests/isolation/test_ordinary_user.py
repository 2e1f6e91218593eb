"""The sandbox holds for a grader who is not root: the attempts of test_lockdown, all again, as another user."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USER = 54321


def shut_folders(paths: list[Path]) -> set[Path]:
    """The outermost folders above these that other users may not pass."""
    above = (parent for path in paths for parent in reversed(path.parents))
    return {folder for folder in above if not folder.stat().st_mode & stat.S_IXOTH}


def as_ordinary_user(command: list[str]) -> list[str]:
    """A command that runs another as `USER`, who then can read Python and the repository, wherever they are."""
    needed = [Path(sys.prefix), Path(sys.base_prefix), ROOT]
    shut = shut_folders(needed)
    words = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL", "--die-with-parent"]
    for folder in sorted(shut):
        words += ["--perms", "0755", "--tmpfs", str(folder)]
    for path in needed:
        inside = [parent for parent in reversed(path.parents) if any(parent.is_relative_to(f) for f in shut)]
        if inside:
            words += [word for parent in inside[1:] for word in ("--perms", "0755", "--dir", str(parent))]
            words += ["--ro-bind", str(path), str(path)]
    return [*words, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *command]


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests already run as an ordinary user")
@pytest.mark.skipif(not (shutil.which("setpriv") and shutil.which("bwrap")), reason="needs setpriv and bwrap")
def test_every_attempt_fails_for_an_ordinary_user_too(tmp_path: Path) -> None:
    tests = [str(ROOT / "tests/isolation/test_lockdown.py"), "-k", "not another_sandbox"]
    command = [sys.executable, "-B", "-m", "pytest", *tests, "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/", "PYTHONPATH": str(ROOT), "EXPECT_USER": str(USER)}
    done = subprocess.run(
        as_ordinary_user(command), capture_output=True, text=True, env=environment, cwd=ROOT, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout

"""A real JupyterLab and a real browser, both on loopback only, started and stopped by the tests."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.challenge.competition_results import FILE_NAME, ChallengeResult, append_result
from autograder.challenge.entries import pack
from autograder.course import Course
from autograder.leaderboard.publishing import board_of
from autograder.leaderboard.render.html_page import render_html

_START_SECONDS = 120.0
COMPETITION = """
id = "seen"
fixed_secret = "seen"
[assignments.07-challenge]
due = 2026-12-09T23:59:00Z
[[prizes]]
rank = 1
award = "automatic A+"
boards = ["challenge"]
[[prizes]]
ranks = [2, 3]
award = "grade bump"
boards = ["challenge"]
"""


class Jupyter:
    """A running JupyterLab."""

    def __init__(self, url: str, root: Path) -> None:
        self.url, self.root = url, root

    def ask(self, path: str) -> Any:
        """What the server's API says."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.load(answer)

    @property
    def is_idle(self) -> bool:
        """Whether no kernel is at work."""
        return all(kernel["execution_state"] == "idle" for kernel in self.ask("/api/kernels"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def jupyter_lab(root: Path, home: Path) -> Iterator[Jupyter]:
    """JupyterLab on ``root``, with settings and files of its own in ``home``."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    home.mkdir(parents=True, exist_ok=True)
    commands = str(Path(sys.executable).parent)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTEST"))},
        "HOME": str(home),
        "PATH": os.pathsep.join((commands, os.environ["PATH"])),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    with (home / "jupyter.log").open("wb") as log:
        server = subprocess.Popen(
            [
                str(Path(commands) / "jupyter"), "lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
                "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}", "--IdentityProvider.token=",
                "--ServerApp.disable_check_xsrf=True", "--allow-root", "--LabApp.news_url=None",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ],
            cwd=root, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_for(url, server, home / "jupyter.log")
            yield Jupyter(url, root)
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/api/status", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture(scope="session")
def competition(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The board of a competition of 40 entrants, some with several entries, in each of its phases, by phase."""
    root = tmp_path_factory.mktemp("competition")
    (root / "course.toml").write_text(COMPETITION, encoding="utf-8")
    course, rng, at = Course.find(root), np.random.default_rng(1), dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    ease = rng.normal(size=1000)
    for n in range(70):
        own = rng.normal(size=1000) * 0.4 + ease + 1 - n % 40 / 40 > 0
        result = ChallengeResult(
            entrant=f"s{n % 40:02}", at=at + dt.timedelta(hours=n), public=(pack(own[:500]),),
            private=(pack(own[500:]),), public_images=500, private_images=500,
        )  # fmt: skip
        append_result(course.results / FILE_NAME, result)
    failed = ChallengeResult(entrant="failed", at=at, status="failed", reason="train raised RuntimeError")
    append_result(course.results / FILE_NAME, failed)
    decided = board_of(course, "challenge", freeze_at=at + dt.timedelta(days=9))
    boards = {"public": board_of(course, "challenge"), "private": decided, "final": replace(decided, phase="final")}
    for phase, board in boards.items():
        (root / f"{phase}.html").write_text(render_html(board), encoding="utf-8")
    return {phase: root / f"{phase}.html" for phase in boards}


@contextmanager
def desk_at(course: Course) -> Iterator[str]:
    """The address that `autograder desk` prints; the desk runs meanwhile."""
    command = [sys.executable, "-m", "autograder", "desk", "--course", str(course.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.terminate()

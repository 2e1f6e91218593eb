"""Make the pictures in docs/images from the program itself: python tools/pictures.py [FOLDER]

FOLDER holds the sample class that ``autograder demo`` makes; it is made if it is not there, which takes minutes. Needs
Debian's chromium. Nothing but this machine is asked for anything.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
COMMANDS = Path(sys.executable).parent
ASSIGNMENT, NOTEBOOK, QUESTION = "01-convolution", "convolution", "answer-why-correlation"
STUDENT = "priya.pereira"
"""Has one misconception and the rest right: the page shows what feedback is for."""
LARGEST = 150_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
START_SECONDS = 300.0


def main() -> None:
    """Make every picture, and say how large it is."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "demo").resolve()
    if not (folder / "gradebook.db").is_file():
        subprocess.run([COMMANDS / "autograder", "demo", "--folder", folder], cwd=ROOT, check=True)
    subprocess.run(
        [COMMANDS / "autograder", "leaderboard", ASSIGNMENT, "--course", folder, "--format", "html"], check=True
    )
    subprocess.run([COMMANDS / "autograder", "report", ASSIGNMENT, "--course", folder], check=True)
    page = f"{ASSIGNMENT}/{NOTEBOOK}.html"
    with chromium() as browser:
        photograph(browser, "feedback", (folder / "feedback" / STUDENT / page).as_uri(), 760, 1000)
        photograph(browser, "feedback-phone", (folder / "feedback" / STUDENT / page).as_uri(), 390, 844)
        photograph(browser, "leaderboard", (folder / "leaderboard" / f"{ASSIGNMENT}.html").as_uri(), 1000, 760)
        photograph(browser, "report", (folder / "report.html").as_uri(), 1000, 1150)
        with desk(folder) as (url, key):
            photograph(browser, "desk", f"{url}{ASSIGNMENT}/{QUESTION}{key}", 1140, 560)
        with jupyter(folder) as url:
            photograph(
                browser, "formgrader", f"{url}/formgrader/manage_submissions/{ASSIGNMENT}", 1000, 560, "td.score"
            )


@contextmanager
def chromium() -> Iterator[Any]:
    """Debian's browser, without a window."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        sys.exit("Chromium is missing. Run: python3 tools/system_packages.py tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def photograph(browser: Any, name: str, url: str, width: int, height: int, awaited: str = "body") -> None:
    """Write ``docs/images/NAME.png``: the top of the page at ``url``, once the element ``awaited`` is there."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(START_SECONDS * 1000)
    page.goto(url)
    page.wait_for_selector(awaited)
    page.wait_for_timeout(500)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    page.close()
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size // 1000} kB{'' if size < LARGEST else ', too large'}")


@contextmanager
def desk(folder: Path) -> Iterator[tuple[str, str]]:
    """The desk on ``folder``; its address, and the key that goes with it."""
    command = [str(COMMANDS / "autograder"), "desk", "--course", str(folder)]
    environment = {**os.environ, "LOGNAME": "Ada"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        url, sign, key = server.stdout.readline().strip().partition("?")
        yield url, sign + key
        server.terminate()


@contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """JupyterLab on ``folder``, on this machine only; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options = [
        "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([COMMANDS / "jupyter", "lab", *options], cwd=folder, stdout=quiet, stderr=quiet)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/status")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    """Until ``url`` answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"{url} did not answer within {START_SECONDS:g} s.")


if __name__ == "__main__":
    main()

"""Make the pictures in docs/images from the program itself: python tools/pictures.py [--class FOLDER] [PICTURE …]

Makes those that are named, or all. FOLDER holds the sample class that ``autograder demo`` makes; it is made if it is
not there, which takes minutes. What a picture's description names has to be seen in it, or it is not made. Needs
Debian's chromium. Nothing but this machine is asked for anything.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
COMMANDS = Path(sys.executable).parent
ASSIGNMENT, NOTEBOOK, QUESTION = "01-convolution", "convolution", "answer-why-correlation"
STUDENT = "priya.pereira"
"""Has one misconception and the rest right: the page shows what feedback is for."""
LARGEST = 150_000
FRAME = "#8a94a3"
COLOURS = 128
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
START_SECONDS = 300.0


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Attributes:
        width, height: the size of the window.
        alt: its description, wherever it is shown.
        shows: what the description names, as selectors: each has to be wholly within the window.
    """

    width: int
    height: int
    alt: str
    shows: tuple[str, ...]


PICTURES = {
    "feedback": Picture(
        760, 1000,
        "A page of feedback: the total, a bar for each exercise, and the sentence that names the mistake in the one "
        "that lost points",
        (".total", "table.points tr:nth-child(2) meter", ".item .explanation"),
    ),
    "feedback-phone": Picture(
        390, 1060,
        "The same page of feedback on a phone: the total, and a bar for each exercise",
        (".total", "table.points tr:nth-child(2) meter"),
    ),
    "leaderboard": Picture(
        1000, 1150,
        "A published board: prizes, a histogram of the points, and the first ranks, which ties share",
        (".prizes", ".figures svg", "#standings tbody tr:nth-child(2) .tie"),
    ),
    "report": Picture(
        1000, 1150,
        "A class report: what to teach again, a histogram of the points, and a row with the share of the points for "
        "each exercise",
        (".again", ".histogram", "table.wide-only tr:nth-child(4) meter"),
    ),
    "desk": Picture(
        1140, 620,
        "The desk: one answer, and beside it the marking scheme and the field for its points",
        ("main",),
    ),
    "formgrader": Picture(
        1280, 560,
        "The formgrader's list of submissions to one assignment, with the score of each",
        ("td.score >> nth=0",),
    ),
    "serving": Picture(
        800, 1320,
        "A student's page of an assignment: the upload, attempts with their points, and the row on each board",
        ("#upload", "#attempts li:nth-child(3)", "#boards tbody tr"),
    ),
}  # fmt: skip


def main() -> None:
    """Make the pictures, and say how large each is."""
    parser = argparse.ArgumentParser(description="Make the pictures in docs/images from the program itself.")
    parser.add_argument("pictures", nargs="*", choices=[*PICTURES, []], metavar="PICTURE", help=", ".join(PICTURES))
    parser.add_argument("--class", dest="folder", type=Path, default=ROOT / "demo", help="the sample class")
    given = parser.parse_args()
    wanted, folder = given.pictures or list(PICTURES), given.folder.resolve()
    if set(wanted) != {"serving"}:
        sample_class(folder)
    with chromium() as browser:
        for name in wanted:
            with SCENES[name](folder, browser) as page:
                photograph(page, name)


def sample_class(folder: Path) -> None:
    """Make the sample class if it is not there, and its board and report anew."""
    if not (folder / "gradebook.db").is_file():
        subprocess.run([COMMANDS / "autograder", "demo", "--folder", folder], cwd=ROOT, check=True)
    for command in (["feedback"], ["leaderboard", "--format", "html"], ["report"]):
        line = [str(COMMANDS / "autograder"), command[0], ASSIGNMENT, "--course", str(folder), *command[1:]]
        ended = subprocess.run(line, stdout=subprocess.DEVNULL).returncode
        if ended not in (0, 3):  # 3: some of the class cannot be read, which is on purpose.
            sys.exit(f"{' '.join(line)} ended with {ended}.")


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


def opened(browser: Any, name: str, url: str) -> Any:
    """The page at ``url`` in a window of the picture's size."""
    page = browser.new_page(viewport={"width": PICTURES[name].width, "height": PICTURES[name].height})
    page.set_default_timeout(START_SECONDS * 1000)
    page.goto(url)
    return page


def photograph(page: Any, name: str) -> None:
    """Write ``docs/images/NAME.png``, framed, once all that its description names is seen."""
    for selector in PICTURES[name].shows:
        element = page.locator(selector).first
        element.wait_for()
        box = element.bounding_box()
        if box["y"] < 0 or box["y"] + min(box["height"], 60) > PICTURES[name].height:
            sys.exit(f"{name}: {selector} is not within the picture. Make it higher, or correct its description.")
    page.wait_for_timeout(500)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    ImageDraw.Draw(shot).rectangle((0, 0, shot.width - 1, shot.height - 1), outline=FRAME)
    path = IMAGES / f"{name}.png"
    shot.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size // 1000} kB{'' if size < LARGEST else ', too large'}", flush=True)


def file(name: str, place: str) -> Any:
    """The scene of a page that is a file of the class."""

    @contextmanager
    def scene(folder: Path, browser: Any) -> Iterator[Any]:
        yield opened(browser, name, (folder / place).as_uri())

    return scene


@contextmanager
def desk(folder: Path, browser: Any) -> Iterator[Any]:
    """The desk on the class, at the first answer to its question."""
    command = [str(COMMANDS / "autograder"), "desk", "--course", str(folder)]
    environment = {**os.environ, "LOGNAME": "Ada"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        url, sign, key = server.stdout.readline().strip().partition("?")
        yield opened(browser, "desk", f"{url}{ASSIGNMENT}/{QUESTION}{sign}{key}")
        server.terminate()


@contextmanager
def formgrader(folder: Path, browser: Any) -> Iterator[Any]:
    """The formgrader of nbgrader, in JupyterLab on the class."""
    port = free_port()
    options = [
        "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    with running([str(COMMANDS / "jupyter"), "lab", *options], folder, f"http://127.0.0.1:{port}/api/status"):
        address = f"http://127.0.0.1:{port}/formgrader/manage_submissions/{ASSIGNMENT}"
        yield opened(browser, "formgrader", address)


@contextmanager
def serving(_: Path, browser: Any) -> Iterator[Any]:
    """The service on a small class: Ada hands in one with a mistake, a PDF, and one that is right."""
    from autograder.authoring.assignment import load_assignment
    from autograder.course import Course
    from autograder.demo.class_maker import answer_exercises, notebook_as_bytes, solutions, with_answer

    assignment = load_assignment(Course.find(ROOT), ASSIGNMENT)
    right = solutions(assignment)
    wrong = with_answer(assignment, right, assignment.misconceptions[0])
    files = [notebook_as_bytes(answer_exercises(assignment, code, "Because.")) for code in (wrong, right)]
    with tempfile.TemporaryDirectory() as temporary:
        root, port = Path(temporary), free_port()
        small_class(root)
        url, program = f"http://127.0.0.1:{port}", str(COMMANDS / "autograder")
        subprocess.run(
            [program, "links", "--url", url, "--course", root], cwd=root, check=True, stdout=subprocess.DEVNULL
        )
        links = (root / "links.csv").read_text().splitlines()
        command = [program, "serve", "--port", str(port), "--workers", "1", "--course", str(root)]
        with running(command, root, f"{url}/"):
            hand_in(browser, links[2], [("convolution.ipynb", files[1])])
            yield hand_in(
                browser, links[1],
                [("convolution.ipynb", files[0]), ("convolution.pdf", b"%PDF-1.7"), ("convolution.ipynb", files[1])],
            )  # fmt: skip


def small_class(root: Path) -> None:
    """Write a course with the first assignment and two students."""
    due = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=5)
    (root / "course.toml").write_text(
        f'id = "cnn"\ntitle = "Convolutional neural networks"\n[assignments.{ASSIGNMENT}]\ndue = {due}T23:59:00Z\n'
        "[serve]\npause_minutes = 0\n"
    )
    (root / "students.csv").write_text("id,first_name,last_name\nada,Ada,L\nbob,Bob,M\n")
    (root / "data").symlink_to(ROOT / "data")
    shutil.copytree(ROOT / "solutions" / ASSIGNMENT, root / "solutions" / ASSIGNMENT)


def hand_in(browser: Any, line: str, files: list[tuple[str, bytes]]) -> Any:
    """Hand in files with the link in a line of links.csv, each when the one before has its outcome; the last page."""
    page = opened(browser, "serving", next(part for part in line.split(",") if part.startswith("http")))
    if page.locator("form button").count() and "/enter/" in page.url:
        page.locator("form button").first.click()
    page.goto(f"{page.url.partition('/enter/')[0].rstrip('/')}/assignments/{ASSIGNMENT}")
    for number, (name, content) in enumerate(files, 1):
        page.set_input_files("#notebook", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
        page.click("#upload button")
        done = "#attempts li[data-state='graded'], #attempts li[data-state='unreadable']"
        page.wait_for_function(
            "([done, number]) => document.querySelectorAll(done).length >= number", arg=[done, number]
        )
    page.wait_for_timeout(6000)  # Boards follow the gradebook.
    page.reload()
    return page


SCENES = {
    "feedback": file("feedback", f"feedback/{STUDENT}/{ASSIGNMENT}/{NOTEBOOK}.html"),
    "feedback-phone": file("feedback-phone", f"feedback/{STUDENT}/{ASSIGNMENT}/{NOTEBOOK}.html"),
    "leaderboard": file("leaderboard", f"leaderboard/{ASSIGNMENT}.html"),
    "report": file("report", "report.html"),
    "desk": desk,
    "formgrader": formgrader,
    "serving": serving,
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], folder: Path, url: str) -> Iterator[None]:
    """A server on this machine, until it answers at ``url`` and as long as it is needed."""
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet)
    try:
        wait_for(url)
        yield
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    """Until ``url`` answers, whatever it answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"{url} did not answer within {START_SECONDS:g} s.")


if __name__ == "__main__":
    main()

"""axe finds nothing on the pages that people get, light and dark: feedback, boards, report, likeness, documentation.

None is wider than the window, or than the paper that it is printed on.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.skeleton import new_course

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAME = "01-first-steps"
WRONG = "def running_total(values):\n    return np.cumsum(values[::-1])"
COMMANDS = (["grade", NAME, "--workers", "1"], ["leaderboard", NAME], ["leaderboard"], ["report"], ["similarity", NAME])


ROOT = Path(__file__).parents[2]
A4 = 718
"""The pixels across a sheet, between a browser's usual margins."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pages of the documentation's site: its first one, a tutorial, and the gallery."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [folder / "index.html", folder / "begin" / "assistant.html", folder / "gallery.html"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pages of a small class: one right, one wrong, one blank and one file that cannot be read."""
    root = tmp_path_factory.mktemp("course")
    new_course(root)
    for student, code in (("ada", ""), ("bob", WRONG), ("cem", None), ("dan", "damaged")):
        hand_in(root, student, code)
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "autograder", *command], cwd=root, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 3), done.stderr  # 3: the damaged file needs a look
    made = [*root.glob("feedback/*/*/*.html"), *root.glob("leaderboard/*.html"), *root.glob("*.html")]
    assert len(made) == 4 + 2 + 2
    return made


def hand_in(root: Path, student: str, code: str | None) -> None:
    path = root / "submitted" / student / NAME / "first_steps.ipynb"
    path.parent.mkdir(parents=True)
    kind = "solutions" if code == "" else "notebooks"
    notebook = json.loads((root / kind / NAME / "first_steps.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if code and cell["metadata"].get("nbgrader", {}).get("grade_id") == "running_total":
            cell["source"] = code
    path.write_text("{" if code == "damaged" else json.dumps(notebook), encoding="utf-8")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_is_wider_than_the_window(
    seen_by_axe: Callable[[Any], dict[str, Any]],
    pages: list[Path],
    competition: dict[str, Path],
    site: list[Path],
    chromium: Any,
    scheme: Any,
    width: int,
) -> None:
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    found, wide = {}, {}
    for path in [*pages, *competition.values(), *site]:
        page = context.new_page()
        page.goto(path.as_uri())
        wide[path.name] = page.evaluate("document.documentElement.scrollWidth")
        found |= {(path.name, rule): targets for rule, targets in seen_by_axe(page).items()}
        page.close()
    context.close()
    assert found == {}
    assert {name: pixels for name, pixels in wide.items() if pixels > width} == {}


def test_a_dark_page_is_printed_dark_on_white_and_fits_the_paper(
    pages: list[Path], competition: dict[str, Path], chromium: Any
) -> None:
    context = chromium.new_context(color_scheme="dark", viewport={"width": A4, "height": 1000})
    dark, wide = {}, {}
    for path in [*pages, *competition.values()]:
        page = context.new_page()
        page.goto(path.as_uri())
        page.emulate_media(media="print")
        ink, ground = page.evaluate(
            "[document.body].map(each => getComputedStyle(each)).flatMap(each => [each.color, each.backgroundColor])"
        )
        if brightness(ink) > 100 or brightness(ground) < 240:
            dark[path.name] = ink, ground
        wide[path.name] = page.evaluate("document.documentElement.scrollWidth")
        page.close()
    context.close()
    assert dark == {}
    assert {name: pixels for name, pixels in wide.items() if pixels > A4} == {}


def brightness(colour: str) -> float:
    """The mean of red, green and blue in what a browser reports as ``rgb(28, 36, 48)``."""
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3

"""What people open of hostile submissions, in a real browser: no script runs, nothing is fetched, no way leads out."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbconvert.exporters import HTMLExporter
from playwright.sync_api import Browser, sync_playwright
from traitlets.config import Config

from autograder.audit.attacks.campaign import catalogue_folder
from autograder.audit.attacks.catalogue import Attack, Traps, load_catalogue
from autograder.audit.weaknesses import submission_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.gradebook.feedback import feedback_page
from autograder.gradebook.graded_notebooks import build_autograded
from autograder.gradebook.preprocessors import ShowSafely
from autograder.grading.grade import grade_submission
from autograder.isolation.sandbox import Sandbox
from autograder.leaderboard.board import BoardEntry
from autograder.leaderboard.ranking import standings
from autograder.leaderboard.render.html_page import render_html

ROOT = Path(__file__).resolve().parents[2]
NAME = "01-convolution"
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
SHOWN = ("html", "markup", "_output", "svg", "active", "attachments")
HOSTILE = [
    attack
    for attack in load_catalogue(catalogue_folder())
    if attack.kind == "people" and any(word in attack.name for word in SHOWN)
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return load_assignment(Course.find(ROOT), NAME)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(readable=[Course.find(ROOT).data]) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


WATCH = """
window.__ran = [];
for (const name of ['alert', 'confirm', 'prompt', 'open', 'fetch']) window[name] = () => window.__ran.push(name);
"""


def opened(browser: Browser, page_text: str, path: Path) -> dict[str, Any]:
    """What happened when the page was opened: scripts that ran, addresses asked for, links out, and its title."""
    path.write_text(page_text, encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(WATCH)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_timeout(150)
    hrefs = page.eval_on_selector_all("a[href], form, iframe, object, embed", "all => all.map(e => e.outerHTML)")
    seen = {
        "ran": page.evaluate("window.__ran"),
        "title": page.title(),
        "asked": [url for url in asked if not url.startswith(("data:", path.as_uri()))],
        "ways out": [text for text in hrefs if 'href="#' not in text],
        "handlers": page.evaluate(
            "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
            ".filter(a => a.name.startsWith('on')).length"
        ),
    }
    context.close()
    return seen


HARMLESS = {"ran": [], "asked": [], "ways out": [], "handlers": 0}


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda attack: attack.name)
def test_feedback_and_graded_notebook_of_a_hostile_submission_run_nothing(
    attack: Attack, assignment: Assignment, sandbox: Sandbox, browser: Browser, tmp_path: Path
) -> None:
    notebook = attack.handed_in(assignment, Traps())
    assert isinstance(notebook, dict)
    submission = submission_of(notebook, assignment)
    result = grade_submission(submission, assignment, sandbox, Course.find(ROOT).secret)
    page = feedback_page(assignment, submission, result, student=attack.student)
    seen = opened(browser, page, tmp_path / "feedback.html")
    seen["ways out"] = [way for way in seen["ways out"] if not any(link in way for link in own_links(assignment))]
    assert {key: seen[key] for key in HARMLESS} == HARMLESS
    assert seen["title"].startswith("Feedback")
    shown = as_the_formgrader_shows(build_autograded(assignment, submission, result))
    seen = opened(browser, shown, tmp_path / "graded.html")
    assert seen["ran"] == []
    assert seen["title"] != "broken"
    assert not [way for way in seen["ways out"] if "example.org" in way or "javascript:" in way or "<form" in way]
    assert not [url for url in seen["asked"] if "example.org" in url or url.endswith("/x")]


def own_links(assignment: Assignment) -> set[str]:
    """The links of the course's own text, as an element begins with them: these stay links."""
    text = "\n".join(cell.source for cell in assignment.cells if cell.kind == "prose")
    return {f'<a href="{address}"' for address in re.findall(r"\]\((https?://[^)\s]+)\)", text)}


def as_the_formgrader_shows(notebook: Any) -> str:
    """Nbconvert's page with the course's own preprocessor, without the scripts that the template itself loads."""
    exporter = HTMLExporter(config=Config({"HTMLExporter": {"preprocessors": [ShowSafely]}}), template_name="basic")
    body, _ = exporter.from_notebook_node(notebook)
    return f"<!doctype html><html><head><meta charset='utf-8'><title>graded</title></head><body>{body}</body></html>"


def test_a_leaderboard_of_hostile_names_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    names = {attack.name: f"{attack.student} [x](javascript:alert(1))" for attack in load_catalogue(catalogue_folder())}
    entries = [BoardEntry(name, number) for number, name in enumerate(names)]
    board = standings(
        entries,
        name="01",
        title=f"Board {names['name_of_markup']}",
        scale=1,
        maximum=500,
        unit="points",
        names=names.__getitem__,
    )
    seen = opened(browser, render_html(board), tmp_path / "board.html")
    assert {key: seen[key] for key in HARMLESS} == HARMLESS
    assert seen["title"] != "broken"


def test_the_watch_sees_a_script_that_does_run(browser: Browser, tmp_path: Path) -> None:
    """Without this the tests above could not fail."""
    page = "<title>x</title><img src=x onerror=\"alert(1)\"><a href='http://example.org'>y</a>"
    page += "<script>document.title = 'broken'</script>"
    seen = opened(browser, page, tmp_path / "bad.html")
    assert seen["ran"] == ["alert"]
    assert seen["title"] == "broken"
    assert seen["handlers"] == 1
    assert len(seen["ways out"]) == len(seen["asked"]) == 1

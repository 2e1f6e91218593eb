"""The desk in a real browser, with real keys: the written answers of the whole sample class."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from autograder.authoring.assignment import load_assignment
from autograder.course import Course
from autograder.demo.class_maker import make_sample_class
from autograder.errors import UnreadableSubmission
from autograder.gradebook.graded_notebooks import write_autograded
from autograder.gradebook.mark_rows import WrittenMark
from autograder.gradebook.sanitising import Album
from autograder.gradebook.store import Gradebook
from autograder.gradebook.write_submission import GradedSubmission
from autograder.gradebook.written_marks import WrittenMarks
from autograder.grading.result import CheckResult, Result
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import read_submission

from .conftest import desk_at

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

NAME, QUESTION = "01-convolution", "answer-why-correlation"
EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script> **Symmetric.**"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The sample class as after grading; each of its written answers is a student's own, one of them hostile."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(Path(__file__).parents[2] / "solutions" / NAME, root / "solutions" / NAME)
    (root / "course.toml").write_text('id = "seen"\nfixed_secret = "seen"\n')
    course = Course.find(root)
    assignment = load_assignment(course, NAME)
    graded = []
    for number, sample in enumerate(make_sample_class(assignment)):
        try:
            notebook = dict(read_submission(sample.content, sample.student))
        except UnreadableSubmission:
            continue
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == QUESTION and "mirror" in cell["source"]:
                cell["source"] = EVIL if number == 1 else f"{cell['source']} I am number {number}."
        submission = align(notebook, assignment)
        checks = tuple(
            CheckResult(cell.grade_id, cell.exercise, 0, cell.points, "failed", "") for cell in assignment.checks
        )
        result = Result(NAME, assignment.key, submission.key, "graded", checks=checks)
        graded.append(GradedSubmission(sample.student, submission, result))
        write_autograded(course, assignment, sample.student, submission, result, Album(None))
    with Gradebook.of(course) as gradebook:
        gradebook.register(assignment)
        gradebook.record_all(assignment, graded)
    return course


@pytest.fixture(scope="module")
def address(course: Course) -> Iterator[str]:
    with desk_at(course) as found:
        yield found


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Page]:
    opened = chromium.new_page()
    opened.goto(address)
    yield opened
    opened.close()


def marks(course: Course) -> list[WrittenMark]:
    written = WrittenMarks.of(course)
    found = written.marks(NAME, QUESTION)
    written.close()
    return found


def place(page: Page) -> int:
    """Which answer is shown, by its heading."""
    found = re.search(r"nswer (\d+) of", page.locator("h1").inner_text())
    assert found is not None
    return int(found[1])


def press(page: Page, key: str) -> None:
    """Press a key that leads to another page."""
    with page.expect_navigation():
        page.keyboard.press(key)


def test_all_written_answers_of_the_sample_class_are_marked_with_keys(page: Page, course: Course) -> None:
    problems: list[Any] = []
    page.on("pageerror", lambda error: problems.append(error))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    waiting = [mark for mark in marks(course) if mark.open]
    assert len(waiting) > 110
    with page.expect_navigation():
        page.get_by_role("link", name="Why correlation", exact=True).click()
    for number in range(len(waiting)):
        page.keyboard.press("1" if number % 3 else "2")
        page.keyboard.press("3")
        if number == 4:
            page.keyboard.press("c")
            page.keyboard.type("Say why the two sets are the same.")
            page.keyboard.press("Escape")
        press(page, "Enter")
        assert page.title() != "broken"
    found = marks(course)
    given = [mark.points for mark in found if mark.key in {each.key for each in waiting}]
    assert given.count(1.5) == sum(number % 3 == 0 for number in range(len(waiting)))
    assert given.count(2.0) == len(waiting) - given.count(1.5)
    assert [mark.comment for mark in found if mark.comment] == ["Say why the two sets are the same."]
    assert not any(mark.open for mark in found)
    assert problems == []
    page.goto(page.url.split("/01-")[0] + "/")
    assert f"{len(found)} of {len(found)} marked" in page.locator("main").inner_text()


def test_next_and_back_save_what_was_changed_and_names_are_hidden(page: Page, course: Course) -> None:
    page.goto(page.url + f"{NAME}/{QUESTION}")
    start = place(page)
    assert not page.locator("#who p").is_visible()
    page.keyboard.press("w")
    assert page.locator("#who p").is_visible()
    page.keyboard.press("0")
    press(page, "n")
    assert place(page) == start + 1
    press(page, "p")
    assert place(page) == start
    assert "0 points" in page.locator("#state").inner_text()
    assert page.locator("#points").input_value() == "0"


def test_a_slip_is_gone_back_to_from_wherever_the_next_answer_is(page: Page, course: Course) -> None:
    page.goto(page.url + f"{NAME}/{QUESTION}")
    slip = page.url
    page.keyboard.press("0")
    press(page, "Enter")
    press(page, "n")
    press(page, "u")
    assert page.url == slip
    with page.expect_navigation():
        page.get_by_role("button", name="Withdraw the mark").click()
    assert page.url == slip
    # The first answer may be one that was left empty, which has no points without a mark.
    assert page.locator("#state").inner_text() in ("Not marked yet.", "0 points: left empty.")
    page.keyboard.press("1")
    page.keyboard.press("3")
    press(page, "Enter")


def test_an_answer_may_have_the_whole_width_and_the_form_stays_in_sight(page: Page, course: Course) -> None:
    page.goto(page.url + f"{NAME}/{QUESTION}")
    narrow = page.locator(".answer").evaluate("each => each.clientWidth")
    page.keyboard.press("z")
    assert page.locator(".answer").evaluate("each => each.clientWidth") > 2 * narrow
    page.reload()
    assert page.locator(".columns.wide").count() == 1
    page.keyboard.press("z")
    page.locator(".text").evaluate("each => { each.style.minHeight = '9000px'; scrollTo(0, 5000); }")
    assert 0 <= page.locator("#save").evaluate("each => each.getBoundingClientRect().top") < 700


def test_a_changed_item_is_changed_for_all(page: Page, course: Course) -> None:
    before = [mark.points for mark in marks(course) if mark.followed]
    page.goto(page.url + f"{NAME}/{QUESTION}")
    page.get_by_text("Change the items").click()
    third = page.locator("#rubric form").nth(2)
    third.get_by_label("Points").fill("0.5")
    with page.expect_navigation():
        third.get_by_role("button", name="Change").click()
    after = [mark.points for mark in marks(course) if mark.followed]
    assert after == [points - 0.5 for points in before if points is not None]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    seen_by_axe: Callable[[Any], dict[str, Any]], chromium: Any, address: str, scheme: Any, width: int
) -> None:
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    home, found, wide = page.url, {}, {}
    for path in ("", f"{NAME}/{QUESTION}", f"{NAME}/{QUESTION}/alike", f"{NAME}/{QUESTION}/agreement"):
        page.goto(home + path)
        page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
        wide[path] = page.evaluate("document.documentElement.scrollWidth")
        found |= {(path, rule): targets for rule, targets in seen_by_axe(page).items()}
    context.close()
    assert found == {}
    assert {path: pixels for path, pixels in wide.items() if pixels > width} == {}


def test_a_hostile_answer_is_text(page: Page, course: Course) -> None:
    cells = {path.parents[1].name: json.loads(path.read_text()) for path in course.autograded.glob("*/*/*.ipynb")}
    (evil,) = [
        student
        for student, notebook in cells.items()
        if any("<script>" in "".join(c["source"]) for c in notebook["cells"])
    ]
    key = next(mark.key for mark in marks(course) if mark.student == evil)
    page.goto(page.url + f"{NAME}/{QUESTION}/{key}")
    assert page.locator(".answer strong").last.inner_text() == "Symmetric."
    assert page.locator(".answer img").count() == 0
    assert page.title() != "broken"

"""The pages in a real browser: handing in without a reload, a question half written, and what axe finds."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from autograder.service.access import Access
from autograder.service.serving import site_of
from autograder.service.web import COOKIE

from .conftest import NAME, SQUARED, Served, until
from .proxies import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROSTER = "id,first_name,last_name,group\nada,Ada,L,\nbob,Bob,M,Team 1\ncem,Cem,N,Team 1\n"


class Hosted:
    """A service at an address, for browsers."""

    def __init__(self, served: Served, port: int) -> None:
        self.served, self.address = served, f"http://127.0.0.1:{port}"
        self.access = Access(served.course, served.store)

    def page(self, chromium: Any, person: str, role: Any = "student", **settings: Any) -> Any:
        """A window in which somebody has a session, or nobody."""
        context = chromium.new_context(**settings)
        if person:
            value = self.access.session(role, person, time.time() + 600)
            context.add_cookies([{"name": COOKIE, "value": value, "url": self.address}])
        return context.new_page()


@pytest.fixture(scope="module")
def hosted(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    root = tmp_path_factory.mktemp("hosted") / "course"
    shutil.copytree(built, root)
    served, port = Served(root), free_port()
    (root / "students.csv").write_text(ROSTER)
    served.configure("[serve]\npause_minutes = 0\ngroups = true\n")
    found = Hosted(served, port)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.service.web.enters", lambda assignment: True)
        site, loop = site_of(served.course, found.address, workers=1)
        served.store = loop._store  # The loop notices what comes in by its own.
        server = uvicorn.Server(uvicorn.Config(site, port=port, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until(lambda: server.started)
        yield found
        server.should_exit = True
        thread.join(60)


def test_a_student_hands_in_and_sees_result_name_and_board_without_a_reload(
    hosted: Hosted, chromium: Any, tmp_path: Path
) -> None:
    path = tmp_path / "mine.ipynb"
    path.write_bytes(hosted.served.notebook(SQUARED))
    page = hosted.page(chromium, "ada")
    page.goto(f"{hosted.address}/assignments/{NAME}")
    loaded: list[str] = []
    page.on("framenavigated", lambda frame: loaded.append(frame.url))
    page.get_by_text("Ask about this assignment").click()
    page.fill("#text", "Half a question")
    page.set_input_files("#notebook", str(path))
    page.get_by_role("button", name="Hand in", exact=True).click()
    page.wait_for_selector("#said:has-text('Attempt 1: 2 of 4 points')", timeout=60_000)
    page.wait_for_selector("#boards:has-text('1 of 1')", timeout=30_000)
    assert page.input_value("#text") == "Half a question"
    assert page.inner_text("#left").startswith("9 attempts are left")
    assert loaded == []
    hosted.served.hand_in("bob", members=["cem"])
    page.wait_for_selector("#boards [data-rank]:has-text('3 of 3')", timeout=60_000)
    page.get_by_role("button", name="Send").click()
    page.wait_for_selector("#questions:has-text('Not answered yet')")
    page.get_by_role("link", name=re.compile("Feedback")).click()
    assert "You multiplied the number by itself" in page.inner_text("body")

    tina = hosted.page(chromium, "tina", "staff")
    tina.goto(f"{hosted.address}/staff")
    tina.get_by_label("Answer to ada").fill("The whole answer.")
    tina.get_by_role("button", name="Send").click()
    page.goto(hosted.address)
    page.get_by_role("link", name="Your question is answered").click()
    assert "The whole answer." in page.inner_text("#questions")


@pytest.mark.parametrize(
    ("person", "role", "ways"),
    [
        ("dan", "student", {"Back to your attempts": f"/assignments/{NAME}", "Back to your assignments": "/"}),
        (
            "tina", "staff",
            {"Back to dan's attempts": f"/assignments/{NAME}?student=dan", "Back to the staff page": "/staff"},
        ),
    ],
)  # fmt: skip
def test_feedback_and_board_lead_back_to_where_one_came_from(
    hosted: Hosted, chromium: Any, person: str, role: str, ways: dict[str, str]
) -> None:
    page = hosted.page(chromium, person, role, viewport={"width": 390, "height": 844})
    for path, (words, target) in zip(served_files(hosted), ways.items(), strict=True):
        page.goto(f"{hosted.address}{path}")
        page.get_by_role("link", name=words).click()
        page.wait_for_url(f"{hosted.address}{target}")
        assert page.get_by_role("heading", level=1).inner_text() != "Please use your personal link"
    page.context.close()


def test_the_files_of_feedback_and_board_have_no_way_back(hosted: Hosted) -> None:
    served_files(hosted)
    root = hosted.served.course.root
    for path in (*root.glob("feedback/dan/*/*.html"), root / "leaderboard" / f"{NAME}.html"):
        assert "Back to your" not in path.read_text(encoding="utf-8")


def test_the_desk_leads_back_to_the_staff_page(hosted: Hosted, chromium: Any) -> None:
    page = hosted.page(chromium, "tina", "staff")
    page.goto(f"{hosted.address}/staff")
    page.get_by_role("link", name="Open the grading desk").click()
    page.get_by_role("link", name="Staff page").click()
    page.wait_for_url(f"{hosted.address}/staff")
    page.context.close()


@pytest.mark.parametrize("place", [f"/assignments/{NAME}", "feedback"])
def test_a_dark_page_is_printed_dark_on_white(hosted: Hosted, chromium: Any, place: str) -> None:
    feedback, _ = served_files(hosted)
    page = hosted.page(chromium, "dan", color_scheme="dark", viewport={"width": 718, "height": 900})
    page.goto(f"{hosted.address}{feedback if place == 'feedback' else place}")
    page.emulate_media(media="print")
    colours = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    assert page.evaluate(colours) == ["rgb(28, 36, 48)", "rgb(255, 255, 255)"]
    assert not page.locator(".back, form").first.is_visible()
    page.context.close()


def served_files(hosted: Hosted) -> list[str]:
    """The addresses of dan's feedback on the attempt that counts, and of a board."""
    if not hosted.served.store.of_student("dan"):
        fill(hosted)
    until((hosted.served.course.root / "leaderboard" / f"{NAME}.html").is_file)
    graded = [each for each in hosted.served.store.of_student("dan") if each.outcome == "graded"]
    return [f"/attempts/{graded[-1].name}", f"/boards/{NAME}.html"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_is_wider_than_the_window(
    seen_by_axe: Callable[[Any], dict[str, Any]], hosted: Hosted, chromium: Any, scheme: Any, width: int
) -> None:
    feedback, board = served_files(hosted)
    settings = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "bypass_csp": True}
    link = hosted.access.link("student", "dan", 600)
    found, wide = {}, {}
    for person, role, path in (
        ("dan", "student", feedback), ("tina", "staff", feedback), ("dan", "student", board),
        ("tina", "staff", "/desk/"),
        ("dan", "student", "/"), ("dan", "student", f"/assignments/{NAME}"), ("tina", "staff", "/staff"),
        ("tina", "staff", f"/assignments/{NAME}?student=dan"), ("", "student", "/"), ("", "student", f"/enter/{link}"),
    ):  # fmt: skip
        page = hosted.page(chromium, person, role, **settings)
        page.goto(f"{hosted.address}{path}")
        for each in page.locator("details").all():
            each.evaluate("each => each.open = true")
        wide[person, path] = page.evaluate("document.documentElement.scrollWidth")
        found |= {(person, path, rule): targets for rule, targets in seen_by_axe(page).items()}
        page.context.close()
    assert found == {}
    assert {name: pixels for name, pixels in wide.items() if pixels > width} == {}


def fill(hosted: Hosted) -> None:
    """Give the pages something of everything that they can show."""
    served = hosted.served
    for number in range(4):
        content = b"no notebook" if number == 3 else served.notebook(SQUARED, remark=f"{number} {'long' * 60}")
        served.hand_in("dan", content, file=f"{'a-long-name-' * 6}.ipynb")
    failed = served.hand_in("eve", b"{}")
    served.store.finish(failed, "failed", reason="the disk was full")
    until(served.settled)
    with served.store.changing() as database:
        for number, (outcome, said) in enumerate((("done", "8,000 of 10,000 right\nOne more line"), ("failed", "No."))):
            database.execute(
                "INSERT INTO rehearsal (name, student, assignment, at, file, digest, outcome, said) "
                "VALUES (?, 'dan', ?, '2026-03-01T10:00:00+00:00', 'e.ipynb', '', ?, ?)",
                (f"rehearsal-{number}", NAME, outcome, said),
            )
        database.execute(
            "INSERT INTO question VALUES ('one', 'dan', ?, '2026-03-01T10:00:00+00:00', 'Why?', 'So.', 'tina', "
            "'2026-03-01T11:00:00+00:00'), ('two', 'dan', ?, '2026-03-01T12:00:00+00:00', ?, '', '', '')",
            (NAME, NAME, "And_why?" * 40),
        )

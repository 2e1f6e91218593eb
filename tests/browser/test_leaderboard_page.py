"""The leaderboard's page in a real browser: sorting, searching, themes, phones, and a policy that holds."""

import datetime as dt
import os
from dataclasses import replace

import numpy as np
import pytest

from autograder.leaderboard.board import Attempt, BoardEntry, Status
from autograder.leaderboard.configuration import read_prizes
from autograder.leaderboard.ranking import standings
from autograder.leaderboard.render.html_page import render_html
from autograder.leaderboard.statistics import add_statistics

EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
NAMES = ["zebra", "albatross", "Moose", "ibex", "newt", "crane", "heron", "owl"]


def shown_name(entrant):
    if entrant == "failed":
        return "a failed one"
    return f"{NAMES[int(entrant[1:]) % 8]} {entrant[1:]}" + (EVIL if entrant == "e05" else "")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """A challenge board of 60 entries with intervals, prizes, history and one hostile name; on disk."""
    rng = np.random.default_rng(0)
    ease = rng.normal(size=500)
    answers = {f"e{n:02d}": rng.normal(size=500) * 0.4 + ease + 2 - n / 60 > 0 for n in range(60)}
    start = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    entries = [
        BoardEntry(
            entrant,
            int(own.sum()),
            start + dt.timedelta(hours=5 * n),
            history=(Attempt(start, 300), Attempt(start, int(own.sum()), EVIL)) if n == 0 else (),
            late=n == 3,
        )
        for n, (entrant, own) in enumerate(answers.items())
    ]
    entries.append(BoardEntry("failed", status=Status.FAILED, reason=EVIL))
    board = standings(
        entries,
        name="challenge",
        title="Challenge " + EVIL,
        scale=1,
        maximum=500,
        unit="right answers",
        prizes=read_prizes([{"rank": 1, "award": "automatic A+"}, {"ranks": [2, 3], "award": "grade bump"}]),
        names=shown_name,
    )
    signed = replace(add_statistics(board, answers, resamples=500), log="264 records, head " + "0123456789abcdef" * 4)
    path = tmp_path_factory.mktemp("page") / "challenge.html"
    path.write_text(render_html(signed), encoding="utf-8")
    return path


def opened(chromium, page_file, width=1280, height=900, **settings):
    """The page in a fresh context, with every console message and request kept in ``page.log``."""
    context = chromium.new_context(viewport={"width": width, "height": height}, **settings)
    page = context.new_page()
    page.log = []
    page.on("console", lambda message: page.log.append(message.text))
    page.on("pageerror", lambda error: page.log.append(str(error)))
    page.on("request", lambda request: page.log.append(request.url))
    page.goto(page_file.as_uri())
    return page


@pytest.fixture
def page(chromium, page_file):
    page = opened(chromium, page_file)
    yield page
    page.context.close()


def column(page, number):
    """The visible texts of one column."""
    return page.eval_on_selector_all(
        "#standings tbody tr:not([hidden])", f"rows => rows.map(r => r.cells[{number}].textContent.trim())"
    )


def test_the_page_loads_nothing_but_itself_and_reports_no_error(page, page_file):
    page.wait_for_timeout(200)
    assert [entry for entry in page.log if entry != page_file.as_uri() and not entry.startswith("data:")] == []


def test_hostile_names_and_reasons_stay_text(page):
    assert page.title().endswith("leaderboard")
    assert page.locator("img").count() == 0
    assert "<img src=x" in page.locator("h1").inner_text()


def test_the_policy_stops_a_script_that_got_in_all_the_same(page):
    page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = "document.title = 'broken'";
                   document.body.append(s);
                   const d = document.createElement('div');
                   d.innerHTML = '<img src=x onerror="document.title=`broken`">';
                   document.body.append(d); }"""
    )
    page.wait_for_timeout(200)
    assert page.title().endswith("leaderboard")
    assert any("Content Security Policy" in entry for entry in page.log)


def test_a_heading_sorts_by_number_and_back(page):
    score = page.get_by_role("button", name="Score")
    score.click()
    scores = [int(text) for text in column(page, 2)]
    assert scores == sorted(scores, reverse=True)
    score.click()
    assert [int(text) for text in column(page, 2)] == sorted(scores)
    assert page.locator("th", has=score).get_attribute("aria-sort") == "ascending"
    assert page.locator("thead th[aria-sort]").count() == 1


def test_a_heading_sorts_names_as_people_do_and_the_rank_restores_the_board(page):
    before = column(page, 1)
    page.get_by_role("button", name="Name").click()
    names = column(page, 1)
    assert names[0].startswith("albatross")
    assert names != before
    page.get_by_role("button", name="Rank", exact=True).click()
    assert column(page, 1) == before


def test_sorting_works_from_the_keyboard(page):
    page.get_by_role("button", name="Name").focus()
    page.keyboard.press("Enter")
    assert column(page, 1)[0].startswith("albatross")


def test_the_search_narrows_the_table_and_says_how_far(page):
    search = page.get_by_label("Search")
    search.fill("ZEBRA 0")
    found = column(page, 1)
    assert 0 < len(found) < 60
    assert all("zebra" in name for name in found)
    assert page.get_by_role("status").inner_text() == f"{len(found)} of 60"
    search.fill("nobody has this name")
    assert page.get_by_text("No entry matches.").is_visible()
    search.fill("")
    assert len(column(page, 1)) == 60


def row_found(page):
    """The row that is marked as the reader's own."""
    return page.locator("#standings tbody tr.me")


def test_find_me_marks_the_row_of_the_name_and_brings_it_into_view(page):
    page.get_by_label("Search").fill("owl 47")
    page.get_by_role("button", name="Find me").click()
    assert row_found(page).count() == 1
    assert "owl 47" in row_found(page).inner_text()
    assert len(column(page, 1)) == 60
    page.wait_for_timeout(500)
    top = row_found(page).bounding_box()["y"]
    assert 0 <= top <= 900


def test_find_me_says_so_if_nobody_has_the_name_or_none_was_typed(page):
    page.get_by_role("button", name="Find me").click()
    assert "Type your pseudonym first." in page.content()
    page.get_by_label("Search").fill("kraken 1")
    page.get_by_role("button", name="Find me").click()
    assert page.get_by_text("No ranked entry has this name.").is_visible()
    assert row_found(page).count() == 0


def test_a_link_with_a_pseudonym_opens_the_page_at_its_row(chromium, page_file):
    page = opened(chromium, page_file)
    page.goto(page_file.as_uri() + "#owl%2047")
    assert "owl 47" in row_found(page).inner_text()
    page.context.close()


def test_an_entrys_history_opens(page):
    (row,) = page.locator("tbody tr", has=page.locator(".history li")).all()
    summary, history = row.locator("summary"), row.locator(".history")
    assert not history.is_visible()
    summary.click()
    assert history.is_visible()
    assert "300" in history.inner_text()


def test_figures_show_mean_median_and_intervals(page):
    assert page.locator("#histogram .mark").count() == 2
    assert page.locator("#intervals .whisker").count() == 40
    assert page.locator("#score-time .dot").count() == 60


@pytest.mark.parametrize("selector", ["#histogram", "#score-time", "#intervals"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_two_texts_of_a_figure_overlap(chromium, page_file, selector, width):
    page = opened(chromium, page_file, width=width)
    boxes = page.eval_on_selector_all(
        f"{selector} text",
        """texts => texts.filter(t => getComputedStyle(t).display !== 'none').map(t => {
             const b = t.getBoundingClientRect(); return [t.textContent, b.left, b.top, b.right, b.bottom]; })""",
    )
    frame = page.locator(selector).bounding_box()
    page.context.close()
    assert boxes
    for n, (text, left, top, right, bottom) in enumerate(boxes):
        assert frame["x"] - 1 <= left <= right <= frame["x"] + frame["width"] + 1, text
        for other, l2, t2, r2, b2 in boxes[n + 1 :]:
            # A line box is a third taller than its letters; only the letters must not meet.
            apart = right <= l2 or r2 <= left or bottom - 0.2 * (bottom - top) <= t2 or b2 - 0.2 * (b2 - t2) <= top
            assert apart, (text, other)


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_page_never_scrolls_sideways(chromium, page_file, width):
    page = opened(chromium, page_file, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_a_phone_shows_rank_name_score_and_award_without_scrolling_the_table(chromium, page_file):
    page = opened(chromium, page_file, width=390, height=844)
    inside, outside = page.eval_on_selector(".scroll", "box => [box.scrollWidth, box.clientWidth]")
    assert inside <= outside + 1
    assert page.get_by_text("automatic A+").nth(1).is_visible()
    page.context.close()


def test_a_phone_shows_the_comparisons_without_scrolling_and_still_as_a_table(chromium, page_file):
    page = opened(chromium, page_file, width=390, height=844)
    comparisons = page.get_by_role("table", name="Neighbours of which only the upper has the prize")
    box = comparisons.evaluate("table => [table.parentElement.scrollWidth, table.parentElement.clientWidth]")
    assert box[0] <= box[1] + 1
    assert comparisons.get_by_role("rowheader").count() == comparisons.locator("tbody tr").count() > 0
    assert comparisons.get_by_role("columnheader").count() == 6
    page.context.close()


@pytest.fixture(scope="module")
def final_board(competition):
    return competition["final"]


@pytest.mark.parametrize("width", [390, 1280])
def test_every_column_of_a_final_board_fits_and_nothing_lies_below_its_foot(chromium, final_board, width):
    page = opened(chromium, final_board, width=width)
    inside, outside = page.eval_on_selector(".scroll", "box => [box.scrollWidth, box.clientWidth]")
    assert inside <= outside + 1
    for award in page.locator("#standings .award-inline").all():
        assert award.is_visible()
    foot = page.eval_on_selector("footer", "foot => foot.getBoundingClientRect().bottom + scrollY")
    assert page.evaluate("document.documentElement.scrollHeight") <= foot + 1
    page.context.close()


def test_the_header_stays_while_the_table_scrolls(chromium, final_board):
    page = opened(chromium, final_board)
    top = "() => document.querySelector('#standings thead th').getBoundingClientRect().top"
    before = page.evaluate(top)
    page.eval_on_selector(".scroll", "box => { box.scrollTop = 600; }")
    assert page.evaluate("document.querySelector('.scroll').scrollTop") == 600
    assert page.evaluate(top) == before
    page.context.close()


def test_a_phone_finds_the_interval_of_an_entry_behind_its_name(chromium, page_file):
    page = opened(chromium, page_file, width=390, height=844)
    page.locator("tbody summary").nth(1).click()
    assert "% of the redraws" in page.locator(".history").nth(1).inner_text()
    page.context.close()


def test_the_tab_key_goes_through_the_page_from_top_to_bottom(page):
    places = []
    for _ in range(14):
        page.keyboard.press("Tab")
        places.append(
            page.evaluate(
                """() => { const e = document.activeElement, b = e.getBoundingClientRect();
                           return [e.tagName, e.id || e.textContent.trim().slice(0, 20), b.top + scrollY]; }"""
            )
        )
    assert [name for _, name, _ in places[:3]] == ["Skip to the standing", "theme", "search"]
    tops = [top for _, _, top in places[2:]]
    assert tops == sorted(tops)
    assert {tag for tag, _, _ in places} >= {"A", "BUTTON", "INPUT", "DIV", "SUMMARY"}


def test_headings_go_down_one_level_at_a_time(page):
    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels[1:]) == {2}


def test_a_page_of_10_000_entries_opens_and_sorts_in_seconds(chromium, tmp_path):
    start = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    path = tmp_path / "large.html"
    path.write_text(render_html(standings([BoardEntry(f"s{n}", n % 67, start) for n in range(10_000)], maximum=66)))
    page = opened(chromium, path)
    page.get_by_role("button", name="Name").click()
    assert len(column(page, 0)) == 10_000
    assert page.get_by_role("columnheader", name="Name").get_attribute("aria-sort") == "ascending"
    page.context.close()


def contrast(page, selector):
    """WCAG contrast of an element's text against the nearest opaque background."""
    return page.eval_on_selector(
        selector,
        """element => {
          const parse = c => c.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
            return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
          let back = element; let colour;
          do { colour = parse(getComputedStyle(back).backgroundColor); back = back.parentElement; }
          while (colour.length === 4 && colour[3] === 0 && back);
          const a = light(parse(getComputedStyle(element).color)), b = light(colour);
          return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        }""",
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark(chromium, page_file, scheme):
    page = opened(chromium, page_file, color_scheme=scheme)
    for selector in (
        "h1",
        ".subtitle",
        ".won .rank",
        ".won .award-inline",
        "thead th",
        ".badge",
        ".prizes li span",
        "figcaption",
    ):
        assert contrast(page, selector) >= 4.5, selector
    page.context.close()


def test_the_button_switches_the_theme(chromium, page_file):
    page = opened(chromium, page_file, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Switch to dark colours").click()
    assert page.evaluate(paper) != light
    page.get_by_role("button", name="Switch to light colours").click()
    assert page.evaluate(paper) == light
    page.context.close()


def test_a_page_that_was_switched_to_dark_prints_dark_on_white(chromium, page_file):
    page = opened(chromium, page_file)
    page.locator("#theme").click()
    colours = (
        "[getComputedStyle(document.body).color, getComputedStyle(document.querySelector('.prizes')).backgroundColor]"
    )
    assert page.evaluate(colours) == ["rgb(232, 236, 240)", "rgb(26, 32, 39)"]
    page.emulate_media(media="print")
    assert page.evaluate(colours) == ["rgb(29, 35, 41)", "rgb(255, 255, 255)"]
    page.context.close()


def test_a_screen_reader_finds_a_named_table_with_headings_and_figures_in_words(page):
    assert page.get_by_role("table", name="Entries by rank").count() == 1
    assert page.get_by_role("columnheader").count() >= 6
    assert page.get_by_role("rowheader").count() >= 60
    assert page.get_by_role("img", name="Histogram of 60 scores").count() == 1
    assert page.get_by_role("region", name="Standings", exact=True).count() == 1
    assert page.eval_on_selector("html", "root => root.lang") == "en"


def test_the_page_can_be_read_without_scripts(chromium, page_file):
    page = opened(chromium, page_file, java_script_enabled=False)
    assert page.locator("#standings tbody tr").count() == 60
    assert not page.locator("#search").is_visible()
    page.context.close()


def test_screenshots_can_be_kept(chromium, page_file, tmp_path):
    """``SCREENSHOTS=folder`` keeps them for a person to look at."""
    folder = os.environ.get("SCREENSHOTS", tmp_path)
    for name, width, scheme in (("desktop", 1280, "light"), ("dark", 1280, "dark"), ("phone", 390, "light")):
        page = opened(chromium, page_file, width=width, color_scheme=scheme)
        picture = page.screenshot(path=f"{folder}/leaderboard-{name}.png", full_page=True)
        assert picture.startswith(b"\x89PNG")
        page.context.close()

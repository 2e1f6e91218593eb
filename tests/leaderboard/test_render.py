"""Every output shows the same board, and none can be made to do anything else."""

import csv
import datetime as dt
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Attempt, BoardEntry, Status
from autograder.leaderboard.configuration import read_prizes
from autograder.leaderboard.ranking import prize_changes, standings, what_if
from autograder.leaderboard.render.columns import (
    change_table,
    gradescope_results,
    plain,
    render_csv,
    render_terminal,
    safe_cell,
    terminal,
)
from autograder.leaderboard.render.document import document_schema, render_json
from autograder.leaderboard.render.html_page import render_html, render_notebook
from autograder.leaderboard.statistics import add_statistics

SCHEMA = Path(__file__).parents[2] / "docs" / "leaderboard.schema.json"
EVIL = "<script>alert('x')</script>\"'&{{7*7}}[red]\x1b[31m=HYPERLINK(\"http://x\")"
AT = dt.datetime(2026, 11, 20, 13, 37, 42, tzinfo=dt.UTC)
PRIZES = read_prizes([{"rank": 1, "award": "automatic A+"}])


@pytest.fixture
def board(lecture_class):
    return standings(
        lecture_class, name="01", title="A1", maximum=66, prizes=PRIZES, names=lambda e: f"nick {int(e[-3:]) * 7}"
    )


@pytest.fixture
def measured_board():
    rng = np.random.default_rng(0)
    answers = {f"e{n}": rng.random(200) < 0.9 - n / 40 for n in range(6)}
    entries = [BoardEntry(name, int(own.sum()), AT) for name, own in answers.items()]
    return add_statistics(standings(entries, scale=1, maximum=200, prizes=PRIZES), answers, resamples=200)


@pytest.fixture
def evil_board():
    entries = [
        BoardEntry("a", 5, AT, badges=(EVIL,), history=(Attempt(AT, 3, EVIL), Attempt(AT, 5, EVIL))),
        BoardEntry("b", status=Status.FAILED, reason=EVIL),
    ]
    prizes = read_prizes([{"rank": 1, "award": EVIL}])
    return standings(entries, title=EVIL, names=lambda e: EVIL + e, prizes=prizes, unit=EVIL, notes=[EVIL])


class Tags(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_all_formats_show_the_scores_that_were_sorted(board, listed):
    expected = [f"{score:.2f}" for score in listed]
    rows = list(csv.DictReader(io.StringIO(render_csv(board))))
    assert [row["score"] for row in rows[:25]] == expected
    assert [row["score"] for row in json.loads(render_json(board))["rows"][:25]] == expected
    assert re.findall(r'<span class="score">([\d.]+)</span>', render_html(board))[:25] == expected
    assert re.findall(r"nick \d+ +([\d.]+)", render_terminal(board))[:25] == expected


def test_json_follows_the_documented_schema(board, measured_board):
    assert json.loads(SCHEMA.read_text()) == document_schema()
    for each in (board, measured_board):
        jsonschema.validate(json.loads(render_json(each)), document_schema())


def test_no_output_holds_a_student_id_or_a_precise_time(board):
    for render in (render_csv, render_json, render_html, render_terminal, render_notebook):
        text = render(board)
        assert "student-0" not in text
        assert not re.search(r"T\d\d:(?!00)\d\dZ", text)


@pytest.mark.parametrize(
    ("times", "shown"),
    [("minute", "2026-11-20T13:37Z"), ("hour", "2026-11-20T13:00Z"), ("day", "2026-11-20"), ("none", "")],
)
def test_times_are_as_coarse_as_asked(times, shown):
    board = standings([BoardEntry("a", 1, AT)], times=times)
    assert json.loads(render_json(board))["rows"][0]["at"] == shown


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "a;=1", "＝1", "\r=1", "=cmd|' /C calc'!A0", "a|=1"]
)
def test_no_cell_begins_a_formula(text):
    pieces = re.split(r"[;|]", safe_cell(text))
    assert not any(piece.lstrip().startswith(("=", "+", "-", "@", "＝")) for piece in pieces)


@pytest.mark.parametrize(
    "first",
    [
        "\ufe66",
        "\uff1d",
        "\ufe62",
        "\uff0b",
        "\ufe63",
        "\uff0d",
        "\u2212",
        "\u2013",
        "\ufe6b",
        "\uff20",
        "\u207a",
        "\u208c",
    ],
)
@pytest.mark.parametrize("before", ["", "\u200b", "\u3000", "\ufeff", "\u00a0\u202e"])
def test_a_sign_in_another_form_of_unicode_begins_no_formula(before, first):
    assert safe_cell(f"{before}{first}1+1").startswith("'")


def test_harmless_text_stays_as_it_is():
    assert safe_cell("brisk-heron-417") == "brisk-heron-417"


def test_a_csv_of_hostile_text_has_no_formula_and_no_extra_row(evil_board):
    rows = list(csv.reader(io.StringIO(render_csv(evil_board))))
    assert len(rows) == 3
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_the_page_escapes_hostile_text(evil_board):
    page = render_html(evil_board)
    tags = Tags(page).found
    assert sum(tag == "script" for tag, _ in tags) == 1
    assert not any(name.startswith("on") or name == "style" for _, attributes in tags for name in attributes)
    assert "alert('x')" not in page


def test_the_notebook_display_escapes_hostile_text(evil_board):
    shown = evil_board._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_the_terminal_shows_hostile_text_as_text(evil_board):
    shown = render_terminal(evil_board, width=300)
    assert "\x1b" not in shown
    assert "[red]" in shown
    assert plain("a\x07b\x1b[2Jc") == "ab[2Jc"


def test_a_long_table_in_the_terminal_says_what_it_leaves_out(board):
    written = io.StringIO()
    Console(file=written, width=100).print(terminal(board, most=10))
    assert len(re.findall("nick", written.getvalue())) == 10
    assert "and 105 more rows" in written.getvalue()


def test_the_page_needs_nothing_from_outside(board):
    page = render_html(board)
    assert not re.search(r"""(src|href)=["'](?!#|data:,)""", page)
    assert "@import" not in page
    assert "url(" not in page


def test_the_page_is_the_same_every_time(board):
    assert render_html(board) == render_html(board)


def test_the_page_counts_everyone_and_lists_only_as_many_as_asked(lecture_class):
    page = render_html(standings(lecture_class, maximum=66, show=25))
    assert page.count('<span class="score">') == 25
    assert "The first 25 of 115 are listed" in page
    assert "<dd>22.87</dd>" in page


def test_figures_tell_their_content_in_words(measured_board):
    titles = re.findall(r"<title id=[^>]*>([^<]*)</title>", render_html(measured_board))
    assert titles[0].startswith("Histogram of 6 scores")
    assert any("interval for the first 6 entries" in title for title in titles)


def test_bars_of_the_histogram_hold_every_entry(board):
    bars = re.findall(r"<title>[\d.]+ to under [\d.]+: (\d+) entr", render_html(board))
    assert sum(map(int, bars)) == 115


@pytest.mark.parametrize("scores", [[], [5], [5, 5], [0, 66], [-3, 4]])
def test_any_board_can_be_rendered(scores):
    board = standings([BoardEntry(f"s{n}", score) for n, score in enumerate(scores)])
    for render in (render_csv, render_json, render_html, render_terminal, render_notebook):
        assert render(board)


def test_a_board_of_statistics_shows_them_in_every_format(measured_board):
    assert "variance between seeds" in render_html(measured_board)
    assert "variance between seeds" in " ".join(render_terminal(measured_board).split())
    assert "probability of first" in render_csv(measured_board).splitlines()[0]
    assert json.loads(render_json(measured_board))["statistics"]["images"] == 200


def test_a_page_of_10_000_entries_has_a_row_for_each():
    board = standings([BoardEntry(f"s{n}", n % 67, AT) for n in range(10_000)], maximum=66)
    assert render_html(board).count('<span class="score">') == 10_000


def test_gradescope_gets_score_rank_and_leaderboard(board):
    results = gradescope_results(board, "student-000")
    assert results["score"] == 31.5
    assert results["leaderboard"] == [{"name": "Points", "value": 31.5}]
    assert "Rank 1 of 115" in results["output"]
    assert "automatic A+" in results["output"]


def test_gradescope_gets_no_zero_for_an_entry_without_a_score():
    board = standings([BoardEntry("a", status=Status.NOT_GRADED, reason="The worker was lost.")])
    assert "score" not in gradescope_results(board, "a")
    with pytest.raises(LeaderboardError, match="nobody is not on the board"):
        gradescope_results(board, "nobody")


def test_changes_are_shown_before_and_after(board):
    found = prize_changes(board, what_if(board, read_prizes([{"rank": 2, "award": "a medal"}])))
    table = change_table(found)
    assert [column.header for column in table.columns] == ["Name", "Rank", "Score", "Award"]
    assert [str(cell) for cell in table.columns[3]._cells] == ["automatic A+ → a medal", "– → a medal"]


def test_a_board_with_intervals_fits_80_columns_with_its_names_whole(measured_board):
    rows = tuple(replace(row, name=f"amber-kingfisher-00{n}") for n, row in enumerate(measured_board.standings))
    lines = render_terminal(replace(measured_board, standings=rows), width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("amber-kingfisher-00" in line for line in lines) >= 6
    assert any("kingfisher-000" in line and "automatic A+" in line for line in lines)


def test_no_name_is_broken_in_a_terminal_of_60_columns(board):
    rows = tuple(replace(row, name=f"crimson-wolverine-{n:03}") for n, row in enumerate(board.standings))
    lines = render_terminal(replace(board, standings=rows), width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert sum("crimson-wolverine-" in line for line in lines) == len(rows)


def test_a_column_of_remarks_is_there_only_if_a_row_has_one(lecture_class):
    plain_board = standings(lecture_class[:3], name="01", title="A1", maximum=66)
    rows = list(plain_board.standings)
    rows[0] = replace(rows[0], entry=replace(rows[0].entry, late=True))
    assert "Remarks" not in render_terminal(plain_board)
    assert "Remarks" in render_terminal(replace(plain_board, standings=tuple(rows)))


def test_that_most_scores_are_provisional_is_said_once(lecture_class):
    waiting = [replace(entry, provisional=True) for entry in lecture_class]
    note = "Provisional: a written answer is still to be graded, so the score can still rise."
    shown = render_terminal(standings(waiting, name="01", title="A1", maximum=66, notes=[note]))
    assert " ".join(shown.split()).count("a written answer is still to be graded") == 1


def test_whole_scores_have_a_median_without_decimals_and_points_keep_two(measured_board, board):
    shown = json.loads(render_json(measured_board))
    assert "." not in shown["median"] or shown["median"].endswith(".5")
    assert re.fullmatch(r"\d+\.\d\d", json.loads(render_json(board))["median"])


def test_one_entry_alone_has_no_histogram():
    assert 'id="histogram"' not in render_html(standings([BoardEntry("a", 5, AT)], maximum=66))


def test_the_table_of_comparisons_has_a_caption_and_says_what_it_counts(measured_board):
    page = render_html(measured_board)
    assert page.count("<caption") == page.count("<table") == 2
    assert "Images only one gets right" in page

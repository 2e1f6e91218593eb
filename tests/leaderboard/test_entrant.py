"""What an entrant is told, and which of the entries counts."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autograder.challenge.competition_results import FILE_NAME, ChallengeResult, append_result
from autograder.challenge.entries import CompetitionEntry, pack
from autograder.grading.lazy_entry import wants_to_count
from autograder.leaderboard.board import BoardEntry, ReferenceScore
from autograder.leaderboard.boards import private_board, public_board
from autograder.leaderboard.configuration import Prize
from autograder.leaderboard.entrant import AT_LINE, counted_result, entrant_lines
from autograder.leaderboard.ranking import standings
from autograder.leaderboard.render.columns import render_csv
from autograder.leaderboard.render.document import document
from autograder.leaderboard.render.html_page import render_html

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
IMAGES = 200


def result(
    right: int, *, entrant: str = "ada", hour: int = 0, counts: bool = True, private: int = 0
) -> ChallengeResult:
    """An entry that has the first ``right`` public and the first ``private`` private pictures right."""
    halves = [pack(np.arange(IMAGES) < number) for number in (right, private or right)]
    return ChallengeResult(
        entrant=entrant, at=START + dt.timedelta(hours=hour), public=(halves[0],), private=(halves[1],),
        public_images=IMAGES, private_images=IMAGES, counts=counts,
    )  # fmt: skip


class Silent:
    """An assignment without thresholds."""

    cells = ()


def lines(folder: Path, *results: ChallengeResult) -> str:
    for each in results:
        append_result(folder / FILE_NAME, each)
    entry = CompetitionEntry(weights=71_266, public=results[-1].public, counts=results[-1].counts)
    return "\n".join(entrant_lines(folder / FILE_NAME, Silent(), "ada", entry, (21.0, 3.0)))  # type: ignore[arg-type]


def test_the_first_entry_is_told_exactly_with_its_interval_seconds_and_numbers(tmp_path: Path) -> None:
    told = lines(tmp_path, result(150))
    assert "150 of 200 public pictures right: 75.00 %, 95 % interval 68.6 to 80.5 %" in told
    assert "21 of 120 s" in told
    assert "3 of 60 s" in told
    assert "71,266 of 100,000 numbers" in told


def test_an_entry_that_does_not_move_the_ladder_tells_nothing_of_its_own_score(tmp_path: Path) -> None:
    told = lines(tmp_path, result(150), result(143, hour=1))
    assert "The Ladder did not move" in told
    assert "150 of 200" in told
    assert "143" not in told


def test_an_entry_without_a_score_says_why_and_where_and_what_the_board_still_shows(tmp_path: Path) -> None:
    for each in (result(150), result(143, hour=1)):
        append_result(tmp_path / FILE_NAME, each)
    crashed = CompetitionEntry(reason="train raised ValueError", line="raise ValueError('no')")
    told = entrant_lines(tmp_path / FILE_NAME, Silent(), "ada", crashed, (0.0, 0.0))  # type: ignore[arg-type]
    assert told[:2] == ["Your entry has no score: train raised ValueError.", f"{AT_LINE} raise ValueError('no')"]
    assert told[2].startswith("The board still shows 150 of 200")
    assert not any("Ladder" in line for line in told)


def test_an_entry_that_moves_the_ladder_is_told_from_where_to_where(tmp_path: Path) -> None:
    assert "The Ladder moved, from 100: the board now shows 150 of 200" in lines(
        tmp_path, result(100), result(150, hour=1)
    )


def test_a_counted_entry_that_is_clearly_worse_than_the_shown_one_is_warned_of(tmp_path: Path) -> None:
    assert "Warning" in lines(tmp_path / "worse", result(150), result(100, hour=1))
    assert "Warning" not in lines(tmp_path / "alike", result(150), result(150, hour=1))
    assert "Warning" not in lines(tmp_path / "kept", result(150), result(100, hour=1, counts=False))


def test_another_entrants_results_are_not_mixed_in(tmp_path: Path) -> None:
    assert "150 of 200" in lines(tmp_path, result(190, entrant="bob"), result(150, hour=1))


def test_the_last_entry_that_is_to_count_does_and_else_the_last() -> None:
    first, second = result(150), result(100, hour=1, counts=False)
    assert counted_result([first, second]) is first
    assert counted_result([second]) is second
    assert counted_result([]) is None


def test_the_private_board_ranks_the_chosen_entry() -> None:
    entries = [result(150, private=120), result(100, hour=1, counts=False, private=90)]
    assert private_board(entries, START + dt.timedelta(days=1)).standings[0].entry.score == 120


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("x = 1", True),
        ("THIS_ENTRY_COUNTS = False", False),
        ("THIS_ENTRY_COUNTS = False\nTHIS_ENTRY_COUNTS = True", True),
        ("def train(:\nTHIS_ENTRY_COUNTS = False", True),
        ("THIS_ENTRY_COUNTS = len([])", True),
    ],
)
def test_the_choice_is_read_and_not_run(code: str, wanted: bool) -> None:
    assert wants_to_count([code]) is wanted


def test_the_public_board_counts_entries_and_tells_the_last_change_of_rank() -> None:
    board = public_board([result(100), result(120, entrant="bob", hour=1), result(180, hour=2)])
    rows = {row.name: row.activity for row in board.standings}
    assert rows["ada"] is not None
    assert rows["ada"].entries == 2
    assert rows["ada"].moved == 1
    assert rows["bob"] is not None
    assert rows["bob"].moved == -1


def test_the_public_page_has_banner_accuracy_references_and_announced_prizes() -> None:
    prize = Prize(award="automatic A+", rank=1, boards=("challenge",))
    board = replace(
        public_board([result(150)]), announced=(prize,), deadline=START, references=(ReferenceScore("linear", 0.5),)
    )
    page = render_html(board)
    assert "Public board" in page
    assert "2026-03-02, 09:00 UTC" in page
    assert "75.00 %" in page
    assert "linear" in page
    assert "counts on: challenge" in page
    assert 'data-name="ada"' in page
    assert document(board).references[0].after == 1


def test_a_public_board_is_a_table_for_programs_too() -> None:
    board = public_board([result(100), result(120, entrant="bob", hour=1), result(180, hour=2)])
    first, second = csv.DictReader(io.StringIO(render_csv(board)))
    assert (first["name"], first["accuracy"], first["entries"], first["last move"]) == (
        "ada",
        "0.9000",
        "2",
        "up 1, 2 Mar",
    )
    assert (second["name"], second["accuracy"], second["entries"]) == ("bob", "0.6000", "1")


def test_a_prize_that_a_tie_took_says_so() -> None:
    prizes = (Prize(award="a book", rank=1), Prize(award="bump", ranks=(2, 3)))
    board = standings([BoardEntry(name, 60) for name in "abcd"], name="01", prizes=prizes)
    assert document(board).prizes[1].nobody == "4 share rank 1, so nobody holds ranks 2–3"
    assert document(board).prizes[0].nobody == ""


def test_a_prize_of_the_challenge_is_not_won_on_a_points_board() -> None:
    prize = Prize(award="automatic A+", rank=1, boards=("challenge",))
    board = standings([BoardEntry("a", 60)], name="01-convolution", prizes=(prize,))
    assert board.prizes == ()
    assert board.standings[0].award is None


def test_provisional_is_said_once_when_it_holds_for_most() -> None:
    most = standings([BoardEntry(name, 60, provisional=name != "a") for name in "abc"], name="01")
    few = standings([BoardEntry(name, 60, provisional=name == "a") for name in "abc"], name="01")
    assert document(most).lead
    assert not any(row.remarks for row in document(most).rows)
    assert not document(few).lead
    assert document(few).rows[0].remarks == ("provisional",)

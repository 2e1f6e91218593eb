"""The Ladder, the challenge's two halves, and what adaptive submission gains."""

import datetime as dt
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from autograder.bench.ladder_simulation import ACCOUNTS, simulate
from autograder.errors import LeaderboardError
from autograder.leaderboard.boards import (
    ChallengeResult,
    append_result,
    pack,
    private_board,
    public_board,
    read_results,
    unpack,
)
from autograder.leaderboard.configuration import read_prizes
from autograder.leaderboard.entrant import Ladder

AT = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
IMAGES = 400


def answers(right):
    return np.arange(IMAGES) < right


def result(entrant, hour, public=0, private=0, **settings):
    if settings:
        return ChallengeResult(entrant=entrant, at=AT + dt.timedelta(hours=hour), **settings)
    return ChallengeResult(
        entrant=entrant,
        at=AT + dt.timedelta(hours=hour),
        public=(pack(answers(public)),),
        private=(pack(answers(private)),),
        public_images=IMAGES,
        private_images=IMAGES,
    )


def ranked(board):
    return [(row.entry.entrant, row.rank, row.entry.score) for row in board.standings]


def test_the_ladder_shows_the_first_score_and_then_only_clear_improvements():
    ladder = Ladder().submit(answers(300))
    assert ladder.shown == 300
    assert ladder.submit(answers(301)).submit(answers(280)).shown == 300
    assert ladder.submit(answers(305)).shown == 305


def test_the_ladder_moves_exactly_past_one_standard_error():
    rng = np.random.default_rng(0)
    first = rng.random(500) < 0.7
    for _ in range(60):
        second = np.where(rng.random(500) < 0.1, rng.random(500) < 0.8, first)
        change = [Fraction(int(b) - int(a)) for a, b in zip(first, second, strict=True)]
        mean = sum(change) / 500
        error_squared = sum((c - mean) ** 2 for c in change) / 499 / 500
        clear = mean > 0 and mean**2 > error_squared
        before = Ladder().submit(first)
        assert (before.submit(second) is not before) == clear


def test_a_ladder_refuses_another_set_of_images():
    with pytest.raises(LeaderboardError, match="answers 3 images"):
        Ladder().submit(answers(3)).submit([True] * 3)


def test_the_public_board_shows_the_ladder_and_nothing_finer():
    results = [result("a", 0, public=300), result("a", 1, public=301), result("b", 2, public=200), result("b", 3, 320)]
    board = public_board(results)
    assert ranked(board) == [("b", 1, 320), ("a", 2, 300)]
    assert [past.score for past in board.standings[1].entry.history] == [300, 300]
    assert board.statistics is None
    assert all(row.award is None for row in board.standings)


def test_the_private_board_counts_the_last_valid_submission_before_the_freeze():
    results = [
        result("a", 0, private=350),
        result("a", 1, private=340),
        result("a", 2, status="failed", reason="over budget"),
        result("a", 9, private=399),
        result("b", 0, private=345),
    ]
    board = private_board(results, AT + dt.timedelta(hours=5))
    assert ranked(board) == [("b", 1, 345), ("a", 2, 340)]
    assert board.statistics.images == IMAGES


def test_an_entry_over_budget_gets_a_reason_and_no_rank():
    board = private_board([result("a", 0, status="failed", reason="120,433 parameters"), result("b", 0, private=1)], AT)
    assert [(row.entry.entrant, row.entry.reason) for row in board.apart] == [("a", "120,433 parameters")]
    assert ranked(board) == [("b", 1, 1)]


def test_a_withdrawn_entrant_is_listed_apart_on_both_halves():
    results = [result("a", 0, public=9, private=9), result("a", 1, status="withdrawn")]
    for board in (public_board(results), private_board(results, AT + dt.timedelta(days=1))):
        assert [row.entry.status for row in board.apart] == ["withdrawn"]


def test_prizes_on_the_private_half_are_shared_by_a_tie():
    prizes = read_prizes([{"rank": 1, "award": "automatic A+", "board": "challenge"}])
    board = private_board([result("a", 0, private=9), result("b", 0, private=9)], AT, prizes=prizes)
    assert [row.award.name for row in board.standings] == ["automatic A+"] * 2


def test_several_trainings_are_added_up_exactly():
    both = ChallengeResult(
        entrant="a",
        at=AT,
        public=(pack(answers(10)), pack(answers(13))),
        private=(pack(answers(20)), pack(answers(25))),
        public_images=IMAGES,
        private_images=IMAGES,
    )
    board = private_board([both], AT)
    assert (board.standings[0].entry.score, board.maximum, board.statistics.seeds) == (45, 2 * IMAGES, 2)
    assert public_board([both]).standings[0].entry.score == 23


def test_entries_scored_on_different_images_do_not_share_a_board():
    other = ChallengeResult(
        entrant="b", at=AT, public=(pack(answers(1)),), private=(pack(np.ones(8, bool)),), public_images=400,
        private_images=8,
    )  # fmt: skip
    with pytest.raises(LeaderboardError, match="Score all entries alike"):
        private_board([result("a", 0), other], AT)


def test_results_come_back_from_their_log(tmp_path):
    path = tmp_path / "challenge.jsonl"
    written = [result("a", 1, 5, 6), result("b", 0, status="failed", reason="crashed")]
    for one in written:
        append_result(path, one)
    assert read_results(path) == [written[1], written[0]]


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "challenge.jsonl"
    append_result(path, result("a", 1))
    path.write_text(path.read_text() + '{"entrant": "b", "at": "yesterday"}\n')
    with pytest.raises(LeaderboardError, match="line 2"):
        read_results(path)
    with pytest.raises(LeaderboardError, match="there is no"):
        read_results(tmp_path / "none.jsonl")


@pytest.mark.parametrize("images", [1, 7, 8, 9, 1000])
def test_packed_answers_come_back(images):
    own = np.random.default_rng(images).random(images) < 0.5
    assert np.array_equal(unpack(pack(own), images), own)
    with pytest.raises(LeaderboardError, match="bits for"):
        unpack(pack(own), images + 8)


def test_the_ladder_takes_inflation_away_from_every_adaptive_entrant():
    found = {(run.entrant, run.feedback): run.inflation for run in simulate(repeats=6)}
    for entrant in ("reseeding", "climbing", "voting"):
        assert found[entrant, "exact score"] > found[entrant, "Ladder"]
    assert found["voting", "exact score"] > 0.05 > found["voting", "Ladder"]


def test_many_accounts_undo_what_the_ladder_does() -> None:
    found = {(run.entrant, run.feedback): run.inflation for run in simulate(repeats=6)}
    accounts = f"Ladder, {ACCOUNTS} accounts"
    assert found["voting", accounts] > found["voting", "Ladder"]


def test_the_private_board_tells_what_the_public_half_showed_and_no_earlier_private_score():
    results = [result("a", 0, public=300, private=350), result("a", 1, public=310, private=340)]
    (row,) = private_board(results, AT + dt.timedelta(days=1)).standings
    assert [(past.score, past.note) for past in row.history] == [(n, "shown by the public half") for n in (300, 310)]


def test_answers_that_do_not_fit_are_named_by_entrant_time_and_half():
    own = result("a", 0, public=9, private=9)
    for packed, message in (("!!", "cannot be unpacked"), (pack(np.ones(8, bool)), "bits for 400 images")):
        bad = msgspec.structs.replace(own, private=(packed,))
        with pytest.raises(LeaderboardError, match=rf"^a, handed in 2026-12-01T00.*private half: .*{message}"):
            private_board([bad], AT)


def test_a_half_without_images_is_refused():
    empty = msgspec.structs.replace(result("a", 0), private=("",), private_images=0)
    with pytest.raises(LeaderboardError, match="private half say that it has 0 images"):
        private_board([empty], AT)

"""Ranks are exact, shared in ties, and independent of the order of entries."""

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import BoardEntry, Status, decimal
from autograder.leaderboard.configuration import read_prizes
from autograder.leaderboard.ranking import competition_ranks, standings

PRIZES = read_prizes([{"rank": 1, "award": "automatic A+"}, {"ranks": [2, 3], "award": "grade bump"}])


def test_the_lectures_board_comes_out_as_on_the_slide(lecture_class, listed, listed_ranks):
    board = standings(lecture_class, scale=2, maximum=66, prizes=PRIZES, show=25)
    assert [board.points(row.entry.score) for row in board.shown] == [f"{score:.2f}" for score in listed]
    assert [row.rank for row in board.shown] == listed_ranks
    assert board.mean is not None
    assert decimal(board.mean) == "22.87"
    assert [row.award.name for row in board.shown if row.award] == ["automatic A+", "grade bump", "grade bump"]


def test_no_award_falls_below_the_third_of_the_lectures_board(lecture_class):
    board = standings(lecture_class, prizes=PRIZES)
    assert all(row.award is None for row in board.standings[3:])


@given(st.lists(st.integers(-(10**12), 10**12), max_size=50), st.booleans())
def test_ranks_agree_with_scipys(scores, descending):
    signed = [-score for score in scores] if descending else scores
    assert competition_ranks(scores, descending).tolist() == rankdata(signed, method="min").astype(int).tolist()


def test_ranks_follow_their_definition_on_100_000_random_boards():
    rng = np.random.default_rng(8)
    for size in range(1, 11):
        boards = rng.integers(0, 6, size=(10_000, size))
        better = boards[:, None, :] > boards[:, :, None]
        assert np.array_equal(competition_ranks(boards), 1 + better.sum(axis=2))


@given(st.lists(st.integers(0, 66), max_size=20), st.randoms())
def test_a_board_does_not_depend_on_the_order_of_entries(scores, shuffler):
    entries = [BoardEntry(f"s{n}", score) for n, score in enumerate(scores)]
    shuffled = entries[:]
    shuffler.shuffle(shuffled)
    assert standings(entries, prizes=PRIZES) == standings(shuffled, prizes=PRIZES)


def test_an_earlier_submission_orders_a_tie_but_shares_rank_and_award(random_entries):
    rng = random.Random(3)
    for _ in range(300):
        board = standings(random_entries(rng), prizes=PRIZES)
        for above, below in zip(board.standings, board.standings[1:], strict=False):
            if above.entry.score == below.entry.score:
                assert above.rank == below.rank
                if above.entry.at and below.entry.at:
                    assert above.entry.at <= below.entry.at


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.SCORED])
def test_an_entry_without_a_score_is_listed_apart_and_changes_no_rank(status):
    ranked = [BoardEntry("a", 5), BoardEntry("b", 3)]
    board = standings([*ranked, BoardEntry("c", 99, status=status)])
    assert [row.rank for row in board.standings] == [1, 2]
    assert [(row.entry.entrant, row.rank) for row in board.apart] == [("c", None)]
    assert board.mean == Fraction(8, 4)


def test_an_ascending_board_puts_the_least_first():
    board = standings([BoardEntry("a", 5), BoardEntry("b", 3)], descending=False)
    assert [row.entry.entrant for row in board.standings] == ["b", "a"]


def test_a_cut_never_splits_a_tie():
    board = standings([BoardEntry("a", 5), BoardEntry("b", 3), BoardEntry("c", 3), BoardEntry("d", 1)], show=2)
    assert [row.entry.entrant for row in board.shown] == ["a", "b", "c"]


def test_the_median_of_an_even_class_lies_between_the_middle_two():
    assert standings([BoardEntry("a", 5), BoardEntry("b", 2)]).median == Fraction(7, 4)


def test_a_board_without_entries_has_no_mean():
    assert standings([]).mean is None


def test_two_entries_of_one_student_are_refused():
    with pytest.raises(LeaderboardError, match="ada has two entries"):
        standings([BoardEntry("ada", 1), BoardEntry("ada", 2)])


@pytest.mark.parametrize(
    ("value", "text"), [(Fraction(1, 8), "0.13"), (Fraction(-1, 200), "-0.01"), (Fraction(-1, 1000), "0.00")]
)
def test_decimals_round_halves_away_from_zero(value, text):
    assert decimal(value) == text

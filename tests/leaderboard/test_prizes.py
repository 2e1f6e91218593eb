"""Prizes respect ranks, ties share, cut-offs and caps hold."""

import os
import random

import pytest

from autograder.errors import LeaderboardError
from autograder.leaderboard import Entry, changes, read_boards, read_prizes, standings, what_if

# RANDOM_BOARDS=100000 runs the long version, half a minute of one core.
BOARDS = int(os.environ.get("RANDOM_BOARDS", "20000"))


def winners(scores, *tables, **settings):
    """Entrant → award, for entries a, b, c … with these scores."""
    entries = [Entry(chr(97 + n), score) for n, score in enumerate(scores)]
    board = standings(entries, scale=1, prizes=read_prizes(tables), **settings)
    return {row.entry.entrant: row.award.name for row in board.standings if row.award}


FIRST, BUMP = {"rank": 1, "award": "A+"}, {"ranks": [2, 3], "award": "bump"}


def test_a_tie_for_first_shares_the_first_prize_and_uses_up_the_second_rank():
    assert winners([9, 9, 8, 7], FIRST, BUMP) == {"a": "A+", "b": "A+", "c": "bump"}


def test_a_tie_for_second_shares_the_bump_even_past_third():
    assert winners([9, 8, 8, 8, 7], FIRST, BUMP) == {"a": "A+", "b": "bump", "c": "bump", "d": "bump"}


def test_a_percentile_counts_ranked_entries_exactly():
    assert list(winners(range(30, 0, -1), {"percentile": 10, "award": "x"})) == ["a", "b", "c"]


def test_a_cut_off_that_the_best_miss_gives_them_the_next_prize():
    assert winners([9, 8], {**FIRST, "minimum": 10}, BUMP) == {"a": "bump", "b": "bump"}


def test_a_cut_off_on_an_ascending_board_is_a_most():
    assert winners([3, 1, 9], {"rank": 3, "award": "x", "minimum": 3}, descending=False) == {"b": "x", "a": "x"}


def test_a_tie_that_does_not_fit_under_the_cap_ends_the_prize():
    prize = {"percentile": 100, "award": "x", "winners": 2}
    assert winners([9, 8, 8, 7], prize) == {"a": "x"}
    assert winners([9, 8, 7], prize) == {"a": "x", "b": "x"}


def test_a_prize_belongs_to_its_board():
    prize = {**FIRST, "board": "challenge"}
    assert winners([1], prize, name="course") == {}
    assert winners([1], prize, name="challenge") == {"a": "A+"}


def test_an_entry_that_may_not_win_keeps_its_rank_and_leaves_the_cap_alone():
    entries = [Entry("late", 9, prize=False), Entry("a", 9), Entry("b", 8)]
    board = standings(entries, prizes=read_prizes([{"rank": 1, "award": "x", "winners": 1}]))
    assert {row.entry.entrant: (row.rank, bool(row.award)) for row in board.standings} == {
        "late": (1, False),
        "a": (1, True),
        "b": (3, False),
    }


def _random_prizes(rng):
    tables, last = [], 0
    for award in "pqrs"[: rng.randrange(5)]:
        if rng.random() < 0.4:
            table = {"award": award, "percentile": rng.randrange(1, 101)}
        else:
            last += rng.randrange(1, 3)
            table = {"award": award, "rank": last}
        if rng.random() < 0.4:
            table["minimum"] = rng.randrange(5)
        if rng.random() < 0.4:
            table["winners"] = rng.randrange(1, 4)
        tables.append(table)
    return read_prizes(tables)


@pytest.mark.parametrize("seed", range(4))
def test_ties_share_caps_hold_and_a_better_rank_never_wins_less_on_random_boards(random_entries, seed):
    rng = random.Random(seed)
    for _ in range(BOARDS // 4):
        entries, prizes = random_entries(rng), _random_prizes(rng)
        board = standings(entries, scale=1, prizes=prizes)
        worth = {prize.award: place for place, prize in enumerate(prizes)}
        able = [row for row in board.standings if row.entry.prize]
        won = [worth[row.award.name] if row.award else len(prizes) for row in able]
        assert won == sorted(won)
        assert len({(row.rank, place) for row, place in zip(able, won, strict=True)}) == len({row.rank for row in able})
        assert all(p.winners is None or won.count(place) <= p.winners for place, p in enumerate(prizes))
        scores = [row.entry.score for row in board.standings]
        assert [row.rank for row in board.standings] == [1 + sum(s > score for s in scores) for score in scores]
        rng.shuffle(entries)
        assert standings(entries, scale=1, prizes=prizes) == board


def test_the_simulator_shows_who_would_win_under_other_rules():
    board = standings([Entry("a", 9), Entry("b", 8)], prizes=read_prizes([FIRST]))
    changed = changes(board, what_if(board, read_prizes([{"rank": 2, "award": "A+"}])))
    assert [(c.entrant, c.award_before, c.award_after) for c in changed] == [("b", "", "A+")]
    assert [row.rank for row in board.standings] == [1, 2]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([{"award": "x"}], "exactly one of rank, ranks and percentile"),
        ([{"award": "x", "rank": 1, "percentile": 5}], "exactly one"),
        ([{"award": " ", "rank": 1}], "award is empty"),
        ([{"award": "x", "rank": 0}], "Ranks start at 1"),
        ([{"award": "x", "ranks": [1, 3]}], "neighbouring ranks"),
        ([{"award": "x", "percentile": 101}], "percentile is 101"),
        ([{"award": "x", "rank": 1, "winners": 0}], "winners is 0"),
        ([{"award": "x", "rank": 1, "wins": 2}], r"\[\[prizes\]\] 1.*wins"),
        ([{"award": "x", "rank": "first"}], r"rank"),
        ([{"award": "x", "rank": 3}, {"award": "y", "rank": 1}], "best first"),
        ([{"award": "x", "rank": 1}, {"award": "y", "ranks": [3, 4]}], "leave no rank out"),
    ],
)
def test_a_wrong_prize_is_refused_by_number_and_key(tables, message):
    with pytest.raises(LeaderboardError, match=message):
        read_prizes(tables)


def test_a_wrong_setting_is_refused_by_key():
    with pytest.raises(LeaderboardError, match="late"):
        read_boards({"late": "sometimes"})
    with pytest.raises(LeaderboardError, match="reason is empty"):
        read_boards({"adjustments": [{"student": "ada", "points": 1, "reason": ""}]})

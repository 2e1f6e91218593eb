"""Prizes respect ranks, ties share, cut-offs and caps hold."""

import random

import pytest

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import BoardEntry
from autograder.leaderboard.configuration import read_boards, read_prizes
from autograder.leaderboard.ranking import prize_changes, standings, what_if

SAMPLE, ALL = 8_000, 100_000


def winners(scores, *tables, **settings):
    """Entrant → award, for entries a, b, c … with these scores."""
    entries = [BoardEntry(chr(97 + n), score) for n, score in enumerate(scores)]
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
    entries = [BoardEntry("late", 9, prize=False), BoardEntry("a", 9), BoardEntry("b", 8)]
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


def _check_random_boards(random_entries, seed, boards):
    rng = random.Random(seed)
    for _ in range(boards):
        entries, prizes, descending = random_entries(rng), _random_prizes(rng), rng.random() < 0.7
        board = standings(entries, scale=1, prizes=prizes, descending=descending)
        worth = {prize.award: place for place, prize in enumerate(prizes)}
        able = [row for row in board.standings if row.entry.prize]
        won = [worth[row.award.name] if row.award else len(prizes) for row in able]
        assert won == sorted(won)
        assert len({(row.rank, place) for row, place in zip(able, won, strict=True)}) == len({row.rank for row in able})
        assert all(p.winners is None or won.count(place) <= p.winners for place, p in enumerate(prizes))
        scores = [row.entry.score for row in board.standings]
        better = [sum(s > score if descending else s < score for s in scores) for score in scores]
        assert [row.rank for row in board.standings] == [1 + count for count in better]
        rng.shuffle(entries)
        assert standings(entries, scale=1, prizes=prizes, descending=descending) == board


@pytest.mark.parametrize("seed", range(4))
def test_ties_share_caps_hold_and_a_better_rank_never_wins_less_on_random_boards(random_entries, seed):
    _check_random_boards(random_entries, seed, SAMPLE // 4)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 14))
def test_the_same_holds_on_100_000_random_boards(random_entries, seed):
    """About two minutes of one core."""
    _check_random_boards(random_entries, seed, ALL // 4)


def test_the_simulator_shows_who_would_win_under_other_rules():
    board = standings([BoardEntry("a", 9), BoardEntry("b", 8)], prizes=read_prizes([FIRST]))
    changed = prize_changes(board, what_if(board, read_prizes([{"rank": 2, "award": "A+"}])))
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


def test_prizes_that_are_no_tables_are_refused_with_their_file():
    with pytest.raises(LeaderboardError, match=r"other\.toml: prizes is 3\. Write each prize as a table"):
        read_prizes(3, "other.toml")  # type: ignore[arg-type]
    with pytest.raises(LeaderboardError, match=r"^other\.toml, \[\[prizes\]\] 1: .*`wins`"):
        read_prizes([{"award": "x", "rank": 1, "wins": 2}], "other.toml")


def test_points_cannot_be_given_on_the_challenge():
    with pytest.raises(LeaderboardError, match="challenge counts right answers"):
        read_boards({"adjustments": [{"student": "ada", "points": 1, "reason": "x", "board": "challenge"}]})


def test_a_wrong_setting_is_refused_by_key():
    with pytest.raises(LeaderboardError, match="late"):
        read_boards({"late": "sometimes"})
    with pytest.raises(LeaderboardError, match="reason is empty"):
        read_boards({"adjustments": [{"student": "ada", "points": 1, "reason": ""}]})

"""Intervals and tests against published values, independent libraries and simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import BoardEntry
from autograder.leaderboard.configuration import read_prizes
from autograder.leaderboard.ranking import standings
from autograder.leaderboard.statistics import (
    TOO_CLOSE,
    add_statistics,
    bonett_price,
    holm,
    mcnemar,
    paired_mean,
    rank_bootstrap,
    wilson,
)


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombes_published_intervals(right, of, low, high):
    assert [round(float(bound), 4) for bound in wilson(right, of)] == [low, high]  # Newcombe 1998, table I


@pytest.mark.parametrize(("images", "half"), [(1_000, 0.64), (10_000, 0.20)])
def test_wilson_at_99_percent_accuracy_has_the_known_half_width(images, half):
    low, high = wilson(0.99 * images, images)
    assert round(100 * float(high - low) / 2, 2) == half


def test_wilson_agrees_with_statsmodels_and_ends_exactly_at_0_and_1():
    right = np.arange(51)
    low, high = wilson(right, 50, 0.9)
    expected = proportion_confint(right, 50, alpha=0.1, method="wilson")
    np.testing.assert_allclose(low, expected[0], atol=1e-12)
    np.testing.assert_allclose(high, expected[1], atol=1e-12)
    assert (low[0], high[-1]) == (0, 1)


@pytest.mark.parametrize(("only_first", "only_second", "p"), [(60, 40, 0.0569), (120, 80, 0.0057), (1, 7, 0.0703)])
def test_mcnemar_gives_the_published_values(only_first, only_second, p):
    assert round(mcnemar(only_first, only_second), 4) == p
    assert mcnemar(only_first, only_second) == mcnemar(only_second, only_first)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 5), (3, 4), (0, 9), (310, 260)])
def test_mcnemar_agrees_with_statsmodels_and_the_binomial_test(first, second):
    expected = statsmodels_mcnemar([[7, first], [second, 9]], exact=True).pvalue
    assert mcnemar(first, second) == pytest.approx(expected, abs=1e-12)
    if first + second:
        assert mcnemar(first, second) == pytest.approx(binomtest(first, first + second).pvalue, abs=1e-12)


def test_bonett_price_gives_the_airway_datas_interval():
    low, high = bonett_price(1, 7, 21)  # Fagerland, Lydersen and Laake 2014, table VII
    assert (round(float(low), 3), round(float(high), 3)) == (-0.508, -0.013)


def test_holm_agrees_with_statsmodels():
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 40):
        p = list(rng.random(size) ** 3)
        np.testing.assert_allclose(np.asarray(holm(p)), multipletests(p, method="holm")[1])


def coverage(low, high, truth):
    return float(np.mean((low <= truth) & (truth <= high)))


@pytest.mark.parametrize("accuracy", [0.6, 0.85, 0.93])
def test_wilson_covers_the_true_accuracy_in_94_to_96_percent(accuracy):
    right = np.random.default_rng(1).binomial(1_000, accuracy, size=200_000)
    assert 0.94 <= coverage(*wilson(right, 1_000), accuracy) <= 0.96


@pytest.mark.parametrize(("only_first", "only_second"), [(0.05, 0.05), (0.08, 0.05), (0.03, 0.015)])
def test_bonett_price_covers_the_true_difference_in_94_to_96_percent(only_first, only_second):
    shares = [only_first, only_second, 1 - only_first - only_second]
    counts = np.random.default_rng(2).multinomial(1_000, shares, size=200_000)
    low, high = bonett_price(counts[:, 0], counts[:, 1], 1_000)
    assert 0.94 <= coverage(low, high, only_first - only_second) <= 0.96


def test_mcnemar_is_wrong_at_most_as_often_as_it_says():
    flips = np.random.default_rng(3).binomial(100, 0.5, size=20_000)
    p = {k: mcnemar(k, 100 - k) for k in range(101)}
    assert np.mean([p[int(k)] <= 0.05 for k in flips]) <= 0.05


def field(entries, images, seed=0, spread=0.6):
    """Correlated answers of entries of rising skill, shape (entries, images)."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=images)
    skill = np.linspace(0.9, 0.9 + spread, entries)[:, None]
    return rng.normal(size=(entries, images)) * 0.5 + ease + skill > 0


def test_the_bootstrap_agrees_with_a_plain_one():
    answers = field(6, 300)
    found = rank_bootstrap(answers, resamples=20_000, seed=1)
    rng = np.random.default_rng(99)
    totals = np.array([answers[:, rng.integers(0, 300, 300)].sum(axis=1) for _ in range(20_000)])
    ranks = 1 + (totals[:, None, :] > totals[:, :, None]).sum(axis=2)
    leads = ranks == 1
    np.testing.assert_allclose(found.first, (leads / leads.sum(axis=1, keepdims=True)).mean(axis=0), atol=0.012)
    expected = np.quantile(ranks, [0.025, 0.975], axis=0, method="inverted_cdf")
    assert np.abs(found.low - expected[0]).max() <= 1
    assert np.abs(found.high - expected[1]).max() <= 1
    assert (found.low == expected[0]).mean() > 0.6


def test_probabilities_of_first_sum_to_one_and_ties_share():
    answers = np.vstack([field(3, 200), field(3, 200)])
    found = rank_bootstrap(answers, resamples=2_000)
    assert found.first.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.first[:3], found.first[3:])


def test_entries_that_agree_on_every_image_share_the_first_place_for_certain():
    found = rank_bootstrap(np.ones((4, 50), dtype=bool), resamples=100)
    assert found.first.tolist() == pytest.approx([0.25] * 4)
    assert found.low.tolist() == found.high.tolist() == [1] * 4


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_order_of_entries_does_not_change_a_rank_interval(seeds):
    answers = np.stack([field(7, 150, seed=s) for s in range(seeds)], axis=1)
    order = np.random.default_rng(4).permutation(7)
    one, other = rank_bootstrap(answers, resamples=500), rank_bootstrap(answers[order], resamples=500)
    assert one.low[order].tolist() == other.low.tolist()
    assert one.high[order].tolist() == other.high.tolist()
    np.testing.assert_allclose(one.first[order], other.first)


def test_trainings_that_differ_widen_the_rank_intervals():
    single = field(6, 400, spread=0.3)
    rng = np.random.default_rng(5)
    noisy = np.stack([single & (rng.random((6, 1)) < 0.5) | single & (rng.random((6, 400)) < 0.9) for _ in range(3)], 1)
    fixed = np.repeat(noisy[:, :1], 3, axis=1)
    wide, narrow = rank_bootstrap(noisy, resamples=2_000), rank_bootstrap(fixed, resamples=2_000)
    assert (wide.high - wide.low).sum() > (narrow.high - narrow.low).sum()


def test_a_rank_interval_covers_the_true_rank_in_at_least_95_percent():
    rng = np.random.default_rng(6)
    skill = np.array([0.80, 0.84, 0.88, 0.92])
    hits = []
    for trial in range(150):
        found = rank_bootstrap(rng.random((4, 400)) < skill[:, None], resamples=400, seed=trial)
        hits.append((found.low <= [4, 3, 2, 1]) & (found.high >= [4, 3, 2, 1]))
    assert np.mean(hits) >= 0.95


def challenge(answers, **settings):
    entries = [BoardEntry(f"e{n}", int(own.sum())) for n, own in enumerate(answers)]
    prizes = read_prizes([{"rank": 1, "award": "automatic A+"}])
    board = standings(entries, scale=1, maximum=answers[0].size, prizes=prizes)
    return add_statistics(board, {f"e{n}": own for n, own in enumerate(answers)}, resamples=200, **settings), board


def close_pair():
    first = np.ones(1000, dtype=bool)
    second = first.copy()
    first[:40], second[40:100] = False, False
    return [first, second, np.zeros(1000, dtype=bool)]


def test_a_pair_at_the_prize_boundary_is_compared_and_badged_but_never_merged():
    board, before = challenge(close_pair())
    (pair,) = board.statistics.comparisons
    assert (pair.above, pair.below, pair.only_above, pair.only_below) == ("e0", "e1", 60, 40)
    assert round(pair.p, 4) == 0.0569
    assert [row.badges for row in board.standings] == [(TOO_CLOSE,), (TOO_CLOSE,), ()]
    assert [(row.rank, row.award) for row in board.standings] == [(row.rank, row.award) for row in before.standings]


def test_a_clear_difference_gets_no_badge():
    board, _ = challenge([np.ones(100, dtype=bool), np.zeros(100, dtype=bool)])
    assert [row.badges for row in board.standings] == [(), ()]
    assert board.statistics.comparisons[0].low > 0.9


def test_the_statement_owns_up_to_seed_variance_unless_several_seeds_were_trained():
    single, _ = challenge(close_pair())
    several, _ = challenge([np.stack([own] * 3) for own in close_pair()])
    assert "the variance between seeds is not in them" in single.statistics.statement
    assert "3 seeds" in several.statistics.statement
    assert several.standings[0].statistics.accuracy == pytest.approx(0.96)


def test_several_trainings_compare_image_by_image():
    low, high = paired_mean([1, 0, -1, 1, 0, 0, 1, 0])
    assert low < 0.25 < high


def test_answers_that_do_not_add_up_to_the_score_are_refused():
    board = standings([BoardEntry("a", 3)], scale=1)
    with pytest.raises(LeaderboardError, match="score 3 but 2 right answers"):
        add_statistics(board, {"a": np.array([1, 1, 0], dtype=bool)})
    with pytest.raises(LeaderboardError, match="answers of a are missing"):
        add_statistics(board, {})


def test_the_interval_of_several_trainings_covers_the_true_difference_in_94_to_96_percent():
    rng = np.random.default_rng(7)
    steps = np.array([-1, -0.5, 0, 0.5, 1])
    shares = np.array([0.01, 0.04, 0.88, 0.05, 0.02])
    truth, hits = float(steps @ shares), []
    for _ in range(4_000):
        low, high = paired_mean(rng.choice(steps, size=1_000, p=shares))
        hits.append(low <= truth <= high)
    assert 0.94 <= np.mean(hits) <= 0.96

"""Intervals, paired tests and rank uncertainty for boards that count right answers."""

from autograder.leaderboard.statistics.bootstrap import RankUncertainty, rank_bootstrap
from autograder.leaderboard.statistics.comparison import holm, mcnemar, mcnemar_mid_p
from autograder.leaderboard.statistics.intervals import bonett_price, paired_mean, wilson

__all__ = [
    "RankUncertainty",
    "bonett_price",
    "holm",
    "mcnemar",
    "mcnemar_mid_p",
    "paired_mean",
    "rank_bootstrap",
    "wilson",
]

"""The statistics of a board that counts right answers on shared images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby, pairwise, product

import numpy as np
from numpy.typing import NDArray

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Board, Standing
from autograder.leaderboard.statistics.bootstrap import rank_bootstrap
from autograder.leaderboard.statistics.intervals import bonett_price, paired_mean, wilson
from autograder.leaderboard.statistics.paired_tests import holm, mcnemar
from autograder.leaderboard.statistics.summary import BoardStatistics, Comparison, EntryStatistics

__all__ = ["TOO_CLOSE", "add_statistics"]

TOO_CLOSE = "too close to call"
_LEVEL = 0.05
Answers = NDArray[np.bool_]


def add_statistics(
    board: Board,
    answers: Mapping[str, Answers],
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Board:
    """Return ``board`` with intervals, tests and badges. Ranks and awards stay as they are.

    Args:
        answers: the images answered rightly, by entrant; shape (images,) or (seeds, images), the same for all.

    Raises:
        LeaderboardError: an entrant's answers are missing, have another shape, or do not add up to the score.
    """
    if not board.standings:
        return board
    table = _table(board, answers)
    _, seeds, images = table.shape
    right = table.sum(axis=(1, 2)) / seeds
    low, high = wilson(right, images, confidence)
    ranks = rank_bootstrap(table, resamples=resamples, confidence=confidence, seed=seed)
    comparisons = _comparisons(board, table, confidence)
    close = {name for pair in comparisons if pair.p_holm > _LEVEL for name in (pair.above, pair.below)}
    rows = tuple(
        replace(
            row,
            statistics=EntryStatistics(
                accuracy=float(right[i] / images),
                low=float(low[i]),
                high=float(high[i]),
                rank_low=int(ranks.low[i]),
                rank_high=int(ranks.high[i]),
                first=float(ranks.first[i]),
                badges=(TOO_CLOSE,) if row.name in close else (),
            ),
        )
        for i, row in enumerate(board.standings)
    )
    statement = _statement(images, seeds, confidence)
    found = BoardStatistics(images, seeds, resamples, confidence, comparisons, statement)
    return replace(board, standings=rows, statistics=found)


def _table(board: Board, answers: Mapping[str, Answers]) -> Answers:
    """Return everyone's answers in the order of the board; shape (entries, seeds, images)."""
    rows: list[Answers] = []
    for row in board.standings:
        entrant = row.entry.entrant
        if entrant not in answers:
            raise LeaderboardError(f"The answers of {entrant} are missing. Score the entry again.")
        own = np.atleast_2d(np.asarray(answers[entrant], dtype=bool))
        if rows and own.shape != rows[0].shape:
            raise LeaderboardError(
                f"The answers of {entrant} have shape {own.shape}, the others {rows[0].shape}. "
                "Score every entry on the same images with the same number of trainings."
            )
        if int(own.sum()) != row.entry.score:
            raise LeaderboardError(
                f"{entrant} has score {row.entry.score} but {int(own.sum())} right answers. Score the entry again."
            )
        rows.append(own)
    return np.stack(rows)


def _comparisons(board: Board, table: Answers, confidence: float) -> tuple[Comparison, ...]:
    """Compare every two neighbours of which only the upper has its prize; Holm's correction is over all of them."""
    place = {row.entry.entrant: number for number, row in enumerate(board.standings)}
    pairs = _boundary_pairs(board)
    found = [
        _compared(above, below, table[place[above.entry.entrant]], table[place[below.entry.entrant]], confidence)
        for above, below in pairs
    ]
    corrected = holm([pair.p for pair in found])
    return tuple(replace(pair, p_holm=float(p)) for pair, p in zip(found, corrected, strict=True))


def _boundary_pairs(board: Board) -> list[tuple[Standing, Standing]]:
    able = [row for row in board.standings if row.entry.prize]
    groups = [list(group) for _, group in groupby(able, key=lambda row: row.rank)]
    return [
        pair
        for upper, lower in pairwise(groups)
        if upper[0].award is not None and upper[0].award != lower[0].award
        for pair in product(upper, lower)
    ]


def _compared(above: Standing, below: Standing, first: Answers, second: Answers, confidence: float) -> Comparison:
    """Return the exact test and the interval of the difference, from which images each answers rightly."""
    seeds, images = first.shape
    more = first.sum(axis=0, dtype=np.int64) - second.sum(axis=0, dtype=np.int64)
    wins, losses = int((more > 0).sum()), int((more < 0).sum())
    if seeds == 1:
        low, high = (float(bound) for bound in bonett_price(wins, losses, images, confidence))
    else:
        low, high = paired_mean(more / seeds, confidence)
    p = mcnemar(wins, losses)
    award = above.award.name if above.award else ""
    difference = float(more.sum()) / (seeds * images)
    return Comparison(above.name, below.name, award, wins, losses, p, p, difference, low, high)


def _statement(images: int, seeds: int, confidence: float) -> str:
    text = (
        f"Intervals hold {100 * confidence:g} % and rest on the same {images:,} test images for every entry; "
        "they say how the ranking might look on other images of the same kind. "
    )
    if seeds == 1:
        return text + (
            "Every entry was trained once: seed variance is not in them, and training again with another seed "
            "could change a score."
        )
    return text + f"Every entry was trained with {seeds} seeds; their spread is in the rank intervals."

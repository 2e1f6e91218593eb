"""The statistics of a board that counts right answers on shared images.

There are confidence intervals for shares of right answers and for the difference between two entries; tests that
compare two entries on the same images, with a correction for making several; and the certainty of each rank.

The certainty of a rank comes from a paired bootstrap. Every entry answered the same images, so a resample draws images
once and scores all entries on them; what two entries have in common cancels, as it should.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, norm

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Board, BoardStatistics, Comparison, EntryStatistics, Standing

__all__ = [
    "TOO_CLOSE",
    "RankUncertainty",
    "add_statistics",
    "bonett_price",
    "holm",
    "mcnemar",
    "paired_mean",
    "rank_bootstrap",
    "wilson",
]

# ---- intervals

Floats = NDArray[np.float64]


def wilson(right: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return Wilson's score interval for a share (E. B. Wilson 1927, JASA 22:209).

    Args:
        right: right answers, any shape; may be fractional where several trainings were averaged.
        of: answers, broadcast against ``right``; at least 1.

    Returns:
        Lower and upper bounds between 0 and 1, of the broadcast shape.
    """
    x, n = np.asarray(right, dtype=np.float64), np.asarray(of, dtype=np.float64)
    z = _quantile(confidence)
    share = x / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At the ends the bounds are exactly 0 and 1; subtraction would leave 1e-17.
    return np.where(x == 0, 0.0, centre - half), np.where(x == n, 1.0, centre + half)


def bonett_price(
    only_first: ArrayLike, only_second: ArrayLike, images: ArrayLike, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the interval for the difference of two shares on the same images (Bonett and Price 2012, JEBS 37:479).

    Args:
        only_first, only_second: images that only the one, only the other answers rightly; any shape.
        images: the number of images that both answered.

    Returns:
        Lower and upper bounds of first minus second, between −1 and 1.
    """
    n = np.asarray(images, dtype=np.float64) + 2
    first = (np.asarray(only_first, dtype=np.float64) + 1) / n
    second = (np.asarray(only_second, dtype=np.float64) + 1) / n
    difference = first - second
    half = _quantile(confidence) * np.sqrt((first + second - difference**2) / n)
    return np.maximum(difference - half, -1.0), np.minimum(difference + half, 1.0)


def paired_mean(differences: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval for a mean of per-image differences, which several trainings make more than −1, 0 and 1.

    Args:
        differences: shape (images,), at least two.
    """
    values = np.asarray(differences, dtype=np.float64)
    half = _quantile(confidence) * float(values.std(ddof=1)) / float(np.sqrt(values.size))
    return float(values.mean()) - half, float(values.mean()) + half


def _quantile(confidence: float) -> float:
    return float(norm.ppf(0.5 + confidence / 2))


# ---- tests


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the p-value of the exact, two-sided McNemar test (McNemar 1947, Psychometrika 12:153).

    Under the hypothesis that both entries are equally good, an image that only one answers rightly is a fair coin.

    Args:
        only_first, only_second: images that only the one, only the other answers rightly.
    """
    flips = only_first + only_second
    return min(1.0, 2 * float(binom.cdf(min(only_first, only_second), flips, 0.5))) if flips else 1.0


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Return the corrected values of Holm's step-down correction (Holm 1979), in the given order.

    Args:
        p: shape (m,), the values of m tests of one family.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factors = np.arange(values.size, 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return corrected


# ---- the certainty of a rank

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class RankUncertainty:
    """The uncertainty of each entry's rank, in the order given.

    Attributes:
        low, high: shape (entries,), the central interval of the rank.
        first: shape (entries,), the probability of being first; a tie for first shares it.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    first: NDArray[np.float64]


def rank_bootstrap(
    correct: NDArray[np.bool_], *, resamples: int = 10_000, confidence: float = 0.95, seed: int = 0
) -> RankUncertainty:
    """Return rank intervals and the probability of being first.

    Args:
        correct: shape (entries, images), or (entries, seeds, images) where each entry was trained several times;
            then a resample also draws, entry by entry, which of its trainings are counted.
        seed: the seed of the resampling; the same input and seed give the same intervals.

    Raises:
        LeaderboardError: there is no entry or no image.
    """
    answers = correct[:, None, :] if correct.ndim == 2 else correct
    entries, trainings, images = answers.shape
    if not entries or not images:
        raise LeaderboardError("A bootstrap needs at least one entry and one image. Wait for results.")
    # An image on which all agree adds the same to everyone: only the others need to be drawn.
    telling = answers.reshape(-1, images)
    telling = telling[:, telling.any(axis=0) & ~telling.all(axis=0)].astype(np.float32)
    rng = np.random.default_rng(seed)
    drawn = rng.binomial(images, telling.shape[1] / images, size=resamples)
    picks = _training_picks(answers, resamples, seed)
    counts = np.zeros((entries, entries + 1), dtype=np.int64)
    first = np.zeros(entries)
    for start in range(0, resamples, _CHUNK):
        part = slice(start, start + _CHUNK)
        totals = _weights(rng, drawn[part], telling.shape[1]) @ telling.T
        if trainings > 1:
            totals = (totals.reshape(-1, entries, trainings) * picks[part]).sum(axis=2)
        _tally(totals.astype(np.int32), counts, first)
    return RankUncertainty(*_interval(counts, resamples, confidence), first / resamples)


def _weights(rng: np.random.Generator, drawn: NDArray[np.int64], images: int) -> NDArray[np.float32]:
    """Return how often each image is drawn in each resample; shape (resamples, images), rows summing to ``drawn``."""
    if not images:
        return np.zeros((drawn.size, 0), dtype=np.float32)
    which = rng.integers(0, images, size=int(drawn.sum()), dtype=np.int32)
    which += np.repeat(np.arange(drawn.size, dtype=np.int32) * images, drawn)
    return np.bincount(which, minlength=drawn.size * images).reshape(drawn.size, images).astype(np.float32)


def _training_picks(answers: NDArray[np.bool_], resamples: int, seed: int) -> NDArray[np.float32]:
    """Return how often each training is counted; shape (resamples, entries, trainings).

    Each entry draws from a generator of its own, seeded by its answers: the order of entries changes nothing.
    """
    entries, trainings, _ = answers.shape
    if trainings == 1:
        return np.ones((1, entries, 1), dtype=np.float32)
    picks = np.empty((resamples, entries, trainings), dtype=np.float32)
    for place, entry in enumerate(answers):
        own = int.from_bytes(hashlib.blake2b(np.packbits(entry).tobytes(), digest_size=8).digest(), "big")
        rng = np.random.default_rng([seed, own])
        picks[:, place] = rng.multinomial(trainings, [1 / trainings] * trainings, size=resamples)
    return picks


def _tally(totals: NDArray[np.int32], counts: NDArray[np.int64], first: NDArray[np.float64]) -> None:
    """Add each resample's ranks (1224) to ``counts[entry, rank]``, and its shares of the first place to ``first``."""
    entries = totals.shape[1]
    # Score and entry in one integer: a plain sort of integers is several times faster than argsort.
    keys = np.sort((totals.max() - totals).astype(np.int64) * entries + np.arange(entries), axis=1)
    losses, who = np.divmod(keys, entries)
    place = np.broadcast_to(np.arange(1, entries + 1), losses.shape)
    fresh = np.ones(losses.shape, dtype=bool)
    fresh[:, 1:] = losses[:, 1:] != losses[:, :-1]
    ranks = np.maximum.accumulate(np.where(fresh, place, 0), axis=1)
    counts += np.bincount((who * (entries + 1) + ranks).ravel(), minlength=counts.size).reshape(counts.shape)
    leading = ranks == 1
    share = np.broadcast_to(1.0 / leading.sum(axis=1, keepdims=True), ranks.shape)
    first += np.bincount(who[leading], weights=share[leading], minlength=entries)


def _interval(
    counts: NDArray[np.int64], resamples: int, confidence: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ranks between which each entry stays, with ``(1 − confidence) / 2`` of the resamples past each end."""
    below = np.cumsum(counts, axis=1)
    tail = (1 - confidence) / 2 * resamples
    low = np.argmax(below > tail, axis=1)
    high = np.argmax(below >= resamples - tail, axis=1)
    return low.astype(np.int64), high.astype(np.int64)


# ---- the statistics of a board

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
        f"The {100 * confidence:g} % intervals come from the same {images:,} test images for every entry; "
        "they show how the ranking might look on other images of the same kind. "
    )
    if seeds == 1:
        return text + (
            "Every entry was trained once: the variance between seeds is not in them, and training again with another "
            "seed could change a score."
        )
    return text + f"Every entry was trained with {seeds} seeds; their spread is in the rank intervals."

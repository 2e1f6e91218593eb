"""The certainty of a rank: a paired bootstrap over the test images.

Every entry answered the same images, so a resample draws images once and scores all entries on them; what two
entries have in common cancels, as it should.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autograder.errors import LeaderboardError

__all__ = ["RankUncertainty", "rank_bootstrap"]

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

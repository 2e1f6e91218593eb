"""The statistics of an entry and of a board, ready to show."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BoardStatistics", "Comparison", "EntryStatistics"]


@dataclass(frozen=True, slots=True)
class EntryStatistics:
    """The uncertainty of one entry.

    Attributes:
        accuracy: share of right answers, 0 to 1.
        low, high: Wilson interval of the accuracy.
        rank_low, rank_high: central interval of the entry's rank over the bootstrap.
        first: probability of being first, ties shared, over the bootstrap.
        badges: remarks to show; they never change a rank.
    """

    accuracy: float
    low: float
    high: float
    rank_low: int
    rank_high: int
    first: float
    badges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two neighbours at a prize boundary, compared on the same images.

    Attributes:
        above, below: their public names.
        prize: the prize that only the first has.
        only_above, only_below: images that only the one answers rightly.
        p: exact McNemar, two-sided.
        p_holm: the same, corrected for all comparisons on the board (Holm).
        difference, low, high: the difference of the accuracies, with the Bonett–Price interval.
    """

    above: str
    below: str
    prize: str
    only_above: int
    only_below: int
    p: float
    p_holm: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BoardStatistics:
    """The statistics of a whole challenge board.

    Attributes:
        images: the number of test images that every entry answered.
        seeds: trainings per entry.
        resamples: bootstrap resamples behind the rank intervals.
        confidence: the confidence of every interval, e.g. 0.95.
        comparisons: one comparison at each prize boundary, best first.
        statement: a text on what the intervals hold and what they leave out.
    """

    images: int
    seeds: int
    resamples: int
    confidence: float
    comparisons: tuple[Comparison, ...]
    statement: str

"""The nouns of a leaderboard: entries come in, and standings on a board go out.

Scores are whole numbers of *units*. A board has a number of units per point (``scale``): 2 for half points, 1 for
counts of right answers. Nothing is ranked on a rounded or floating value, and what is shown is what was sorted. Times
have a zone. The statistics of an entry and of a board are kept here ready to show.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from autograder.leaderboard.configuration import Prize

__all__ = [
    "SCALES",
    "Activity",
    "Attempt",
    "Award",
    "Board",
    "BoardEntry",
    "BoardStatistics",
    "Comparison",
    "EntryStatistics",
    "ReferenceScore",
    "Standing",
    "Status",
    "hundredths",
    "moment",
    "scale_for",
]

# ---- points and times

SCALES = (2, 4, 10, 20, 50, 100)


def hundredths(points: float) -> int:
    """Return ``points`` in hundredths, the finest step that a board shows, without binary noise such as 0.1 + 0.2."""
    return int((Decimal(repr(float(points))) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def scale_for(points: Iterable[float]) -> int:
    """Return the smallest number of units per point in which every score is whole: 2 unless something finer occurs."""
    values = {hundredths(value) for value in points}
    return next(scale for scale in SCALES if all(value * scale % 100 == 0 for value in values))


def moment(at: dt.datetime) -> dt.datetime:
    """Return ``at`` with a zone: a time without one is UTC, as in nbgrader's gradebook."""
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


# ---- statistics to show


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


# ---- entries, standings and boards


class Status(StrEnum):
    """The kind of an entry: scored, or the reason why it has no score to rank."""

    SCORED = "scored"
    MISSING = "missing"
    FAILED = "failed"
    NOT_GRADED = "not graded"
    UNREADABLE = "unreadable"
    LATE = "late"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One scored submission in an entry's history.

    Attributes:
        at: the time when it was handed in, or None where that is not known.
        score: the score in units of the board.
        note: a remark on what happened, e.g. ``"regrade: the mask was too strict"``.
    """

    at: dt.datetime | None
    score: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """One competitor, before ranking.

    Attributes:
        entrant: the competitor, such as a student id; never rendered.
        score: the score in units; ignored unless ``status`` is scored.
        at: the time when the counted submission was handed in; orders rows within a tie and nothing else.
        status: scored, or the reason why it has no rank.
        reason: a sentence for people, shown beside an unranked entry.
        history: earlier attempts, oldest first.
        late: True if it was handed in after the deadline, and is ranked all the same.
        provisional: True if a part that a person grades is still open.
        prize: True if the entry may win a prize.
        badges: short remarks, shown beside the name.
        adjustments: reasons for which a person gave or took points, each with the points; kept in the log.
    """

    entrant: str
    score: int = 0
    at: dt.datetime | None = None
    status: Status = Status.SCORED
    reason: str = ""
    history: tuple[Attempt, ...] = ()
    late: bool = False
    provisional: bool = False
    prize: bool = True
    badges: tuple[str, ...] = ()
    adjustments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Award:
    """The award of a standing: the prize's text and, where the prize gives any, points."""

    name: str
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class Activity:
    """The part that an entrant takes in a competition.

    Attributes:
        entries: the number of entries handed in, those without a score included.
        moved: the last change of the rank: positive for a better one; 0 while it has never changed.
        moved_at: the time of that change; None while it has never changed.
    """

    entries: int
    moved: int = 0
    moved_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ReferenceScore:
    """An entry of the course's own, shown among the others and never ranked: its name and its accuracy, 0 to 1."""

    name: str
    accuracy: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of the board: an entry with its public name and, if it has a score, its rank (1224).

    Attributes:
        recorded: the scores in the board's log, oldest first.
        activity: the number and the effect of the entrant's entries, on a competition's board.
    """

    entry: BoardEntry = field(repr=False)
    name: str
    rank: int | None
    award: Award | None = None
    shared: bool = False
    statistics: EntryStatistics | None = None
    recorded: tuple[Attempt, ...] = ()
    activity: Activity | None = None

    @property
    def history(self) -> tuple[Attempt, ...]:
        """The scores before this one: the entry's own attempts, or else what was published of it."""
        return self.entry.history or self.recorded

    @property
    def badges(self) -> tuple[str, ...]:
        """All remarks beside the name, in the order in which they are shown."""
        marks = (("late", self.entry.late), ("provisional", self.entry.provisional))
        own = tuple(text for text, holds in marks if holds)
        return own + self.entry.badges + (self.statistics.badges if self.statistics else ())


@dataclass(frozen=True, slots=True)
class Board:
    """A ranking, complete and ready to render.

    Attributes:
        name: the name, e.g. ``"01-convolution"``, ``"course"`` or ``"challenge"``.
        title: the name for people.
        scale: units per point.
        maximum: the best possible score in units, or None if there is none.
        descending: True if more is better.
        standings: the ranked entries, best first; ties ordered by time, then by name.
        apart: the entries without a rank.
        prizes: the rules the awards follow.
        show: the number of rows to publish, ties at the cut included; 0 for all.
        unit: the name of a point, e.g. ``"points"`` or ``"right answers"``.
        notes: sentences that belong under the table.
        times: the precision of the times that are shown; a precise time could undo a pseudonym.
        updated: the latest change the board rests on.
        statistics: the intervals and tests, on a challenge board.
        log: the number of records in the board's log, and the hash that it ends with.
        phase: ``"public"``, ``"private"`` or ``"final"`` on a competition's board; ``"final"`` on any that is frozen.
        deadline: the time until which work can be handed in, or None where there is none.
        announced: prizes that are decided later, on another half of the pictures.
        references: the course's own entries, shown between the ranked ones.
    """

    _repr_html_: ClassVar[Callable[[Board], str]]
    """The display of a board in a notebook, given by `autograder.leaderboard.render.html_page`."""

    name: str
    title: str
    scale: int
    maximum: int | None
    descending: bool
    standings: tuple[Standing, ...]
    apart: tuple[Standing, ...] = ()
    prizes: tuple[Prize, ...] = ()
    show: int = 0
    unit: str = "points"
    notes: tuple[str, ...] = ()
    times: str = "hour"
    updated: dt.datetime | None = None
    statistics: BoardStatistics | None = None
    log: str = ""
    phase: str = ""
    deadline: dt.datetime | None = None
    announced: tuple[Prize, ...] = ()
    references: tuple[ReferenceScore, ...] = ()

    @property
    def mean(self) -> Fraction | None:
        """The mean of every ranked score, shown or not, in points; exact."""
        if not self.standings:
            return None
        return Fraction(sum(standing.entry.score for standing in self.standings), len(self.standings) * self.scale)

    @property
    def median(self) -> Fraction | None:
        """The median of every ranked score, in points; exact."""
        if not self.standings:
            return None
        ordered = sorted(standing.entry.score for standing in self.standings)
        middle = len(ordered) // 2
        return Fraction(ordered[middle] + ordered[~middle], 2 * self.scale)

    @property
    def shown(self) -> tuple[Standing, ...]:
        """The rows to publish: the first ``show``, and every row tied with the last of them."""
        if not self.show or len(self.standings) <= self.show:
            return self.standings
        last = self.standings[self.show - 1].rank
        return tuple(row for row in self.standings if row.rank is not None and last is not None and row.rank <= last)

    def points(self, units: int | Fraction) -> str:
        """Return ``units`` in points, as text: whole for counts, else two decimals (exact, since scales divide 100)."""
        value = Fraction(units) / self.scale
        return str(value) if self.scale == 1 and value.denominator == 1 else decimal(value)


def decimal(value: Fraction, places: int = 2) -> str:
    """Return ``value`` as text with ``places`` decimals, halves rounded away from zero, without a float in between."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = str(whole).rjust(places + 1, "0")
    sign = "-" if value < 0 and whole else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}"

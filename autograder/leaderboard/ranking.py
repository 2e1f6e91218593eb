"""The ranking of entries, and the winners of prizes.

The ranking is exact, and the same whatever order the entries come in. Prizes can be tried under other rules, and two
boards compared entry by entry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Award, Board, BoardEntry, Standing, Status, moment
from autograder.leaderboard.configuration import Prize

__all__ = [
    "PrizeChange",
    "award_prizes",
    "competition_ranks",
    "nobodys_reason",
    "prize_changes",
    "standings",
    "what_if",
]


# ---- prizes


@dataclass
class _Open:
    """A prize while it is being handed out."""

    prize: Prize
    reach: int
    left: float
    closed: bool = False

    def takes(self, rank: int, score: Fraction, winners: int, descending: bool) -> bool:
        """Return whether a tie of ``winners`` entries gets the prize. A tie that does not fit under the cap ends it."""
        if self.closed or rank > self.reach or not self._meets(score, descending):
            return False
        if winners > self.left:
            self.closed = True
            return False
        self.left -= winners
        return True

    def _meets(self, score: Fraction, descending: bool) -> bool:
        if self.prize.minimum is None:
            return True
        bound = Fraction(str(self.prize.minimum))
        return score >= bound if descending else score <= bound


def award_prizes(
    rows: Sequence[Standing], prizes: Sequence[Prize], scale: int, descending: bool = True
) -> list[Standing]:
    """Return ``rows`` (ranked, best first) with their awards.

    Everyone in a tie gets the same. An entry gets the first prize, in the order of the list, that reaches its rank;
    so a better rank never gets a later prize than a worse one. Entries that may not win (``entry.prize`` false) hold
    their rank, use up nothing under a cap, and get nothing.
    """
    pool = [_Open(p, p.reach(len(rows)), float("inf") if p.winners is None else p.winners) for p in prizes]
    result: list[Standing] = []
    for rank, group in groupby(rows, key=lambda row: row.rank or 0):
        tied = list(group)
        award = _award(pool, rank, Fraction(tied[0].entry.score, scale), tied, descending)
        result += [replace(row, award=award if row.entry.prize else None) for row in tied]
    return result


def _award(pool: list[_Open], rank: int, score: Fraction, tied: list[Standing], descending: bool) -> Award | None:
    winners = sum(row.entry.prize for row in tied)
    if not winners:
        return None
    for place in pool:
        if place.takes(rank, score, winners, descending):
            return Award(place.prize.award, place.prize.points)
    return None


def nobodys_reason(board: Board, prize: Prize) -> str:
    """Return why nobody on ``board`` wins ``prize``, in words; empty if somebody does, or nobody is ranked."""
    rows = board.standings
    if not rows or any(row.award is not None and row.award.name == prize.award for row in rows):
        return ""
    reach = prize.reach(len(rows))
    ties = [(rank, len(list(group))) for rank, group in groupby(rows, key=lambda row: row.rank or 0)]
    last = next((tie for tie in reversed(ties) if tie[0] <= reach), None)
    if last is None:
        return "too few are ranked for it"
    rank, tied = last
    if prize.winners is not None and tied > prize.winners:
        return f"{tied} share rank {rank}, more than can win it, and a tie is never split"
    if prize.ranks and rank < prize.ranks[0] <= rank + tied - 1:
        return f"{tied} share rank {rank}, so nobody holds {prize.place()}"
    if prize.minimum is not None:
        return "nobody in its reach meets the cut-off"
    return ""


def what_if(board: Board, prizes: Sequence[Prize]) -> Board:
    """Return the same standings under other prize rules."""
    rules = tuple(prize for prize in prizes if prize.counts_for(board.name))
    rows = award_prizes(board.standings, rules, board.scale, board.descending)
    return replace(board, standings=tuple(rows), prizes=rules)


@dataclass(frozen=True, slots=True)
class PrizeChange:
    """One entry that differs between two boards. Ranks are None where the entry is not ranked or not there."""

    entrant: str
    name: str
    rank_before: int | None
    rank_after: int | None
    score_before: str
    score_after: str
    award_before: str
    award_after: str


def prize_changes(before: Board, after: Board, key: Callable[[str], str] = str) -> list[PrizeChange]:
    """Return every entry whose rank, score, status or award differs, in the order of ``after``.

    Args:
        key: a function applied to the entrants of ``after`` where ``before`` came from a log, which knows keys only.
    """
    old = {row.entry.entrant: row for row in (*before.standings, *before.apart)}
    new = {key(row.entry.entrant): row for row in (*after.standings, *after.apart)}
    found = []
    for entrant in [*new, *(e for e in old if e not in new)]:
        was, now = old.get(entrant), new.get(entrant)
        left, right = _told(before, was), _told(after, now)
        row = now or was
        if left != right and row is not None:
            found.append(PrizeChange(entrant, row.name, left[0], right[0], left[1], right[1], left[2], right[2]))
    return found


def _told(board: Board, row: Standing | None) -> tuple[int | None, str, str]:
    if row is None:
        return (None, "", "")
    score = board.points(row.entry.score) if row.rank is not None else row.entry.status.value
    return (row.rank, score, row.award.name if row.award else "")


# ---- ranks

_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


def competition_ranks(scores: Sequence[int] | NDArray[np.int64], descending: bool = True) -> NDArray[np.int64]:
    """Return standard competition ranks ("1224"): one more than the number of strictly better scores.

    Args:
        scores: shape (..., n), whole numbers; each row along the last axis is ranked by itself.
        descending: True if more is better.

    Returns:
        Ranks from 1, of the same shape.
    """
    values = np.asarray(scores, dtype=np.int64)
    if values.size == 0:
        return np.zeros(values.shape, dtype=np.int64)
    keys = -values if descending else values
    order = np.argsort(keys, axis=-1, kind="stable")
    ordered = np.take_along_axis(keys, order, axis=-1)
    place = np.broadcast_to(np.arange(1, values.shape[-1] + 1), values.shape)
    first = np.ones(values.shape, dtype=bool)
    first[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    ranks = np.empty(values.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.maximum.accumulate(np.where(first, place, 0), axis=-1), axis=-1)
    return ranks


def standings(
    entries: Iterable[BoardEntry],
    *,
    name: str = "course",
    title: str = "",
    scale: int = 2,
    maximum: int | None = None,
    descending: bool = True,
    prizes: Sequence[Prize] = (),
    names: Callable[[str], str] = str,
    show: int = 0,
    unit: str = "points",
    notes: Sequence[str] = (),
    times: str = "hour",
) -> Board:
    """Rank ``entries`` and award ``prizes``.

    Args:
        entries: the entries in any order; the board does not depend on it.
        scale: units per point; it must divide 100, so that two decimals show a score exactly.
        maximum: the best possible score, in units.
        names: a function from an entrant to the name that may be shown.

    Raises:
        LeaderboardError: two entries of one entrant, or a scale that two decimals cannot show.
    """
    if scale < 1 or 100 % scale:
        raise LeaderboardError(f"scale is {scale}. Use one of 1, 2, 4, 5, 10, 20, 25, 50, 100 units per point.")
    everyone = list(entries)
    _refuse_doubles(everyone)
    scored = [entry for entry in everyone if entry.status is Status.SCORED]
    rows = _ranked(scored, descending, names)
    rows = award_prizes(rows, [prize for prize in prizes if prize.counts_for(name)], scale, descending)
    apart = [Standing(entry, names(entry.entrant), None) for entry in everyone if entry.status is not Status.SCORED]
    order = list(Status)
    apart.sort(key=lambda row: (order.index(row.entry.status), row.name))
    return Board(
        name=name,
        title=title or name,
        scale=scale,
        maximum=maximum,
        descending=descending,
        standings=tuple(rows),
        apart=tuple(apart),
        prizes=tuple(prize for prize in prizes if prize.counts_for(name)),
        show=show,
        unit=unit,
        notes=tuple(notes),
        times=times,
        updated=max((moment(entry.at) for entry in everyone if entry.at), default=None),
    )


def _ranked(scored: list[BoardEntry], descending: bool, names: Callable[[str], str]) -> list[Standing]:
    values = [entry.score for entry in scored]
    ranks = competition_ranks(values, descending).tolist()
    holders: dict[int, int] = {}
    for rank in ranks:
        holders[rank] = holders.get(rank, 0) + 1
    rows = [
        Standing(entry, names(entry.entrant), rank, shared=holders[rank] > 1)
        for entry, rank in zip(scored, ranks, strict=True)
    ]
    return sorted(rows, key=_row_order)


def _row_order(row: Standing) -> tuple[int, dt.datetime, str, str]:
    return (row.rank or 0, moment(row.entry.at) if row.entry.at else _NEVER, row.name, row.entry.entrant)


def _refuse_doubles(entries: list[BoardEntry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.entrant in seen:
            raise LeaderboardError(f"{entry.entrant} has two entries on one board. Keep the one that counts.")
        seen.add(entry.entrant)

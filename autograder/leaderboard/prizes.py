"""The winners of prizes, under the rules and under other ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from autograder.leaderboard.board import Award, Board, Standing
from autograder.leaderboard.configuration import Prize

__all__ = ["PrizeChange", "award_prizes", "nobodys_reason", "prize_changes", "what_if"]


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

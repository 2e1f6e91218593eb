"""The ranking of entries: exact, and the same whatever order the entries come in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Board, BoardEntry, Standing, Status
from autograder.leaderboard.configuration import Prize
from autograder.leaderboard.prizes import award_prizes
from autograder.leaderboard.units import moment

__all__ = ["competition_ranks", "standings"]

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

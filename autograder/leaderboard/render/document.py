"""The board as plain data: what every other format shows, and nothing that would undo a pseudonym."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import msgspec

from autograder.leaderboard.board import Board, Standing, Status, decimal
from autograder.leaderboard.ranking import moment

__all__ = ["Document", "document", "document_schema", "render_json"]

FORMAT = "autograder-leaderboard/1"
_STEPS = {
    "minute": {"second": 0},
    "hour": {"second": 0, "minute": 0},
    "day": {"second": 0, "minute": 0, "hour": 0},
}


class Past(msgspec.Struct, frozen=True):
    """An earlier attempt: when (coarse, ISO 8601 or empty), its score, and a remark."""

    at: str
    score: str
    units: int
    note: str


class Uncertainty(msgspec.Struct, frozen=True):
    """Intervals of one entry; accuracies from 0 to 1."""

    accuracy: float
    low: float
    high: float
    rank_low: int
    rank_high: int
    first: float


class Row(msgspec.Struct, frozen=True):
    """A ranked entry. ``score`` is text with the digits that are shown; ``units`` is the number that was sorted."""

    rank: int
    shared: bool
    name: str
    score: str
    units: int
    at: str
    badges: tuple[str, ...]
    award: str
    award_points: float
    history: tuple[Past, ...]
    statistics: Uncertainty | None


class Unranked(msgspec.Struct, frozen=True):
    """An entry without a rank, and why."""

    name: str
    status: str
    reason: str


class Rule(msgspec.Struct, frozen=True):
    """A prize and the rule it follows, in words."""

    rule: str
    award: str


class Boundary(msgspec.Struct, frozen=True):
    """Neighbours at a prize boundary, compared on the same images."""

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


class Sample(msgspec.Struct, frozen=True):
    """What the statistics rest on."""

    images: int
    seeds: int
    resamples: int
    confidence: float
    statement: str
    comparisons: tuple[Boundary, ...]


class Document(msgspec.Struct, frozen=True):
    """The whole board. ``units / scale`` is a score in points; ``maximum`` is in points, empty if there is none."""

    format: str
    board: str
    title: str
    unit: str
    scale: int
    maximum: str
    descending: bool
    updated: str
    ranked: int
    mean: str
    median: str
    prizes: tuple[Rule, ...]
    rows: tuple[Row, ...]
    apart: tuple[Unranked, ...]
    notes: tuple[str, ...]
    statistics: Sample | None
    log: str


def document(board: Board) -> Document:
    """``board`` as plain data, ready for any format. Times are as coarse as the board asks."""
    return Document(
        format=FORMAT,
        board=board.name,
        title=board.title,
        unit=board.unit,
        scale=board.scale,
        maximum="" if board.maximum is None else board.points(board.maximum),
        descending=board.descending,
        updated=coarse(board.updated, board.times),
        ranked=len(board.standings),
        mean=_average(board.mean),
        median=_average(board.median),
        prizes=tuple(Rule(prize.rule(), prize.award) for prize in board.prizes),
        rows=tuple(_row(board, row) for row in board.shown),
        apart=tuple(_unranked(row) for row in board.apart),
        notes=board.notes,
        statistics=_sample(board),
        log=board.log,
    )


def render_json(board: Board) -> str:
    """``board`` as indented JSON after the schema in docs/leaderboard.schema.json."""
    return msgspec.json.format(msgspec.json.encode(document(board)), indent=2).decode() + "\n"


def document_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of what ``render_json`` writes."""
    return msgspec.json.schema(Document)


def coarse(at: dt.datetime | None, step: str) -> str:
    """``at`` in UTC, cut to the minute, hour or day; empty for None or the step ``"none"``."""
    if at is None or step == "none":
        return ""
    cut = moment(at).astimezone(dt.UTC).replace(microsecond=0, **_STEPS[step])  # type: ignore[arg-type]
    return cut.date().isoformat() if step == "day" else cut.strftime("%Y-%m-%dT%H:%MZ")


def _average(value: Fraction | None) -> str:
    return "" if value is None else decimal(value)


def _row(board: Board, row: Standing) -> Row:
    entry = row.entry
    return Row(
        rank=row.rank or 0,
        shared=row.shared,
        name=row.name,
        score=board.points(entry.score),
        units=entry.score,
        at=coarse(entry.at, board.times),
        badges=row.badges,
        award=row.award.name if row.award else "",
        award_points=row.award.points if row.award else 0.0,
        history=tuple(
            Past(coarse(past.at, board.times), board.points(past.score), past.score, past.note) for past in row.history
        ),
        statistics=_uncertainty(row),
    )


def _uncertainty(row: Standing) -> Uncertainty | None:
    found = row.statistics
    if found is None:
        return None
    return Uncertainty(found.accuracy, found.low, found.high, found.rank_low, found.rank_high, found.first)


def _unranked(row: Standing) -> Unranked:
    reason = "" if row.entry.status is Status.WITHDRAWN else row.entry.reason
    return Unranked(row.name, row.entry.status.value, reason)


def _sample(board: Board) -> Sample | None:
    if board.statistics is None:
        return None
    found = board.statistics
    boundaries = tuple(
        Boundary(**{name: getattr(pair, name) for name in Boundary.__struct_fields__}) for pair in found.comparisons
    )
    return Sample(found.images, found.seeds, found.resamples, found.confidence, found.statement, boundaries)

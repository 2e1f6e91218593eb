"""The board as plain data: everything that the other formats show, and nothing that would undo a pseudonym."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import msgspec

from autograder.leaderboard.board import Activity, Board, Comparison, Standing, Status, decimal, moment
from autograder.leaderboard.configuration import Prize
from autograder.leaderboard.ranking import nobodys_reason

__all__ = ["Document", "document", "document_schema", "render_json"]

FORMAT = "autograder-leaderboard/1"
PROVISIONAL = "provisional"
_PHASES = {
    "public": "Public board: half of the hidden pictures. The competition is running, and the other half decides.",
    "private": "Private board: the half of the hidden pictures that decides, not final yet.",
    "final": "Final board: it is frozen; ranks and prizes are final.",
}
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
    """A ranked entry. ``score`` is text with the digits that are shown; ``units`` is the number that was sorted.

    Attributes:
        badges: all remarks.
        remarks: those to show beside the name: without what is shown once for most rows.
        accuracy: the share of right answers in percent, as text; empty where a score is not a count of them.
        entries, moved, moved_at: the number handed in; ranks gained at the last change of the rank, and its time.
    """

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
    remarks: tuple[str, ...] = ()
    accuracy: str = ""
    entries: int = 0
    moved: int = 0
    moved_at: str = ""


class Reference(msgspec.Struct, frozen=True):
    """An entry of the course's own, unranked: its name, the rank after which it stands, and its accuracy as text."""

    name: str
    after: int
    accuracy: str


class Unranked(msgspec.Struct, frozen=True):
    """An entry without a rank, and the reason."""

    name: str
    status: str
    reason: str


class Rule(msgspec.Struct, frozen=True):
    """A prize and the rule it follows, in words.

    Attributes:
        boards: those that it counts for; empty if it counts for every board.
        nobody: the reason why nobody wins it; empty if somebody does.
    """

    rule: str
    award: str
    boards: tuple[str, ...] = ()
    nobody: str = ""


class Sample(msgspec.Struct, frozen=True):
    """The sample that the statistics rest on."""

    images: int
    seeds: int
    resamples: int
    confidence: float
    statement: str
    comparisons: tuple[Comparison, ...]


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
    banner: str = ""
    phase: str = ""
    lead: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()

    @property
    def further_notes(self) -> list[str]:
        """The notes that the lead does not give already."""
        return [note for note in self.notes if not (self.lead and note.startswith("Provisional:"))]


def document(board: Board) -> Document:
    """Return ``board`` as plain data, ready for any format. Times are as coarse as the board asks."""
    common = _common(board)
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
        mean=_average(board, board.mean),
        median=_average(board, board.median),
        prizes=tuple(_rule(board, prize) for prize in board.prizes or board.announced),
        rows=tuple(_row(board, row, common) for row in board.shown),
        apart=tuple(_unranked(row) for row in board.apart),
        notes=board.notes,
        statistics=_sample(board),
        log=board.log,
        banner=_banner(board),
        phase=board.phase,
        lead=tuple(_said_once(board, badge) for badge in common),
        references=_references(board),
    )


def _common(board: Board) -> tuple[str, ...]:
    """Return the remarks that most rows would bear alike: shown once above the table, they need not stand in it."""
    bearers = sum(PROVISIONAL in row.badges for row in board.standings)
    return (PROVISIONAL,) if 2 * bearers > len(board.standings) else ()


def _said_once(board: Board, badge: str) -> str:
    bearers, everyone = sum(badge in row.badges for row in board.standings), len(board.standings)
    which = "All scores are" if bearers == everyone else f"{bearers} of {everyone} scores are"
    return f"{which} {badge}: a written answer is still to be graded, so they can still rise."


def _banner(board: Board) -> str:
    """Return the kind of the board and the time until which work can be handed in; empty if neither is to be shown."""
    until = coarse(board.deadline, "minute")
    words = _PHASES.get(board.phase, "")
    if not until or board.phase == "final":
        return words
    when = f"{until[:10]}, {until[11:16]} UTC"
    return f"{words} Entries count until {when}." if words else f"Deadline: {when}."


def _rule(board: Board, prize: Prize) -> Rule:
    places = () if "*" in prize.places else prize.places
    return Rule(prize.rule(), prize.award, places, "" if board.announced else nobodys_reason(board, prize))


def _references(board: Board) -> tuple[Reference, ...]:
    """Return the course's own entries, each after the last shown row that is at least as good."""
    if not board.maximum:
        return ()
    shares = [row.entry.score / board.maximum for row in board.shown]
    return tuple(
        Reference(each.name, sum(share >= each.accuracy for share in shares), f"{100 * each.accuracy:.2f} %")
        for each in board.references
    )


def render_json(board: Board) -> str:
    """Return ``board`` as indented JSON after the schema in docs/leaderboard.schema.json."""
    return msgspec.json.format(msgspec.json.encode(document(board)), indent=2).decode() + "\n"


def document_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the output of ``render_json``."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Document)))
    return plain


def coarse(at: dt.datetime | None, step: str) -> str:
    """Return ``at`` in UTC, cut to the minute, hour or day; empty for None or the step ``"none"``."""
    if at is None or step == "none":
        return ""
    cut = moment(at).astimezone(dt.UTC).replace(microsecond=0, **_STEPS[step])  # type: ignore[arg-type]
    return cut.date().isoformat() if step == "day" else cut.strftime("%Y-%m-%dT%H:%MZ")


def _average(board: Board, value: Fraction | None) -> str:
    """Return a mean or median with the digits that the board's scores deserve: whole scores get one, or none."""
    if value is None:
        return ""
    return decimal(value, 1).removesuffix(".0") if board.scale == 1 else decimal(value)


def _row(board: Board, row: Standing, common: tuple[str, ...]) -> Row:
    entry, activity = row.entry, row.activity or Activity(0)
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
        remarks=tuple(badge for badge in row.badges if badge not in common),
        accuracy=f"{100 * entry.score / board.maximum:.2f} %" if row.activity and board.maximum else "",
        entries=activity.entries,
        moved=activity.moved,
        moved_at=coarse(activity.moved_at, board.times),
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
    return Sample(found.images, found.seeds, found.resamples, found.confidence, found.statement, found.comparisons)

"""Recording a board in the log, and replaying the log to the same board."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from autograder.errors import LeaderboardError
from autograder.leaderboard.configuration import Prize, read_prizes
from autograder.leaderboard.entry import Board, Entry, Standing, Status
from autograder.leaderboard.log import Log, Record
from autograder.leaderboard.ranking import standings

__all__ = ["frozen_at", "record", "replay"]

Event = tuple[str, dict[str, Any], str]
_SETTINGS = ("name", "title", "scale", "maximum", "descending", "show", "unit", "times", "notes")


@dataclass
class _State:
    """What the log says so far."""

    settings: dict[str, Any] = field(default_factory=dict)
    prizes: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    frozen: bool = False


def replay(log: Log | Path | str) -> Board:
    """The board that the log leads to. Anyone who has the log gets the same one.

    Raises:
        LeaderboardError: the log is empty, or its chain is broken.
    """
    source = log if isinstance(log, Log) else Log(Path(log))
    records = source.records()
    state = _state(records)
    if not state.settings:
        raise LeaderboardError(f"{source.path} holds no board. Publish one first, or check the path.")
    board = standings(
        [msgspec.convert(data, Entry) for data in state.entries.values()],
        prizes=read_prizes(state.prizes),
        names=state.names.__getitem__,
        **state.settings,
    )
    return _signed(board, records)


def record(
    board: Board,
    log: Log,
    key: Callable[[str], str],
    *,
    reason: str = "",
    freeze: bool = False,
    at: dt.datetime | None = None,
) -> Board:
    """Write to the log what ``board`` changes, and return the board signed with the log's head.

    Args:
        key: from an entrant to what stands for it in the log; see ``names.entrant_key``.
        reason: why something changes that was published before.
        freeze: whether to freeze the board after this.

    Raises:
        LeaderboardError: the log is broken, or the board is frozen and something changes without a reason.
    """
    records = log.records()
    state = _state(records)
    events = _events(board, state, key, reason)
    if state.frozen and events and not reason.strip():
        raise LeaderboardError(
            f"{log.path}: the board is frozen and {len(events)} records would change it. Give the reason for it."
        )
    if freeze and not state.frozen:
        events.append(("freeze", {}, reason))
    return _signed(board, records + (log.append(events, at) if events else []))


def frozen_at(log: Log) -> dt.datetime | None:
    """When the board was frozen; None if it is not."""
    times = [item.at for item in log.records() if item.kind == "freeze"]
    return dt.datetime.fromisoformat(times[0]) if times else None


def _signed(board: Board, records: Sequence[Record]) -> Board:
    return replace(board, log=f"{len(records)} records, head {records[-1].hash}") if records else board


def _state(records: Sequence[Record]) -> _State:
    state = _State()
    for item in records:
        if item.kind == "open":
            state.settings = {**item.data, "notes": tuple(item.data.get("notes", ()))}
        elif item.kind == "prizes":
            state.prizes = item.data["prizes"]
        elif item.kind == "freeze":
            state.frozen = True
        elif item.kind == "name":
            state.names[item.data["entrant"]] = item.data["name"]
        elif item.kind == "removal":
            state.entries.pop(item.data["entrant"], None)
        else:
            state.entries[item.data["entrant"]] = item.data
    return state


def _events(board: Board, state: _State, key: Callable[[str], str], reason: str) -> list[Event]:
    """What has to be written so that a replay gives ``board``; empty if nothing changed."""
    events: list[Event] = []
    settings = {name: getattr(board, name) for name in _SETTINGS}
    if settings != state.settings:
        events.append(("open", {**settings, "notes": list(board.notes)}, reason if state.settings else ""))
    prizes = [_prize(prize) for prize in board.prizes]
    if prizes != state.prizes:
        events.append(("prizes", {"prizes": prizes}, reason if state.prizes else ""))
    rows = (*board.standings, *board.apart)
    for row in sorted(rows, key=lambda row: key(row.entry.entrant)):
        events += _row_events(row, state, key(row.entry.entrant), reason)
    present = {key(row.entry.entrant) for row in rows}
    events += [("removal", {"entrant": gone}, reason) for gone in sorted(set(state.entries) - present)]
    return events


def _row_events(row: Standing, state: _State, key: str, reason: str) -> list[Event]:
    events: list[Event] = []
    if state.names.get(key) != row.name:
        events.append(("name", {"entrant": key, "name": row.name}, ""))
    before, now = state.entries.get(key), _encoded(row.entry, key)
    if before != now:
        events.append((_kind(before, now), now, reason if before else ""))
    return events


def _kind(before: dict[str, Any] | None, now: dict[str, Any]) -> str:
    """What to call a change: the first word a reader of the log looks for."""
    if now["status"] == Status.WITHDRAWN:
        return "withdrawal"
    if now["status"] != Status.SCORED:
        return "status"
    if before is None or before["status"] != Status.SCORED:
        return "grade"
    if before["at"] != now["at"]:
        return "submission"
    return "adjustment" if before["badges"] != now["badges"] else "regrade"


def _encoded(entry: Entry, key: str) -> dict[str, Any]:
    """An entry as plain data, exactly as it comes back from the log."""
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(replace(entry, entrant=key)))
    return data


def _prize(prize: Prize) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(prize))
    return {name: value for name, value in plain.items() if value is not None}

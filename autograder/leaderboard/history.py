"""The append-only log of a board, and the replay that leads to the same board.

Everything that moved a board is a record, chained to the one before it by its hash. A record cannot be changed, dropped
or put in between without breaking the chain from there on. The published board names the last hash, so that a shortened
log is found out too. Entrants are keyed hashes: the log can be handed to whoever disputes a rank. Its times are exact,
so it is not for the web.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Attempt, Board, BoardEntry, Standing, Status
from autograder.leaderboard.configuration import Prize, read_prizes
from autograder.leaderboard.ranking import standings

__all__ = ["BoardLog", "LogRecord", "frozen_at", "record_board", "replay_board"]

# ---- the chain of records

GENESIS = "0" * 64


class LogRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the log.

    Attributes:
        number: the record's number, from 1, without gaps.
        at: the time when it was written, ISO 8601 in UTC.
        kind: ``open``, ``name``, ``submission``, ``grade``, ``regrade``, ``adjustment``, ``prizes``, ``freeze``,
            ``withdrawal``, ``status`` or ``removal``.
        data: the content of the event, plain values only.
        reason: the reason, for a person; required once the board is frozen. An adjustment always has its own.
        previous: hash of the record before, 64 zeros for the first.
        hash: SHA-256 over all of the above.
    """

    number: int
    at: str
    kind: str
    data: dict[str, Any]
    reason: str
    previous: str
    hash: str

    def computed_hash(self) -> str:
        """Return the value that ``hash`` must have."""
        fields = [self.number, self.at, self.kind, self.data, self.reason, self.previous]
        return hashlib.sha256(msgspec.json.encode(fields, order="deterministic")).hexdigest()


class BoardLog:
    """The log in one file of JSON lines. Writers take turns by a lock on the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def records(self) -> list[LogRecord]:
        """Return every record, checked; empty if there is no log yet.

        Raises:
            LeaderboardError: a line was changed, dropped, added or cannot be read; the message names it.
        """
        if not self.path.exists():
            return []
        return list(self._checked(self.path.read_bytes()))

    def head(self) -> str:
        """Return the last record's hash: publish it, and a shortened log cannot pass for the whole."""
        records = self.records()
        return records[-1].hash if records else GENESIS

    def verify(self, head: str | None = None) -> int:
        """Check the chain, and that it ends with the published ``head`` (or its first digits); return the record count.

        Raises:
            LeaderboardError: the log was tampered with or cut short.
        """
        records = self.records()
        last = records[-1].hash if records else GENESIS
        if head is not None and not (head and last.startswith(head)):
            raise LeaderboardError(
                f"{self.path}: the log ends with {last[:12]}, the published board with {head[:12]}. "
                "Records were added or cut off since; restore the copy that matches."
            )
        return len(records)

    def append(self, events: list[tuple[str, dict[str, Any], str]], at: dt.datetime | None = None) -> list[LogRecord]:
        """Write events as records, all or none of them, and return them.

        Args:
            events: (kind, data, reason) each.
        """
        moment = (at or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).isoformat(timespec="seconds")
        with self._locked() as stream:
            records = list(self._checked(stream.read()))
            number, previous = len(records), records[-1].hash if records else GENESIS
            fresh: list[LogRecord] = []
            for kind, data, reason in events:
                number += 1
                bare = LogRecord(number, moment, kind, data, reason, previous, "")
                fresh.append(msgspec.structs.replace(bare, hash=bare.computed_hash()))
                previous = fresh[-1].hash
            self._write(stream, fresh)
        return fresh

    def _write(self, stream: BinaryIO, fresh: list[LogRecord]) -> None:
        """Append whole lines after the last whole line: what a crash left half-written was never a record."""
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.seek(0, os.SEEK_END)
        stream.write(b"".join(msgspec.json.encode(record) + b"\n" for record in fresh))
        stream.flush()
        os.fsync(stream.fileno())

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield stream

    def _checked(self, content: bytes) -> Iterator[LogRecord]:
        previous = GENESIS
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            record = self._decoded(number, line)
            if (record.number, record.previous, record.hash) != (number, previous, record.computed_hash()):
                raise LeaderboardError(
                    f"{self.path}, line {number}: the chain of hashes breaks here: this line, or one before it, was "
                    "changed, added or removed. Restore a copy that verifies."
                )
            previous = record.hash
            yield record

    def _decoded(self, number: int, line: bytes) -> LogRecord:
        try:
            return msgspec.json.decode(line, type=LogRecord)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise LeaderboardError(
                f"{self.path}, line {number}: not a record ({error}). Restore a copy that verifies."
            ) from error


# ---- a board recorded and replayed

Event = tuple[str, dict[str, Any], str]
_SETTINGS = ("name", "title", "scale", "maximum", "descending", "show", "unit", "times", "notes")


@dataclass
class _State:
    """The state that the log leads to so far."""

    settings: dict[str, Any] = field(default_factory=dict)
    prizes: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    frozen: bool = False


def replay_board(log: BoardLog | Path | str) -> Board:
    """Return the board that the log leads to. Anyone who has the log gets the same one.

    Raises:
        LeaderboardError: the log is empty, or its chain is broken.
    """
    source = log if isinstance(log, BoardLog) else BoardLog(Path(log))
    records = source.records()
    try:
        return _signed(_replayed(source, _state(records)), records, str)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # The hashes hold, so the line is as it was written, and not by this program.
        raise LeaderboardError(
            f"{source.path}: the records do not make a board ({type(error).__name__}: {error}). "
            "Restore a copy that this version wrote."
        ) from error


def _replayed(source: BoardLog, state: _State) -> Board:
    if not state.settings:
        raise LeaderboardError(f"{source.path} contains no board. Publish one first, or check the path.")
    return standings(
        [msgspec.convert(data, BoardEntry) for data in state.entries.values()],
        prizes=read_prizes(state.prizes, str(source.path)),
        names=state.names.__getitem__,
        **state.settings,
    )


def record_board(
    board: Board,
    log: BoardLog,
    key: Callable[[str], str],
    *,
    reason: str = "",
    freeze: bool = False,
    at: dt.datetime | None = None,
) -> Board:
    """Write to the log what ``board`` changes, and return the board signed with the log's head.

    Args:
        key: a function from an entrant to its name in the log; see `autograder.leaderboard.entrant.entrant_key`.
        reason: the reason for a change of what was published before.
        freeze: True to freeze the board after this.

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
    return _signed(board, records + (log.append(events, at) if events else []), key)


def frozen_at(log: BoardLog) -> dt.datetime | None:
    """Return the time when the board was frozen; None if it is not."""
    frozen = next((item for item in log.records() if item.kind == "freeze"), None)
    if frozen is None:
        return None
    try:
        return dt.datetime.fromisoformat(frozen.at)
    except ValueError as error:
        raise LeaderboardError(
            f"{log.path}, line {frozen.number}: {frozen.at!r} is not a time. Restore a copy that this version wrote."
        ) from error


def _signed(board: Board, records: Sequence[LogRecord], key: Callable[[str], str]) -> Board:
    """Return ``board`` with the log's head, and with the history that the log has of each row."""
    if not records:
        return board
    pasts = _pasts(records)
    rows = tuple(replace(row, recorded=pasts.get(key(row.entry.entrant), ())) for row in board.standings)
    return replace(board, standings=rows, log=f"{len(records)} records, head {records[-1].hash}")


def _pasts(records: Sequence[LogRecord]) -> dict[str, tuple[Attempt, ...]]:
    """Return each entrant's published scores, in the units of the last board; only of those whose score ever moved."""
    scale, unit = 1, ""
    found: dict[str, list[tuple[str, Fraction, str]]] = {}
    for item in records:
        if item.kind == "open":
            found = found if item.data["unit"] == unit else {}
            scale, unit = item.data["scale"], item.data["unit"]
        elif item.data.get("status") == Status.SCORED:
            past = found.setdefault(item.data["entrant"], [])
            points = Fraction(item.data["score"], scale)
            if not past or past[-1][1] != points:
                past.append((item.at, points, item.kind))
    return {
        entrant: tuple(Attempt(dt.datetime.fromisoformat(at), int(p * scale), kind) for at, p, kind in past)
        for entrant, past in found.items()
        if len(past) > 1 and all((points * scale).denominator == 1 for _, points, _ in past)
    }


def _state(records: Sequence[LogRecord]) -> _State:
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
    """Return the events to write so that a replay gives ``board``; empty if nothing changed."""
    events: list[Event] = []
    settings = {name: getattr(board, name) for name in _SETTINGS}
    if _told(settings, Board) != _told(state.settings, Board):
        events.append(("open", {**settings, "notes": list(board.notes)}, reason if state.settings else ""))
    prizes = [_prize(prize) for prize in board.prizes]
    if [_told(prize, Prize) for prize in prizes] != [_told(prize, Prize) for prize in state.prizes]:
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
    if before is None or _told(before, BoardEntry) != _told(now, BoardEntry):
        kind = _kind(before, now)
        why = "; ".join(now["adjustments"]) if kind == "adjustment" and now.get("adjustments") else ""
        told = reason if before else ""
        events.append((kind, now, f"{told} ({why})" if told and why else told or why))
    return events


def _kind(before: dict[str, Any] | None, now: dict[str, Any]) -> str:
    """Return the name of a change: the first word that a reader of the log looks for."""
    if now["status"] == Status.WITHDRAWN:
        return "withdrawal"
    if now["status"] != Status.SCORED:
        return "status"
    if (before or {}).get("adjustments", []) != now.get("adjustments", []):
        return "adjustment"
    if before is None or before["status"] != Status.SCORED:
        return "grade"
    return "submission" if before["at"] != now["at"] else "regrade"


def _encoded(entry: BoardEntry, key: str) -> dict[str, Any]:
    """Return an entry as plain data, exactly as it comes back from the log."""
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(replace(entry, entrant=key)))
    # A log of before there were reasons in it stays as it is.
    return data if data["adjustments"] else {name: value for name, value in data.items() if name != "adjustments"}


def _told(data: dict[str, Any], kind: type) -> dict[str, Any]:
    """Return the part of a record that tells something: without what every ``kind`` has unless it is told otherwise.

    A field that was added to ``kind`` after the log was written must not make a change of every entry in it, nor one
    that has gone since.
    """
    plain = _defaults(kind)
    return {name: value for name, value in _plain(data).items() if name in plain and value != plain[name]}


@lru_cache(maxsize=8)
def _defaults(kind: type) -> dict[str, Any]:
    """Return each field of a dataclass or struct with its default as it stands in a log; ``...`` where it has none."""
    fields = msgspec.inspect.type_info(kind).fields  # type: ignore[attr-defined]
    return {field.name: ... if field.default is msgspec.NODEFAULT else _plain(field.default) for field in fields}


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _prize(prize: Prize) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(prize))
    return {name: value for name, value in plain.items() if value is not None}

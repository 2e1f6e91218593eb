"""An append-only log of everything that moved a board, each record chained to the one before it by its hash.

A record cannot be changed, dropped or put in between without breaking the chain from there on. The published board
names the last hash, so that a shortened log is found out too. Entrants are keyed hashes: the log can be handed to
whoever disputes a rank. Its times are exact, so it is not for the web.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from autograder.errors import LeaderboardError

__all__ = ["BoardLog", "LogRecord"]

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

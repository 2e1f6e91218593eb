"""The attempts and their outcomes: one SQLite file, in which an attempt is stored before it is acknowledged.

Whether an attempt is being graded is known to the running process alone. So whatever ends that process, an attempt
either has an outcome or waits, and none is lost or taken for two.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from autograder.errors import MachineryError, ServiceError
from autograder.files import private_folder
from autograder.service.attempt_tables import VERSION, make_tables, version_of

__all__ = ["AttemptStore", "Duty", "HandIn", "name_of_content"]

_PIECE = 1 << 20
_COLUMNS = (
    "number, name, student, assignment, at, source, file, digest, outcome, points, result_key, reason, seconds, "
    "done_at, handed_by, together"
)


class HandIn(NamedTuple):
    """One attempt.

    Attributes:
        number: its place in the order of arrival, for the service alone: it tells how many others handed in.
        name: the name for addresses; it tells nothing.
        student, assignment: the student and the assignment.
        at: the time when it was handed in, as an aware time in UTC.
        source: ``upload``, ``exchange`` or ``submitted``; ``group`` if another member of the student's group handed in.
        file: the name that it had.
        digest: the name of its bytes.
        outcome: its outcome: empty while it waits, ``graded``, ``unreadable``, or ``failed`` if the grader gave up.
        points: the points by checks.
        result_key: the key of the result in the store.
        reason: a sentence for the student if unreadable; for staff if something needs a look.
        seconds: the time that grading took.
        done_at: the time of the outcome; None while it waits.
        handed_by: the member of the group who handed it in; empty where nobody hands in for others.
        together: the name of that member's attempt, which all members' attempts share; empty likewise.
    """

    number: int
    name: str
    student: str
    assignment: str
    at: dt.datetime
    source: str
    file: str
    digest: str
    outcome: str = ""
    points: float = 0.0
    result_key: str = ""
    reason: str = ""
    seconds: float = 0.0
    done_at: dt.datetime | None = None
    handed_by: str = ""
    together: str = ""


class Duty(NamedTuple):
    """A student whose counting attempt has to be brought into the gradebook."""

    student: str
    assignment: str
    version: int


def name_of_content(content: bytes) -> str:
    """Return a hash of a file's bytes."""
    return hashlib.sha256(content).hexdigest()[:40]


class AttemptStore:
    """The attempts of a course. Several threads may use it, each of which gets a connection of its own.

    Args:
        path: the path of the database, made if it is missing.

    Raises:
        MachineryError: it cannot be used, and what to do.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = threading.local()
        self.changes = 0
        """Grows with every change that this process makes."""
        self.touched: Counter[str] = Counter()
        """The same for each student."""
        try:
            private_folder(path.parent)
            self._connection.execute("PRAGMA journal_mode = WAL")
            if version_of(self._connection) != VERSION:
                with self.changing() as database:
                    make_tables(database)
            path.chmod(0o600)
        except (OSError, sqlite3.Error) as error:
            raise self._explained(error) from error

    # Taking in.

    def hand_in(
        self,
        student: str,
        assignment: str,
        content: bytes,
        *,
        file: str,
        at: dt.datetime,
        ticket: str = "",
        source: str = "upload",
        refusal: Callable[[Sequence[HandIn]], str] = lambda _: "",
        members: Sequence[str] = (),
    ) -> HandIn:
        """Put an attempt on disk and into the queue, in one step; it is there once this returns.

        Args:
            student, assignment, content, file, at, source: as in :class:`HandIn`.
            ticket: the name of the request: the same one with the same bytes again gives the same attempt.
            refusal: gets the student's attempts at the assignment and tells why there may not be another; or nothing.
            members: the others of the group, each of whom gets the same attempt.

        Raises:
            ServiceError: it is refused; the message is for the student.
            MachineryError: it cannot be kept.
        """
        digest = name_of_content(content)
        ticket = (
            f"{ticket or secrets.token_urlsafe(12)} {digest}"  # A page kept open brings an old one with a new file.
        )
        with self.changing() as database:
            row = database.execute(
                f"SELECT {_COLUMNS} FROM attempt WHERE student = ? AND assignment = ? AND ticket = ?",
                (student, assignment, ticket),
            ).fetchone()
            if row is not None:
                return _read(row)
            if why := refusal(self.of_student(student, assignment)):
                raise ServiceError(why)
            self.keep(database, digest, content)
            name, shared = secrets.token_urlsafe(12), (assignment, at.isoformat(), file, digest)
            by, together = (student, name) if members else ("", "")
            row = self._insert(database, name, ticket, student, source, by, together, *shared)
            for each in members:
                own = secrets.token_urlsafe(12)
                self._insert(database, own, f"{name} {own}", each, "group", by, together, *shared)
        self.touched.update([student, *members])
        return _read(row)

    @staticmethod
    def keep(database: sqlite3.Connection, digest: str, content: bytes) -> None:
        """Keep the bytes of a file, once."""
        database.execute("INSERT OR IGNORE INTO content VALUES (?, ?)", (digest, content))

    @staticmethod
    def _insert(database: sqlite3.Connection, *values: str) -> Sequence[Any]:
        row: Sequence[Any] = database.execute(
            "INSERT INTO attempt (name, ticket, student, source, handed_by, together, assignment, at, file, digest) "
            f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
            values,
        ).fetchone()
        return row

    # What became of it.

    def finish(
        self,
        attempt: HandIn,
        outcome: str,
        *,
        points: float = 0.0,
        key: str = "",
        reason: str = "",
        seconds: float = 0.0,
    ) -> None:
        """Note the outcome, and that the gradebook is to follow; an attempt that has an outcome keeps it."""
        now = dt.datetime.now(dt.UTC).isoformat()
        with self.changing() as database:
            found = database.execute(
                "UPDATE attempt SET outcome = ?, points = ?, result_key = ?, reason = ?, seconds = ?, done_at = ? "
                "WHERE number = ? AND outcome = ''",
                (outcome, points, key, reason, seconds, now, attempt.number),
            )
            if found.rowcount and outcome != "failed":
                self._owe(database, attempt.student, attempt.assignment)
        self.touched[attempt.student] += 1

    def try_again(self, name: str) -> None:
        """Put an attempt that the grader gave up on back into the queue, at its old place."""
        with self.changing() as database:
            database.execute(
                "UPDATE attempt SET outcome = '', reason = '', done_at = '' WHERE name = ? AND outcome = 'failed'",
                (name,),
            )

    def choose(self, student: str, assignment: str, name: str) -> bool:
        """Let the student's graded attempt ``name`` be the chosen one; False if there is no such attempt.

        What a group handed in together is chosen for all of its members.
        """
        with self.changing() as database:
            own = database.execute(
                "SELECT together FROM attempt WHERE name = ? AND student = ? AND assignment = ? AND outcome = 'graded'",
                (name, student, assignment),
            ).fetchone()
            rows = [(student, name)] if own else []
            if own and own[0]:
                rows = database.execute("SELECT student, name FROM attempt WHERE together = ?", own).fetchall()
            for each, chosen in rows:
                database.execute("INSERT OR REPLACE INTO chosen VALUES (?, ?, ?)", (each, assignment, chosen))
                self._owe(database, each, assignment)
        self.touched.update(each for each, _ in rows)
        return own is not None

    def owe(self, student: str, assignment: str) -> None:
        """Note that the gradebook is to follow."""
        with self.changing() as database:
            self._owe(database, student, assignment)

    def settle(self, duty: Duty) -> None:
        """Note that the gradebook has what ``duty`` asked for, unless more was asked for since."""
        with self.changing() as database:
            database.execute("DELETE FROM duty WHERE student = ? AND assignment = ? AND version = ?", tuple(duty))

    @staticmethod
    def _owe(database: sqlite3.Connection, student: str, assignment: str) -> None:
        database.execute(
            "INSERT INTO duty VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET version = version + 1", (student, assignment)
        )

    # Looking.

    def waiting(self) -> list[HandIn]:
        """Return all attempts without an outcome, oldest first."""
        return self._attempts("outcome = '' ORDER BY number")

    def of_student(self, student: str, assignment: str | None = None) -> list[HandIn]:
        """Return a student's attempts, at one assignment or at all, oldest first."""
        if assignment is None:
            return self._attempts("student = ? ORDER BY number", student)
        return self._attempts("student = ? AND assignment = ? ORDER BY number", student, assignment)

    def of_assignment(self, assignment: str) -> list[HandIn]:
        """Return everybody's attempts at one assignment, oldest first."""
        return self._attempts("assignment = ? ORDER BY number", assignment)

    def attempt(self, name: str, student: str | None = None) -> HandIn | None:
        """Return the attempt called ``name`` if it is the student's; with None, whosever it is, for staff."""
        if student is None:
            return next(iter(self._attempts("name = ?", name)), None)
        return next(iter(self._attempts("name = ? AND student = ?", name, student)), None)

    def failed(self) -> list[HandIn]:
        """Return all attempts that the grader gave up on."""
        return self._attempts("outcome = 'failed' ORDER BY number")

    def finished_since(self, since: dt.datetime) -> list[HandIn]:
        """Return all that got an outcome after ``since``, or need a look whenever they did, oldest first."""
        return self._attempts("done_at >= ? ORDER BY number", since.astimezone(dt.UTC).isoformat())

    def with_several(self, assignment: str) -> list[str]:
        """Return the students with several graded attempts at an assignment, between which the rules decide."""
        rows = self.rows(
            "SELECT student FROM attempt WHERE assignment = ? AND outcome = 'graded' GROUP BY student "
            "HAVING COUNT(*) > 1",
            assignment,
        )
        return [str(row[0]) for row in rows]

    def several_since(self, since: dt.datetime) -> list[HandIn]:
        """Return all attempts of those students at those assignments with an attempt since then, oldest first."""
        recent = "SELECT student, assignment FROM attempt WHERE done_at >= ?"
        return self._attempts(
            f"(student, assignment) IN ({recent}) ORDER BY number", since.astimezone(dt.UTC).isoformat()
        )

    def knows(self, student: str, assignment: str, digest: str) -> bool:
        """Return whether the student handed in just these bytes."""
        return bool(self._attempts("student = ? AND assignment = ? AND digest = ?", student, assignment, digest))

    def collected(self) -> list[tuple[HandIn, str]]:
        """Return all that came by the exchange, each with the name of its folder there."""
        rows = self.rows(f"SELECT {_COLUMNS}, ticket FROM attempt WHERE source = 'exchange'")
        return [(_read(row[:-1]), str(row[-1]).rpartition(" ")[0]) for row in rows]

    def content(self, attempt: HandIn) -> bytes:
        """Return the bytes that were handed in."""
        return self.bytes_of(attempt.digest)

    def size(self, attempt: HandIn) -> int:
        """Return the number of bytes that were handed in."""
        return int(self.rows("SELECT length(bytes) FROM content WHERE digest = ?", attempt.digest)[0][0])

    def pieces(self, attempt: HandIn) -> Iterator[bytes]:
        """Yield the bytes that were handed in, a piece at a time; any thread may take the next."""
        ((row, size),) = self.rows("SELECT rowid, length(bytes) FROM content WHERE digest = ?", attempt.digest)
        for start in range(0, size, _PIECE):
            try:
                with self._connection.blobopen("content", "bytes", row, readonly=True) as blob:
                    blob.seek(start)
                    piece = blob.read(_PIECE)
            except sqlite3.Error as error:
                raise self._explained(error) from error
            yield piece

    def bytes_of(self, digest: str) -> bytes:
        """Return the bytes that were kept under ``digest``."""
        (row,) = self.rows("SELECT bytes FROM content WHERE digest = ?", digest)
        return bytes(row[0])

    def chosen(self, student: str, assignment: str) -> str:
        """Return the name of the attempt that the student chose; empty if none."""
        rows = self.rows("SELECT name FROM chosen WHERE student = ? AND assignment = ?", student, assignment)
        return str(rows[0][0]) if rows else ""

    def duties(self) -> list[Duty]:
        """Return the students whom the gradebook has to follow."""
        return [Duty(*row) for row in self.rows("SELECT student, assignment, version FROM duty")]

    # Who may come in.

    def generation(self, role: str, person: str) -> int:
        """Return the number of times that the links of a person were revoked."""
        rows = self.rows("SELECT generation FROM access WHERE role = ? AND person = ?", role, person)
        return int(rows[0][0]) if rows else 0

    def revoke(self, role: str, person: str) -> None:
        """End all links and sessions that a person has until now."""
        with self.changing() as database:
            database.execute(
                "INSERT INTO access VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET generation = generation + 1",
                (role, person),
            )

    # The database.

    @property
    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
            found.execute("PRAGMA synchronous = FULL")  # What was acknowledged survives a power cut, too.
        return found

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Give the database inside of one transaction, of which all is kept, or nothing."""
        database = self._connection
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._explained(error) from error
        self.changes += 1

    @property
    def state(self) -> tuple[int, int]:
        """Numbers that change with every change of the database, also one by another process."""
        return self.changes, int(self.rows("PRAGMA data_version")[0][0])

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows that a question to the database gives."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _attempts(self, condition: str, *values: object) -> list[HandIn]:
        return [_read(row) for row in self.rows(f"SELECT {_COLUMNS} FROM attempt WHERE {condition}", *values)]

    def _explained(self, error: Exception) -> MachineryError:
        return MachineryError(
            f"What was handed in cannot be read or kept in {self._path} ({error}). Free space or correct the "
            "permissions, and start `autograder serve` again: it goes on from there."
        )


def _read(row: Sequence[Any]) -> HandIn:
    attempt = HandIn(*row)
    done = attempt.done_at and dt.datetime.fromisoformat(str(attempt.done_at))
    return attempt._replace(at=dt.datetime.fromisoformat(str(attempt.at)), done_at=done or None)

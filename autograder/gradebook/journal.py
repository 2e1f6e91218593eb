"""The journal, the grader's memory of each student's submission: the file, the result, and whether it is written.

It answers two questions at the cost of a look-up: is this file's result known, and do the gradebook and the graded
files already hold it? Nothing is lost with it: without a journal everything is looked up in the store, or graded again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from autograder.errors import GradebookError

__all__ = ["GAVE_UP", "Journal", "JournalRow"]

GAVE_UP = "Given up:"
"""The beginning of the refusal of a submission that is not tried again until somebody asks for it."""

_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS entry (
    assignment TEXT NOT NULL, student TEXT NOT NULL, digest TEXT NOT NULL, submission_key TEXT NOT NULL,
    result_key TEXT NOT NULL, points REAL NOT NULL, refusal TEXT NOT NULL, written TEXT NOT NULL,
    written_key TEXT NOT NULL, PRIMARY KEY (assignment, student)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS graded (
    assignment TEXT NOT NULL, submission_key TEXT NOT NULL, result_key TEXT NOT NULL, graded BLOB NOT NULL,
    PRIMARY KEY (assignment, submission_key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class JournalRow(NamedTuple):
    """The entry of one student's submission to one assignment.

    Attributes:
        student: nbgrader's student id.
        digest: a hash of the file's bytes, and of the grader that read them.
        submission_key: the key of the student's code; empty if the file could not be read.
        result_key: the key of the result in the store; empty if there is none.
        points: the points by checks.
        refusal: the reason why the file could not be read; empty if it could.
        written: a name for the content of the gradebook and the graded files; empty if nothing was written.
        written_key: the key of the result that was written last.
    """

    student: str
    digest: str
    submission_key: str = ""
    result_key: str = ""
    points: float = 0.0
    refusal: str = ""
    written: str = ""
    written_key: str = ""


class Journal:
    """The journal of a course, in one SQLite file. Several graders may use it at once."""

    def __init__(self, path: Path) -> None:
        """Open or make the journal at ``path``.

        Raises:
            GradebookError: it cannot be used; names what to do.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=60, isolation_level=None)
            # A lost tail after a power cut costs a look-up or a second writing of the same, never a grade.
            self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
            if self._database.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                self._database.executescript(f"{_TABLES} PRAGMA user_version = {_VERSION};")
        except (OSError, sqlite3.Error) as error:
            raise GradebookError(
                f"The grader's journal {path} cannot be used ({error}). If it is damaged, remove it: results are kept "
                "elsewhere and will be looked up again."
            ) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def entries(self, assignment: str) -> dict[str, JournalRow]:
        """Return all entries of ``assignment``, by student."""
        rows = self._run(
            "SELECT student, digest, submission_key, result_key, points, refusal, written, written_key FROM entry "
            "WHERE assignment = ?",
            assignment,
        )
        return {row[0]: JournalRow(*row) for row in rows}

    def enter(self, assignment: str, entries: Iterable[JournalRow]) -> None:
        """Keep ``entries``, all or none, in place of what was there."""
        rows = [(assignment, *entry) for entry in entries]
        if not rows:
            return
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def earlier(self, assignment: str, submission_key: str) -> bytes:
        """Return the encoded outcome last kept for this code; empty if there is none."""
        rows = self._run(
            "SELECT graded FROM graded WHERE assignment = ? AND submission_key = ?", assignment, submission_key
        )
        return bytes(rows[0][0]) if rows else b""

    def keep(self, assignment: str, submission_key: str, result_key: str, graded: bytes) -> None:
        """Keep an encoded outcome, whose still valid parts can be reused after the assignment changed."""
        self._run("INSERT OR REPLACE INTO graded VALUES (?, ?, ?, ?)", assignment, submission_key, result_key, graded)

    def note(self, name: str) -> str:
        """Return a note left by :meth:`leave_note`, or an empty text."""
        rows = self._run("SELECT value FROM note WHERE name = ?", name)
        return str(rows[0][0]) if rows else ""

    def leave_note(self, name: str, value: str) -> None:
        """Leave a note."""
        self._run("INSERT OR REPLACE INTO note VALUES (?, ?)", name, value)

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.Error) -> GradebookError:
        return GradebookError(
            f"The grader's journal {self._path} cannot be used ({error}). If it is damaged, remove it: results are "
            "kept elsewhere and will be looked up again."
        )

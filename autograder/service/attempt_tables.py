"""The tables of the service's database, and how those of earlier versions become these."""

from __future__ import annotations

import sqlite3

__all__ = ["VERSION", "make_tables", "version_of"]

VERSION = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS content (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS attempt (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, ticket TEXT NOT NULL, student TEXT NOT NULL,
    assignment TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL, file TEXT NOT NULL, digest TEXT NOT NULL,
    outcome TEXT NOT NULL DEFAULT '', points REAL NOT NULL DEFAULT 0, result_key TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0, done_at TEXT NOT NULL DEFAULT '',
    handed_by TEXT NOT NULL DEFAULT '', together TEXT NOT NULL DEFAULT '', UNIQUE (student, assignment, ticket)
);
CREATE INDEX IF NOT EXISTS waiting ON attempt (number) WHERE outcome = '';
CREATE TABLE IF NOT EXISTS chosen (
    student TEXT NOT NULL, assignment TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (student, assignment)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS duty (
    student TEXT NOT NULL, assignment TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (student, assignment)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS access (
    role TEXT NOT NULL, person TEXT NOT NULL, generation INTEGER NOT NULL, PRIMARY KEY (role, person)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS question (
    name TEXT PRIMARY KEY, student TEXT NOT NULL, assignment TEXT NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL,
    answer TEXT NOT NULL DEFAULT '', answered_by TEXT NOT NULL DEFAULT '', answered_at TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS rehearsal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, student TEXT NOT NULL,
    assignment TEXT NOT NULL, at TEXT NOT NULL, file TEXT NOT NULL, digest TEXT NOT NULL,
    begun INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT '', said TEXT NOT NULL DEFAULT ''
);
"""
_SINCE_1 = ("handed_by TEXT NOT NULL DEFAULT ''", "together TEXT NOT NULL DEFAULT ''")
"""The columns of attempts that the first version did not have."""


def version_of(database: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 where there are none."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def make_tables(database: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an earlier version up to date; inside of a transaction."""
    known = {row[1] for row in database.execute("PRAGMA table_info(attempt)")}
    for column in _SINCE_1 if known else ():
        if column.partition(" ")[0] not in known:
            database.execute(f"ALTER TABLE attempt ADD COLUMN {column}")
    for statement in filter(str.strip, _TABLES.split(";")):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")

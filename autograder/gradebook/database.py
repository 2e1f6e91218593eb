"""nbgrader's database: opened with care, created once, written one transaction at a time.

SQLite is the default, PostgreSQL works by its URL. A database that is damaged or is something else is left as
it is.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from nbgrader.api import Base
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from autograder.errors import GradebookError, GradebookUnusable
from autograder.files import private_folder

__all__ = ["Database"]

T = TypeVar("T")
_HEADER = b"SQLite format 3\0"
_TABLES = {
    "assignment",
    "notebook",
    "base_cell",
    "grade_cells",
    "student",
    "submitted_assignment",
    "grade",
    "comment",
}
_LOCKED = ("database is locked", "lock timeout", "deadlock detected", "could not serialize")
_ADVISORY_KEY = 0x6E6267  # Any number, the same in every process of ours.
_CAUSES = (
    ("no space left", "the disk is full", "Free some space and grade again: nothing was lost."),
    ("database or disk is full", "the disk is full", "Free some space and grade again: nothing was lost."),
    ("readonly database", "it is read-only", "Make it writable for the user who grades."),
    ("unable to open", "it cannot be opened", "Check that its folder exists and is writable."),
    ("not a database", "it is not a database", "It was left as it is. Restore your last copy."),
    ("malformed", "it is damaged", "It was left as it is. Restore your last copy."),
    ("does not exist", "the database does not exist", "Create it (createdb) and try again."),
    ("connection", "the server cannot be reached", "Start it, or correct the URL in course.toml."),
)


class Database:
    """A connection to nbgrader's database.

    Attributes:
        engine: SQLAlchemy's engine.
        patience: the seconds to wait in all for a database that another program has locked.
    """

    def __init__(self, url: str, patience: float = 60.0) -> None:
        """Open the database at ``url``, creating it if there is none.

        Raises:
            GradebookError: it is damaged, is not a gradebook, or cannot be reached. It is left as it was.
        """
        self._url = _checked_url(url)
        self.name = self._url.database or url
        self.patience = patience
        if self._url.get_backend_name() == "sqlite":
            _prepare_sqlite(Path(self.name), patience)
        self.engine = _engine(self._url, patience)
        try:
            self._check_tables()
        except BaseException as error:
            self.engine.dispose()
            if isinstance(error, SQLAlchemyError):
                raise _explained(self.name, error) from error
            raise

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    def write(self, change: Callable[[Connection], T], *, keep: bool = True) -> T:
        """Run ``change`` in one transaction: all of it is written or none of it.

        Without ``keep`` none of it is: it only shows what it would do.

        A locked database is waited for, up to ``patience`` seconds in all; ``change`` may then run again from
        its start.

        Raises:
            GradebookError: it stays locked, or cannot be written; nothing was written.
        """
        deadline, pause = time.monotonic() + self.patience, 0.05
        while True:
            try:
                with self.engine.connect() as connection, connection.begin() as transaction:
                    found = change(connection)
                    if not keep:
                        transaction.rollback()
                    return found
            except SQLAlchemyError as error:
                again = _is_locked(error) or isinstance(error, IntegrityError)
                if not again or time.monotonic() + pause > deadline:
                    raise _explained(self.name, error) from error
            time.sleep(pause)
            pause = min(2 * pause, 2.0)

    def read(self, question: Callable[[Connection], T]) -> T:
        """Run ``question`` on one connection. Raises GradebookError if the database cannot be read."""
        try:
            with self.engine.connect() as connection:
                return question(connection)
        except SQLAlchemyError as error:
            raise _explained(self.name, error) from error

    def _check_tables(self) -> None:
        found = set(inspect(self.engine).get_table_names())
        if not found and self._url.get_backend_name() == "postgresql":
            _create_tables(self.engine)
        elif missing := _TABLES - found:
            raise GradebookError(
                f"{self.name} is a database but not a gradebook: it has no table '{min(missing)}'. It was left alone. "
                "Correct the gradebook's URL, or move the file away to start a new one."
            )
        head, version = _alembic_head(), self.read(_version)
        if version != head:
            raise GradebookError(
                f"{self.name} was made by another version of nbgrader ({version}; this one writes {head}). "
                "Back it up, then run: nbgrader db upgrade"
            )


def _checked_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise GradebookError(f"'{url}' is not a database URL. Use sqlite:///FILE or postgresql://…") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise GradebookError(f"'{parsed.get_backend_name()}' databases are not supported. Use SQLite or PostgreSQL.")
    if not parsed.database or parsed.database == ":memory:":
        raise GradebookError("The gradebook's URL names no database. Write sqlite:///gradebook.db or postgresql://…")
    return parsed


def _engine(url: URL, patience: float) -> Engine:
    if url.get_backend_name() == "postgresql":
        milliseconds = max(1, int(patience * 1000))
        return create_engine(url, connect_args={"options": f"-c lock_timeout={milliseconds}"}, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": patience})

    @event.listens_for(engine, "connect")
    def _leave_begin_to_us(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _lock_at_once(connection: Connection) -> None:
        # A transaction that starts by reading cannot wait for a lock later: SQLite would refuse it at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _prepare_sqlite(path: Path, patience: float) -> None:
    """Make the file if there is none; otherwise make sure that it is a sound database."""
    try:
        if not path.exists():
            _create_sqlite(path)
        with path.open("rb") as stream:
            header = stream.read(len(_HEADER))
    except OSError as error:
        raise GradebookError(
            f"The gradebook {path} cannot be opened: {error.strerror}. Check its permissions."
        ) from error
    if header != _HEADER:
        what = "is empty" if not header else "is not an SQLite database"
        raise GradebookError(
            f"The gradebook {path} {what}. It was left as it is. Restore your last copy, or move it away to start anew."
        )
    try:
        connection = sqlite3.connect(path, timeout=patience)
        try:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _explained(str(path), error) from error
    if found is None or found[0] != "ok":
        raise GradebookError(f"The gradebook {path} is damaged. It was left as it is. Restore your last copy.")


def _create_sqlite(path: Path) -> None:
    """Make an empty gradebook aside and give it its name only when it is whole; if two do so, the first one stays."""
    private_folder(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(descriptor)
    new = Path(name)
    try:
        engine = create_engine(f"sqlite:///{new}")
        try:
            _create_tables(engine)
        finally:
            engine.dispose()
        try:
            path.hardlink_to(new)
        except FileExistsError:
            return
    finally:
        new.unlink(missing_ok=True)


def _create_tables(engine: Engine) -> None:
    """Create nbgrader's tables and the version mark that its own upgrade command reads."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_KEY})"))
            if inspect(connection).get_table_names():
                return
        Base.metadata.create_all(bind=connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": _alembic_head()})


def _alembic_head() -> str:
    from alembic.config import Config  # needed by whoever opens the database, not by a page of feedback
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", ALEMBIC_DIR)
    return str(ScriptDirectory.from_config(config).get_current_head())


def _version(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return "none"
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def _is_locked(error: SQLAlchemyError) -> bool:
    return isinstance(error, DBAPIError) and any(phrase in str(error.orig).lower() for phrase in _LOCKED)


def _explained(name: str, error: Exception) -> GradebookError:
    """Return the database's complaint in a user's words; the original stays its cause."""
    original = error.orig if isinstance(error, DBAPIError) else error
    message = str(original)
    if any(phrase in message.lower() for phrase in _LOCKED):
        return GradebookUnusable(
            f"The gradebook {name} stays locked by another program. Nothing was written. "
            "Let formgrader or the other grading run finish, then grade again."
        )
    for phrase, what, remedy in _CAUSES:
        if phrase in message.lower():
            return GradebookUnusable(f"The gradebook {name} cannot be used: {what}. {remedy}")
    return GradebookError(
        f"The gradebook {name} cannot be used ({message.splitlines()[0] if message else type(error).__name__}). "
        "It was left as it was. Check it with: nbgrader db student list"
    )

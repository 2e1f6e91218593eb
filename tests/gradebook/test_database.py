"""The database is made once, waited for when locked, and never touched when it is not a sound gradebook."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbgrader.api
import pytest
from sqlalchemy import text

from autograder.errors import GradebookError
from autograder.gradebook.database import Database


@pytest.fixture
def open_database() -> Iterator[Callable[..., Database]]:
    """Opens databases, and closes them afterwards."""
    with contextlib.ExitStack() as stack:

        def opened(url: str, patience: float = 60.0) -> Database:
            database = Database(url, patience)
            stack.callback(database.close)
            return database

        yield opened


def test_a_new_database_is_one_that_nbgrader_opens(url: str) -> None:
    Database(url).close()
    with nbgrader.api.Gradebook(url, "tiny") as gradebook:
        assert gradebook.assignments == []
        version = gradebook.db.execute(text("SELECT version_num FROM alembic_version")).scalar()
        assert version == nbgrader.api.get_alembic_version()


def test_a_database_that_nbgrader_made_is_opened(tmp_path: Path, open_database: Callable[..., Database]) -> None:
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with nbgrader.api.Gradebook(url, "tiny") as gradebook:
        gradebook.add_student("anna")
    database = open_database(url)
    assert database.read(lambda db: db.execute(text("SELECT id FROM student")).scalar()) == "anna"
    database.close()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"not a database at all, but a letter to the dean", "is not an SQLite database"),
        (b"SQLite format 3\0" + b"\xff" * 2000, "damaged|not a database"),
    ],
)
def test_a_damaged_file_is_named_and_left_as_it_is(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    path.write_bytes(content)
    with pytest.raises(GradebookError, match=says) as error:
        Database(f"sqlite:///{path}")
    assert "left as it is" in str(error.value)
    assert path.read_bytes() == content


def test_a_gradebook_with_overwritten_pages_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    Database(f"sqlite:///{path}").close()
    whole = path.read_bytes()
    damaged = whole[:4096] + b"\xa5" * 8192 + whole[12288:]
    path.write_bytes(damaged)
    with pytest.raises(GradebookError, match="damaged"):
        Database(f"sqlite:///{path}")
    assert path.read_bytes() == damaged


def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    content = path.read_bytes()
    with pytest.raises(GradebookError, match="not a gradebook"):
        Database(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_another_versions_gradebook_asks_for_an_upgrade(url: str, open_database: Callable[..., Database]) -> None:
    database = open_database(url)
    database.write(lambda db: db.execute(text("UPDATE alembic_version SET version_num = '0'")))
    database.close()
    with pytest.raises(GradebookError, match="nbgrader db upgrade"):
        open_database(url)


@pytest.mark.parametrize(
    "url", ["gradebook.db", "mysql://localhost/grades", "sqlite://", "sqlite:///:memory:", "postgresql://localhost", ""]
)
def test_an_address_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(GradebookError, match=r"\.$|://…$"):
        Database(url)


def test_an_unreachable_server_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(GradebookError, match="server cannot be reached"):
        Database(f"postgresql+psycopg://nobody@/grades?host={tmp_path}", patience=1)


def test_a_missing_server_database_is_a_message(postgres: str) -> None:
    with pytest.raises(GradebookError, match="does not exist"):
        Database(postgres.format("nothing_of_that_name"))


def test_a_folder_that_cannot_be_made_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GradebookError, match="cannot be opened"):
        Database(f"sqlite:///{tmp_path / 'file' / 'gradebook.db'}")


def test_graders_that_create_it_at_once_agree(url: str, open_database: Callable[..., Database]) -> None:
    with ThreadPoolExecutor(4) as threads:
        databases = list(threads.map(open_database, [url] * 4))
    for database in databases:
        assert database.read(lambda db: db.execute(text("SELECT count(*) FROM alembic_version")).scalar()) == 1


def test_a_lock_is_waited_for(url: str, open_database: Callable[..., Database]) -> None:
    Database(url).close()
    other, database = open_database(url), open_database(url, patience=20)
    locked, freed = threading.Event(), []

    def hold() -> None:
        def change(db: object) -> None:
            lock_students(db)
            locked.set()
            time.sleep(0.7)
            freed.append(time.monotonic())

        other.write(change)

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait(10)
    database.write(lambda db: db.execute(text("INSERT INTO student (id) VALUES ('anna')")))
    thread.join()
    assert time.monotonic() >= freed[0]
    assert database.read(lambda db: db.execute(text("SELECT count(*) FROM student")).scalar()) == 1


def test_a_lock_that_stays_is_a_message_and_nothing_is_written(
    url: str, open_database: Callable[..., Database]
) -> None:
    Database(url).close()
    other, database = open_database(url), open_database(url, patience=0.5)

    def change(db: object) -> None:
        lock_students(db)
        started = time.monotonic()
        with pytest.raises(GradebookError, match="stays locked"):
            database.write(lambda db: db.execute(text("INSERT INTO student (id) VALUES ('anna')")))
        assert time.monotonic() - started < 10

    other.write(change)
    assert other.read(lambda db: db.execute(text("SELECT count(*) FROM student")).scalar()) == 0


def lock_students(db: object) -> None:
    """On SQLite a write transaction locks everything already."""
    if db.dialect.name == "postgresql":  # type: ignore[attr-defined]
        db.execute(text("LOCK TABLE student IN ACCESS EXCLUSIVE MODE"))  # type: ignore[attr-defined]

"""The grader's memory: its own identity, results by what they depend on, and the state of each submission.

The identity of a grader is its code and the packages that can change a number. A result is stored under a hash of
everything that it depends on, so that grading again after nothing changed costs a look-up.

The journal keeps, for each student's submission, the file, the result, and whether it is written. It answers two
questions at the cost of a look-up: is this file's result known, and do the gradebook and the graded files already hold
it? Nothing is lost with it: without a journal everything is looked up in the store, or graded again.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import platform
import re
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from autograder import __version__
from autograder.errors import GradebookError
from autograder.files import write_atomically
from autograder.grading.result import Result, decode_result, encode_result
from autograder.settings import GradingSettings

__all__ = [
    "GAVE_UP",
    "Journal",
    "JournalRow",
    "ResultStore",
    "code_digest",
    "data_digest",
    "digest",
    "graded_files",
    "grader_digest",
    "reading_digest",
    "result_key",
    "without_prose",
]

_PACKAGE = Path(__file__).resolve().parents[1]
_PARTS = ("authoring", "challenge", "grading", "isolation", "lab", "submission")
_MODULES = ("magics.py", "secrets.py", "engine/grader.py")
_ELSEWHERE = {
    # What derives files from a source: its outcome is hashed with the assignment.
    "authoring/build.py", "authoring/skeleton/__init__.py",
    # What only shows an author something.
    "authoring/differences.py",
    # What only draws: a picture is shown to people and never compared.
    "lab/alternative_text.py", "lab/curves.py", "lab/figures.py",
    # What a grade is not made of: the competition's published record of results.
    "challenge/competition_results.py",
}  # fmt: skip
_PACKAGES = ("ipython", "msgpack", "numpy", "pillow", "scipy", "torch", "torchvision")


def digest(*parts: bytes) -> str:
    """Return a hash of ``parts``, each with its length: 32 hexadecimal digits."""
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.sha256(message).hexdigest()[:32]


def grader_digest(secret_key: bytes, limits: GradingSettings, data: str) -> str:
    """Return a hash of the grader: its code, the versions it runs on, its limits, its data and its secret.

    Args:
        secret_key: the course secret, from which hidden inputs are seeded.
        limits: the limits of one submission.
        data: a name for the content of the files that code and hidden tests read, as :func:`data_digest` does.
    """
    return digest(code_digest(), secret_key, msgspec.msgpack.encode(limits), data.encode())


def graded_files(package: Path = _PACKAGE) -> Iterator[Path]:
    """Yield the sources that a grade can depend on, sorted, of the package at ``package``."""
    found = [path for part in _PARTS for path in (package / part).rglob("*.py")]
    found += [package / name for name in _MODULES]
    return iter(sorted(path for path in found if path.relative_to(package).as_posix() not in _ELSEWHERE))


@lru_cache(maxsize=4)
def code_digest(package: Path = _PACKAGE) -> bytes:
    """Return a hash of the code that turns a submission into a result, and of the versions it runs on.

    The sources are hashed rather than a version number read: a correction to a comparison must not be answered from
    results that were stored before it. Comments, docstrings and layout are left out: they cannot change a grade, and a
    reworded sentence must not grade a class again.
    """
    versions = [f"{name} {_version(name)}".encode() for name in _PACKAGES]
    return _digest_of(package, list(graded_files(package)), platform.python_version().encode(), *versions)


@lru_cache(maxsize=1)
def reading_digest() -> bytes:
    """Return a hash of the code that reads an assignment."""
    return _digest_of(_PACKAGE, sorted((_PACKAGE / "authoring").rglob("*.py")))


def data_digest(folders: Sequence[Path], cache: Path) -> str:
    """Return a hash of the data that students' code and hidden tests read: a corrected file changes what is right.

    Args:
        folders: the folders that they may read.
        cache: the place of the hashes of files, so that a file is only read again when its size or time changes.
    """
    known, found, parts = _known(cache), {}, []
    files = [(folder, path) for folder in folders for path in sorted(folder.rglob("*"))]
    for folder, path in files:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and not path.name.startswith("."):
            mark = f"{path} {status.st_size} {status.st_mtime_ns}"
            found[mark] = known.get(mark) or hashlib.sha256(path.read_bytes()).hexdigest()
            parts += [path.relative_to(folder).as_posix().encode(), found[mark].encode()]
    if found != known:
        with contextlib.suppress(GradebookError):
            write_atomically(cache, msgspec.json.encode(found))
    return digest(*parts)


def _known(cache: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(cache.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def _digest_of(package: Path, files: list[Path], *parts: bytes) -> bytes:
    names = [str(path.relative_to(package)).encode() for path in files]
    sources = [path.read_bytes() for path in files]
    exact = digest(*parts, *names, *sources)
    cache = package / "__pycache__" / f"code-{exact}"  # As with Python's own: parsing takes longer than a look-up.
    try:
        return cache.read_bytes()
    except OSError:
        found = digest(*parts, *names, *map(without_prose, sources)).encode()
    with contextlib.suppress(GradebookError):
        write_atomically(cache, found)
    return found


def without_prose(source: bytes) -> bytes:
    """Return the program in ``source`` without comments, docstrings and layout; ``source`` if it is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) > 1:
            node.body = [each for each in body if not _is_text(each)] or body  # type: ignore[attr-defined]
        elif isinstance(body, list) and body and _is_text(body[0]):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
    return ast.dump(tree).encode()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


# ---- results by what they depend on

_KEY = re.compile(r"[0-9a-f]{16,64}")


def result_key(submission_key: str, assignment_key: str, secret_key: str, version: str = __version__) -> str:
    """Return the name of a result: a hash of everything that it depends on.

    Args:
        submission_key: a hash of the student's code.
        assignment_key: a hash of the assignment, solutions and tests.
        secret_key: a value derived from the course secret and from the grading settings.
        version: the version of the grader.
    """
    parts = "\n".join((submission_key, assignment_key, secret_key, version))
    return hashlib.sha256(parts.encode()).hexdigest()[:40]


class ResultStore:
    """A folder of results, one file each, named by their key; a damaged or half-written one counts as absent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Result | None:
        """Return the result stored under ``key``, or None. A result that was not graded is never stored."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        digest, _, content = data.partition(b"\n")
        if digest != hashlib.sha256(content).hexdigest().encode():
            return None
        try:
            return decode_result(content)
        except msgspec.ValidationError:  # Written by a version with other fields.
            return None

    def put(self, key: str, result: Result) -> None:
        """Store ``result`` under ``key``.

        Raises:
            GradebookError: it was not graded, or it cannot be written.
        """
        if result.status != "graded":
            raise GradebookError("A result that was not graded is not stored: it must be tried again. Grade it again.")
        content = encode_result(result)
        write_atomically(self._path(key), hashlib.sha256(content).hexdigest().encode() + b"\n" + content)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise GradebookError(f"'{key[:80]}' is not the key of a result. Use result_key().")
        return self._folder / key[:2] / f"{key}.json"


# ---- each student's submission

GAVE_UP = "Given up:"
"""The beginning of the refusal of a submission that is not tried again until somebody asks for it."""

_VERSION = 1
_PATIENCE = 60.0  # seconds
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


def _share(database: sqlite3.Connection) -> None:
    """Let readers and a writer work at once; wait for others who do so just now, for whom SQLite does not wait."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


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
            self._database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            # A lost tail after a power cut costs a look-up or a second writing of the same, never a grade.
            _share(self._database)
            self._database.execute("PRAGMA synchronous = NORMAL")
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

"""The identity of a grader: its code, and the packages that can change a number."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import platform
import stat
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from autograder.atomic_files import write_atomically
from autograder.errors import GradebookError
from autograder.settings import GradingSettings

__all__ = [
    "code_digest",
    "data_digest",
    "digest",
    "graded_files",
    "grader_digest",
    "reading_digest",
    "without_prose",
]

_PACKAGE = Path(__file__).resolve().parents[1]
_PARTS = ("authoring", "challenge", "grading", "isolation", "lab", "submission")
_MODULES = ("magics.py", "secrets.py", "engine/grader.py", "engine/incremental.py")
_ELSEWHERE = {
    # What derives files from a source: its outcome is hashed with the assignment.
    "authoring/build.py", "authoring/colab.py", "authoring/skeleton/__init__.py",
    # What only draws: a picture is shown to people and never compared.
    "lab/alternative_text.py", "lab/curves.py", "lab/figures.py", "lab/filters.py",
    # What a grade is not made of: the competition's published record of results.
    "challenge/competition_results.py", "challenge/reference_scores.py",
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


@lru_cache(maxsize=4)
def reading_digest(package: Path = _PACKAGE) -> bytes:
    """Return a hash of the code that reads an assignment."""
    return _digest_of(package, sorted((package / "authoring").rglob("*.py")))


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

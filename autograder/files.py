"""Files: written whole or not at all, opened without following a link, and watched for changes.

A link in place of a student's folder, of an assignment's folder or of the file itself would lead to another student's
work, or to the solutions. So what was handed in is opened with no link followed at any step below a folder that is
ours. The kernel refuses links where it has ``openat2``; elsewhere each step is opened by itself.

Changes are watched for commands that go on until they are interrupted.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path

from autograder.errors import GradebookError, GradebookUnusable

__all__ = [
    "LONGEST_NAME",
    "changes",
    "first_link",
    "names_student",
    "on_one_line",
    "open_below",
    "open_handed_in",
    "private_folder",
    "stamp_of",
    "students_in",
    "write_atomically",
]

LONGEST_NAME = 128
"""The most characters of a student's id: nbgrader's column; PostgreSQL refuses more, SQLite would take it."""

_NO_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def names_student(folder: str) -> bool:
    """Return whether a folder's name can be a student's id: some characters, not too many, all of which are seen."""
    return 0 < len(folder) <= LONGEST_NAME and folder.isprintable() and not folder.startswith(".")


def students_in(submitted: Path) -> list[str]:
    """Return the names in ``submitted/`` that can be students' ids; none if there is no such folder. Raises OSError."""
    return [each.name for each in submitted.iterdir() if names_student(each.name)] if submitted.is_dir() else []


def on_one_line(name: str) -> str:
    """Return the name of a file as a report shows it: anything may be in it, also the end of a line."""
    return name if name.isprintable() else ascii(name)[1:-1]


def private_folder(path: Path) -> None:
    """Make the folder and the missing ones above it, for this user alone. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write ``content`` so that a reader, or a machine that stops, sees the old file or the new one.

    The content is about students, or holds hidden tests: other accounts of the machine cannot read it.

    Raises:
        GradebookError: it cannot be written; the old file, if any, is untouched.
        GradebookUnusable: it cannot be written, since the disk is full or read-only.
    """
    temporary = None
    try:
        if path.parent == Path("/dev"):  # a terminal or a pipe, of which nothing can be kept, and which must stay
            path.write_bytes(content)
            return
        private_folder(path.parent)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        # A disk that is full or read-only is everybody's trouble, not one submission's.
        kind = GradebookUnusable if error.errno in _NO_DISK else GradebookError
        raise kind(
            f"{path} cannot be written: {error.strerror or error}. Free space or correct the "
            "permissions, and grade again."
        ) from error


# ---- opening what was handed in

_STEPS = 3  # STUDENT/ASSIGNMENT/FILE: what somebody else than the course may have made
_OPENAT2 = 437  # the same on every architecture
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_NAMES = ("O_NONBLOCK", "O_CLOEXEC", "O_NOFOLLOW", "O_BINARY")
# A pipe must not be waited for. Not every system has all of these.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in _NAMES)


def open_below(folder: Path, path: Path) -> int:
    """Return a descriptor of ``path``, which lies below ``folder``; ``folder`` itself may be reached by links.

    Raises:
        OSError: it cannot be opened; ELOOP if a link stands in the way.
        ValueError: it does not lie below.
    """
    parts = path.relative_to(folder).parts
    if not parts or ".." in parts:
        raise ValueError(f"{path} does not lie below {folder}")
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _openat2(root, str(Path(*parts))) if _has_openat2() else _step_by_step(root, parts)
    finally:
        os.close(root)


def open_handed_in(path: Path) -> int:
    """Return a descriptor of ``submitted/STUDENT/ASSIGNMENT/FILE``.

    Raises:
        OSError: it cannot be opened; ELOOP for a link below ``submitted``.
    """
    whole = path.absolute()
    if not hasattr(os, "O_DIRECTORY"):  # Windows: whoever checks a notebook there checks one of their own.
        return os.open(whole, _FLAGS)
    return open_below(whole.parents[min(_STEPS, len(whole.parts) - 1) - 1], whole)


def first_link(path: Path) -> Path:
    """Return the outermost link among the steps of ``submitted/STUDENT/ASSIGNMENT/FILE``; else the file itself."""
    steps = [*reversed(path.parents[: _STEPS - 1]), path]
    return next((step for step in steps if step.is_symlink()), path)


def _openat2(root: int, path: str) -> int:
    how = struct.pack("=QQQ", _FLAGS, 0, _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH)
    opened = int(_libc().syscall(ctypes.c_long(_OPENAT2), root, os.fsencode(path), how, ctypes.c_size_t(len(how))))
    if opened < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return opened


def _step_by_step(root: int, parts: tuple[str, ...]) -> int:
    """Do as `_openat2`, where the kernel lacks it: each step is opened by itself, and may not be a link."""
    here = os.dup(root)
    try:
        for part in parts[:-1]:
            _refuse_link(part, here)
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = below
        return os.open(parts[-1], _FLAGS, dir_fd=here)
    finally:
        os.close(here)


def _refuse_link(name: str, folder: int) -> None:
    if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@cache
def _has_openat2() -> bool:
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, 0)
    opened = int(_libc().syscall(ctypes.c_long(_OPENAT2), -100, b"/", how, ctypes.c_size_t(len(how))))
    if opened >= 0:
        os.close(opened)
    return opened >= 0


# ---- watching for changes


def changes(state: Callable[[], object], every: float, going: Callable[[], bool]) -> Iterator[None]:
    """Yield once at the start, and again whenever ``state`` gives another value.

    Args:
        every: seconds between looks.
        going: asked before every look; the watch ends when it returns False.
    """
    seen: object = object()
    for look in count():
        if not going():
            return
        if look:
            time.sleep(every)
        now = state()
        if now != seen:
            seen = now
            yield


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Return a value that changes with a file: its time, in nanoseconds, and its bytes; None if it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

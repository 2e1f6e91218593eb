"""The opening of files that students handed in, with no link followed at any step below a folder that is ours.

A link in place of a student's folder, of an assignment's or of the file would lead to another student's work, or to the
solutions. The kernel refuses it where it has ``openat2``; elsewhere each step is opened by itself, and none follows.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from functools import cache
from pathlib import Path

__all__ = ["first_link", "open_below", "open_handed_in"]

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

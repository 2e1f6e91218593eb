"""Atomic file writes."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from autograder.errors import GradebookError, GradebookUnusable

__all__ = ["private_folder", "write_atomically"]

_NO_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


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

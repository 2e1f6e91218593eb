"""Files that are always whole, never half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autograder.errors import GradebookError

__all__ = ["write_atomically"]


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write ``content`` so that a reader, or a machine that stops, sees the old file or the new one.

    Raises:
        GradebookError: it cannot be written; the old file, if any, is untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
        raise GradebookError(
            f"{path} cannot be written: {error.strerror}. Free space or correct the permissions, and grade again."
        ) from error

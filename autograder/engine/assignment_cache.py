"""An assignment read once and remembered: parsing its answers costs more than looking up a whole class."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.engine.identity import code_digest, digest

__all__ = ["load_cached_assignment"]


def load_cached_assignment(course: Course, name: str) -> Assignment:
    """What :func:`load_assignment` gives, from a copy that is kept as long as no file of the assignment changes.

    Raises:
        AuthoringError: as ``load_assignment`` does.
    """
    path = course.results / "assignments" / f"{_digest(course, name)}.msgpack"
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Assignment)
    except (OSError, msgspec.MsgspecError):
        assignment = load_assignment(course, name)
    with contextlib.suppress(OSError):  # A copy that cannot be kept costs only time.
        _keep(path, msgspec.msgpack.encode(assignment))
    return assignment


def _digest(course: Course, name: str) -> str:
    """Names the content of all files that an assignment is read from."""
    parts = [code_digest(), name.encode()]
    for folder in (course.source / name, course.release / name):
        for path in sorted([*folder.glob("*.ipynb"), *folder.glob("*.py")]) if "/" not in name else []:
            parts += [path.name.encode(), path.read_bytes()]
    return digest(*parts)


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    Path(temporary).replace(path)

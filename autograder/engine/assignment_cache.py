"""The cache of assignments: parsing the answers of one takes longer than looking up a whole class."""

from __future__ import annotations

import contextlib

import msgspec

from autograder.atomic_files import write_atomically
from autograder.authoring.adopted import frame_files
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.identity import digest, reading_digest

__all__ = ["load_cached_assignment"]


def load_cached_assignment(course: Course, name: str) -> Assignment:
    """Return what :func:`load_assignment` returns, from a copy that is kept until a file of the assignment changes.

    Raises:
        AuthoringError: as ``load_assignment`` does.
    """
    path = course.results / "assignments" / f"{_digest(course, name)}.msgpack"
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Assignment)
    except (OSError, msgspec.MsgspecError):
        assignment = load_assignment(course, name)
    with contextlib.suppress(GradebookError):  # A copy that cannot be kept costs only time.
        write_atomically(path, msgspec.msgpack.encode(assignment))
    return assignment


def _digest(course: Course, name: str) -> str:
    """Return a hash of the content of all files that an assignment is read from."""
    parts = [reading_digest(), name.encode()]
    folder = course.source / (name.partition("/")[0] if course.adopted else name)
    plan = frame_files(course) if course.adopted else []
    for path in sorted([*folder.glob("*.ipynb"), *folder.rglob("*.py"), *plan]) if ".." not in name else []:
        parts += [path.name.encode(), path.read_bytes()]
    return digest(*parts)

"""The record of what was collected before: from whom, in which order, for which group; beside the files set aside."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path

import msgspec

from autograder.atomic_files import write_atomically
from autograder.course import Course

__all__ = ["Receipt", "Receipts", "groups_of"]


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The origin of the file that a student has under ``submitted/``.

    Attributes:
        digest: of its bytes.
        platform: the platform's short name.
        identity: the platform's name for the person.
        attempt: the number of the resubmission; higher is later.
        at: the time at which it was handed in, if the platform told.
        lateness: ``unknown`` if it was late by the platform's word alone.
        group: all for whom it was handed in, if they are several.
        origin: the file's path in the download; platforms find it again by that name.
    """

    digest: str
    platform: str = ""
    identity: str = ""
    attempt: int = 0
    at: dt.datetime | None = None
    lateness: str = ""
    group: tuple[str, ...] = ()
    origin: str = ""


class Receipts:
    """The receipts of a course, by student and assignment."""

    def __init__(self, course: Course) -> None:
        self._path = _path(course)
        self._known = _load(self._path)

    def get(self, student: str, assignment: str) -> Receipt | None:
        """Return the receipt of what ``student`` has for ``assignment``, if it was collected."""
        return self._known.get(f"{student}/{assignment}")

    def of(self, assignment: str) -> dict[str, Receipt]:
        """Return the receipts for ``assignment``, by student."""
        ending = f"/{assignment}"
        return {key.removesuffix(ending): each for key, each in self._known.items() if key.endswith(ending)}

    def put(self, student: str, assignment: str, receipt: Receipt) -> None:
        """Note ``receipt``; :meth:`save` writes it."""
        self._known[f"{student}/{assignment}"] = receipt

    def save(self) -> None:
        """Write all receipts.

        Raises:
            GradebookError: they cannot be written.
        """
        write_atomically(self._path, msgspec.json.format(msgspec.json.encode(self._known), indent=1), 0o600)


def groups_of(course: Course, assignment: str) -> dict[str, tuple[str, ...]]:
    """Return the members of each student's group for ``assignment``, without those who handed in alone, also since."""
    receipts = Receipts(course).of(assignment)
    together: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for student, receipt in sorted(receipts.items()):
        if student in receipt.group:
            together[receipt.digest, receipt.group].append(student)
    return {student: tuple(members) for members in together.values() if len(members) > 1 for student in members}


def _path(course: Course) -> Path:
    return course.results / "collected" / "receipts.json"


def _load(path: Path) -> dict[str, Receipt]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Receipt])
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):  # They only help: without them nothing is lost.
        return {}

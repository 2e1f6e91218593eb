"""The records of collecting: receipts for the next time, and a report for people.

Receipts tell what was collected before: from whom, in which order, for which group. They lie beside the files
set aside.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import msgspec

from autograder.course import Course
from autograder.files import write_atomically

__all__ = ["Collected", "Placed", "Receipt", "Receipts", "Unplaced", "groups_of", "printable"]


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
        self._new: dict[str, Receipt] = {}

    def get(self, student: str, assignment: str) -> Receipt | None:
        """Return the receipt of what ``student`` has for ``assignment``, if it was collected."""
        return self._known.get(f"{student}/{assignment}")

    def of(self, assignment: str) -> dict[str, Receipt]:
        """Return the receipts for ``assignment``, by student."""
        ending = f"/{assignment}"
        return {key.removesuffix(ending): each for key, each in self._known.items() if key.endswith(ending)}

    def put(self, student: str, assignment: str, receipt: Receipt) -> None:
        """Note ``receipt``; :meth:`save` writes it."""
        self._known[f"{student}/{assignment}"] = self._new[f"{student}/{assignment}"] = receipt

    def save(self) -> None:
        """Write all receipts; those that another process has written meanwhile are kept.

        Raises:
            GradebookError: they cannot be written.
        """
        self._known = {**self._known, **_load(self._path), **self._new}
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


# ---- the report

_OUTCOMES = ("new", "replaced", "unchanged", "older")


@dataclass(frozen=True)
class Placed:
    """The file of one student.

    Attributes:
        student: nbgrader's id.
        assignment: the assignment that it answers.
        origin: the file in the download.
        outcome: new, replaced, unchanged, or older (kept aside).
        remark: a remark for the person who collects; may be empty.
        group: all for whom it was handed in, if they are several.
        doubtful: whether a person has to decide.
    """

    student: str
    assignment: str
    origin: str
    outcome: str
    remark: str = ""
    group: tuple[str, ...] = ()
    doubtful: bool = False


@dataclass(frozen=True)
class Unplaced:
    """A file that was not placed, with the reason and the path of a copy."""

    origin: str
    reason: str
    kept: Path | None = None


@dataclass(frozen=True)
class Collected:
    """The outcome of a download.

    Attributes:
        placed: the files that were placed, and earlier ones of the same students.
        unplaced: files that a person has to look at.
        beside: files that came with a notebook that was placed; they are kept aside.
        platform: the platform's name for people.
        remarks: remarks on the whole download.
    """

    placed: tuple[Placed, ...]
    unplaced: tuple[Unplaced, ...]
    beside: tuple[Unplaced, ...] = ()
    platform: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def needs_a_look(self) -> bool:
        """True if a person has something to decide."""
        return bool(self.unplaced) or any(each.doubtful for each in self.placed)

    def lines(self) -> list[str]:
        """Return the report."""
        if not self.placed and not self.unplaced and not self.beside:
            return ["The download contains no files. Download it again, or name another folder."]
        counts = Counter(each.outcome for each in self.placed)
        head = ", ".join(f"{counts[word]} {word}" for word in _OUTCOMES if counts[word]) or "nothing placed"
        lines = [f"Read as {self.platform}.", f"{head}; {len(self.unplaced)} not placed.", *self.remarks]
        lines += [f"{each.student}, {each.assignment}: {each.remark}" for each in self.placed if each.remark]
        lines += self._group_lines()
        if self.beside:
            names = ", ".join(printable(each.origin) for each in self.beside[:3])
            more = f" and {len(self.beside) - 3} more" if len(self.beside) > 3 else ""
            folder = next((f" in {each.kept.parent}" for each in self.beside if each.kept), "")
            lines.append(f"kept aside{folder}, because they came with a notebook: {names}{more}.")
        for stray in self.unplaced:
            kept = f" A copy is at {stray.kept}." if stray.kept else ""
            lines.append(f"not placed: {printable(stray.origin)}: {printable(stray.reason)}{kept}")
        return [printable(line) for line in lines]

    def _group_lines(self) -> list[str]:
        groups = {(each.assignment, each.group) for each in self.placed if each.group}
        return [f"{name}: handed in together: {', '.join(members)}" for name, members in sorted(groups)]


def printable(text: str) -> str:
    """Return ``text`` without signs that a terminal would obey: students choose the names of files."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)

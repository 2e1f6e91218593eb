"""The assignment that a notebook answers, identified by its grade ids, then by where it lay and what it is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from autograder.course import Course
from autograder.errors import UnreadableSubmission

__all__ = ["Catalogue"]

_COPY = re.compile(r"^(copy of |copy_of_)+|([ _-]*(copy|\(\d+\)|-\d+)\d*)+$", re.IGNORECASE)
_ENDINGS = re.compile(r"\.ipynb(\.(txt|json|download))*$", re.IGNORECASE)
_LOOKED_INTO = (".ipynb", ".json", ".txt", ".download", "")
_GRADE_ID = re.compile(rb'"grade_id"\s*:\s*"([^"\\]{1,200})"')
_MOST_MARKS = 20_000
_ENOUGH, _CLOSE = 0.3, 0.1


class Catalogue:
    """The released notebooks of a course, by what tells them apart.

    Attributes:
        notebooks: the name of each assignment's notebook, without its ending.
    """

    def __init__(self, course: Course) -> None:
        paths = sorted(course.release.glob("*/*.ipynb"))
        self.notebooks = {path.parent.name: path.stem for path in paths}
        self._released = {path.parent.name: path.read_bytes() for path in paths}
        self._marks = {name: _marks(content) for name, content in self._released.items()}
        self._all = set().union(*self._marks.values())

    def assignment_of(self, path: str, content: bytes, told: str = "", wanted: str = "") -> str:
        """Return the assignment that a file answers.

        Args:
            path: its path from the root of the download.
            content: its bytes.
            told: the assignment that the platform names; may be empty.
            wanted: the assignment that the person who collects names; may be empty.

        Raises:
            UnreadableSubmission: it answers none, several, or not the one that is wanted; the message is the reason.
        """
        fitting = self._by_marks(content) if PurePosixPath(path).suffix.lower() in _LOOKED_INTO else []
        if not fitting and not _ENDINGS.search(path):
            raise UnreadableSubmission("it is not a notebook of a released assignment")
        if wanted and fitting and wanted not in fitting:
            raise UnreadableSubmission(
                f"it is {' or '.join(fitting)}, not {wanted}. Collect without --assignment to place it there"
            )
        if wanted or len(fitting) == 1:
            return wanted or fitting[0]
        if chosen := self._by_path(path, told, fitting or list(self.notebooks)):
            return chosen
        if len(fitting) > 1:
            raise UnreadableSubmission(f"it fits {' and '.join(fitting)} equally well. Name one with --assignment")
        raise UnreadableSubmission("it is not a notebook of a released assignment")

    def is_blank(self, assignment: str, content: bytes) -> bool:
        """Return whether ``content`` is the released notebook itself, byte for byte."""
        return self._released.get(assignment) == content

    def _by_marks(self, content: bytes) -> list[str]:
        """Return the assignments whose grade ids fit; several if they fit about equally well."""
        marks = _marks(content)
        likeness = {
            name: len(marks & own) / len((marks & self._all) | own)
            for name, own in self._marks.items()
            if own and len(marks & own) >= _ENOUGH * len(own)
        }
        best = max(likeness.values(), default=0.0)
        return [name for name, value in likeness.items() if value >= best - _CLOSE]

    def _by_path(self, path: str, told: str, among: Sequence[str]) -> str:
        """Return what platform, folders and file name tell, the surest first; empty if nothing tells."""
        folders = [_plain(part) for part in PurePosixPath(path).parts[:-1]]
        stem = _stem(path)
        ways = (
            [each for each in among if told and _plain(told) in (_plain(each), _plain(self.notebooks[each]))],
            [each for each in among if _plain(each) in folders],
            [each for each in among if _ends_with(stem, each) or _ends_with(stem, self.notebooks[each])],
            [each for each in among if _plain(self.notebooks[each]) in folders],
        )
        return next((way[0] for way in ways if len(way) == 1), "")


def _plain(name: str) -> str:
    return name.lower().strip(" _-")


def _stem(path: str) -> str:
    name = _ENDINGS.sub("", PurePosixPath(path).name)
    return _COPY.sub("", name.rpartition("--")[2]).strip(" _-").lower()


def _ends_with(stem: str, name: str) -> bool:
    return stem == name.lower() or stem.endswith((f"_{name.lower()}", f"-{name.lower()}", f" {name.lower()}"))


def _marks(content: bytes) -> set[str]:
    """Return the grade ids in a notebook's bytes; they survive saving in every program that keeps metadata.

    The text is searched, not parsed: the memory of a hostile file stays that of its bytes, and damage elsewhere in the
    file hides nothing. Within a cell's text the quotes are escaped, so that no text passes for metadata.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:4]:
        content = content.replace(b"\0", b"")  # UTF-16 or UTF-32 of what is ASCII here.
    found: set[str] = set()
    for match in _GRADE_ID.finditer(content):
        found.add(match[1].decode("utf-8", "replace"))
        if len(found) >= _MOST_MARKS:
            break
    return found

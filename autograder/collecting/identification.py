"""Which assignment is a notebook? Its own marks say so; failing them, its name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from autograder.course import Course
from autograder.errors import UnreadableSubmission
from autograder.submission.notebook_reader import read_submission

__all__ = ["Catalogue"]

_COPY = re.compile(r"(copy of |copy_of_)|([ _-]*(copy|\(\d+\)|-\d+)\d*)+$", re.IGNORECASE)
_ENOUGH = 0.3


class Catalogue:
    """The released notebooks of a course, by what tells them apart."""

    def __init__(self, course: Course) -> None:
        paths = sorted(course.release.glob("*/*.ipynb"))
        self.notebooks = {path.parent.name: path.stem for path in paths}
        self._marks = {path.parent.name: _marks(json.loads(path.read_text(encoding="utf-8"))) for path in paths}

    def assignment_of(self, name: str, content: bytes) -> str:
        """The assignment that a file answers, or empty if nothing tells.

        Args:
            name: the file's path, which counts only if its content says nothing.
            content: the file's bytes.
        """
        return self._by_marks(name, content) or self._by_name(name)

    def _by_marks(self, name: str, content: bytes) -> str:
        try:
            marks = _marks(read_submission(content, name))
        except UnreadableSubmission:
            return ""
        shares = {each: len(marks & own) / len(own) for each, own in self._marks.items() if own}
        best = max(shares, key=lambda each: shares[each], default="")
        return best if best and shares[best] >= _ENOUGH else ""

    def _by_name(self, name: str) -> str:
        path = PurePosixPath(name)
        if path.suffix.lower() != ".ipynb":
            return ""
        stem = _plain(path.stem)
        ends = {each: notebook for each, notebook in self.notebooks.items() if _ends_with(stem, notebook)}
        named = [each for each in self.notebooks if each in path.parts] or list(ends)
        return named[0] if len(named) == 1 else ""


def _plain(stem: str) -> str:
    return _COPY.sub("", stem.rpartition("--")[2]).strip(" _-").lower()


def _ends_with(stem: str, notebook: str) -> bool:
    return stem == notebook.lower() or stem.endswith((f"_{notebook.lower()}", f"-{notebook.lower()}"))


def _marks(notebook: Mapping[str, Any]) -> set[str]:
    """The grade ids in a notebook; they survive saving in every program that keeps metadata."""
    cells = notebook.get("cells")
    found = (_grade_id(cell) for cell in (cells if isinstance(cells, list) else []))
    return {each for each in found if each}


def _grade_id(cell: object) -> str:
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    graded = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return str(graded.get("grade_id") or "") if isinstance(graded, dict) else ""

"""What the cells of a student's notebook are for, read from the metadata that the release put there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import UnreadableSubmission
from autograder.submission.notebook_reader import read_submission

__all__ = ["NotebookCell", "read_notebook_cells"]

_STUB = "raise NotImplementedError()"
_PLACEHOLDER = "YOUR ANSWER HERE"


@dataclass(frozen=True)
class NotebookCell:
    """One cell of a notebook that a student works on.

    Attributes:
        number: its place in the notebook, from 1.
        kind: given, demo, exercise, check, answer; prose for text, extra for code of the student's own.
        name: of the exercise or question that it belongs to, or empty.
        check: a check's own name, or empty.
        source: its text.
        points: the most that it can earn.
    """

    number: int
    kind: str
    name: str
    check: str
    source: str
    points: float

    @property
    def is_hidden(self) -> bool:
        """Whether all of a check is hidden: what is left of it is a comment."""
        if self.kind != "check":
            return False
        try:
            return not ast.parse(self.source).body
        except SyntaxError:
            return False

    @property
    def is_open(self) -> bool:
        """Whether an exercise or a written answer is as it was handed out."""
        if self.kind == "exercise":
            return any(line.strip() == _STUB for line in self.source.split("\n"))
        return self.kind == "answer" and (_PLACEHOLDER in self.source or not self.source.strip())


def read_notebook_cells(path: Path) -> tuple[NotebookCell, ...]:
    """The cells of the notebook at ``path``.

    Raises:
        UnreadableSubmission: it is no notebook, or none of this course.
    """
    try:
        content = read_submission(path.read_bytes(), str(path))
    except OSError as error:
        raise UnreadableSubmission(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    cells = tuple(_cells(content.get("cells")))
    if not any(cell.kind == "check" for cell in cells):
        raise UnreadableSubmission(
            f"{path} has no checks, so it is no notebook of this course, or a program has removed their marks. "
            "Start from a fresh copy and paste your code into it."
        )
    return cells


def _cells(cells: object) -> Iterator[NotebookCell]:
    for number, cell in enumerate(cells if isinstance(cells, list) else [], 1):
        if isinstance(cell, dict) and cell.get("cell_type") in ("code", "markdown"):
            yield _cell(number, cell)


def _cell(number: int, cell: Mapping[str, Any]) -> NotebookCell:
    own, graded = _metadata(cell, "autograder"), _metadata(cell, "nbgrader")
    kind = str(own.get("kind", "extra" if cell["cell_type"] == "code" else "prose"))
    points = graded.get("points", 0)
    return NotebookCell(
        number,
        kind,
        str(own.get("exercise", "")),
        str(own.get("name", "")),
        _text(cell.get("source", "")),
        float(points) if isinstance(points, int | float) else 0.0,
    )


def _metadata(cell: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    metadata = cell.get("metadata")
    found = metadata.get(name) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _text(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)

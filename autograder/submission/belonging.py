"""The assignment that a notebook belongs to, told by what only one assignment has."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from autograder.authoring.adopted import notebooks_of
from autograder.authoring.assignment import Assignment, adopted_assignment, source_path
from autograder.authoring.regions import CODE_STUB, TEXT_STUB
from autograder.authoring.releasing import released
from autograder.course import Course
from autograder.errors import AutograderError
from autograder.submission.raw_cells import StudentCell

__all__ = ["Catalogue", "NotebookMarks", "catalogue_of", "marks_of", "rightful"]

_GENERIC = {"", CODE_STUB, TEXT_STUB}


class NotebookMarks(msgspec.Struct, frozen=True):
    """The marks by which the exercises, checks and questions of one assignment are recognised."""

    grade_ids: frozenset[str]
    cell_ids: frozenset[str]
    texts: frozenset[str]

    def signs(self, cell: StudentCell) -> int:
        """Return how many signs of ``cell`` are of this assignment: its mark, its id and its text count one each."""
        return (cell.grade_id in self.grade_ids) + (cell.cell_id in self.cell_ids) + (cell.text in self.texts)


Catalogue = Mapping[str, NotebookMarks]
"""The marks of a course's assignments, by name."""


def marks_of(assignment: Assignment) -> NotebookMarks:
    """Return the marks of an assignment."""
    return _marks_in(assignment.release)


def catalogue_of(course: Course) -> Catalogue:
    """Return the marks of every assignment that ``course`` has, as far as its sources can be read."""
    found: dict[str, NotebookMarks] = {}
    for name in (
        [unit for each in course.assignments() for unit in notebooks_of(course, each)] if course.adopted else ()
    ):
        with contextlib.suppress(AutograderError):
            found[name] = marks_of(adopted_assignment(course, name))
    for name in course.assignments() if not course.adopted else ():
        try:
            path = source_path(course, name)
            found[name] = _read(path, path.stat().st_mtime_ns)
        except (AutograderError, OSError, ValueError, KeyError, TypeError):
            continue  # Whoever grades that assignment is told; here it only cannot be recognised.
    return found


def rightful(cells: Sequence[StudentCell], assignment: Assignment, others: Callable[[], Catalogue]) -> str:
    """Return the other assignment that ``cells`` belong to rather than to ``assignment``; empty if to none.

    A notebook with half of the assignment or more in it belongs to it, whatever else was copied there.
    """
    own = marks_of(assignment)
    enough = max(1, len(own.cell_ids) // 2)
    if sum(cell.cell_id in own.cell_ids for cell in cells) >= enough:
        return ""
    votes = Counter[str]()
    strangers = {name: marks for name, marks in others().items() if name != assignment.unit}
    for cell in cells:
        signs = {assignment.unit: own.signs(cell)} | {name: marks.signs(cell) for name, marks in strangers.items()}
        best = max(signs, key=lambda name: signs[name])  # Of equals the first, which is this assignment.
        votes[best] += signs[best] > 0
    if votes[assignment.unit] >= enough:
        return ""
    winner = max(votes, key=lambda name: votes[name], default="")
    return winner if votes[winner] > votes[assignment.unit] else ""


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> NotebookMarks:
    return _marks(released(json.loads(path.read_text(encoding="utf-8"))))


@lru_cache(maxsize=64)
def _marks_in(release: str) -> NotebookMarks:
    return _marks(json.loads(release))


def _marks(release: Mapping[str, Any]) -> NotebookMarks:
    cells = [cell for cell in release["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id")]
    own = [cell for cell in cells if any(cell["metadata"]["nbgrader"].get(key) for key in ("grade", "solution"))]
    texts = {"\n".join(line.rstrip() for line in cell["source"].strip().split("\n")) for cell in own}
    return NotebookMarks(
        frozenset(cell["metadata"]["nbgrader"]["grade_id"] for cell in own),
        frozenset(cell["id"] for cell in own),
        frozenset(texts - _GENERIC),
    )

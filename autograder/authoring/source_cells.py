"""The purpose of each cell of an author's file, read from its marker line."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.authoring.regions import BEGIN_HIDDEN, BEGIN_SOLUTION, check_regions
from autograder.errors import AuthoringError

__all__ = ["KINDS", "SourceCell", "defined_names", "read_source_cells"]

KINDS = ("prose", "given", "demo", "exercise", "check", "answer")
_MARKERS = {"exercise", "check", "answer", "demo", "name", "points"}
_IGNORED = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "title"}
_SLUG = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*")


@dataclass(frozen=True)
class SourceCell:
    """A cell of an author's file.

    Attributes:
        kind: one of :data:`KINDS`.
        cell_type: ``code`` or ``markdown``.
        source: as written, with solution and hidden regions.
        grade_id: nbgrader's name of the cell; empty for prose.
        exercise: the exercise that the cell belongs to; empty for prose, given and demo cells.
        name: the check's own name within its exercise.
        points: the most that the cell can earn.
    """

    kind: str
    cell_type: str
    source: str
    grade_id: str = ""
    exercise: str = ""
    name: str = ""
    points: float = 0.0


def defined_names(source: str) -> list[str]:
    """Return the names of the functions and classes at the top level of ``source``; none if it does not parse."""
    try:
        tree = ast.parse("\n".join("" if line.lstrip()[:1] in "%!" else line for line in source.split("\n")))
    except SyntaxError:
        return []
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def read_source_cells(cells: list[Mapping[str, Any]], file: str) -> Iterator[SourceCell]:
    """Turn jupytext's cells into :class:`SourceCell`, and refuse what makes no sense.

    Raises:
        AuthoringError: names the file, the cell and the exercise.
    """
    exercises: set[str] = set()
    taken: set[str] = set()
    for number, cell in enumerate(cells, 1):
        where = f"{file}, cell {number}"
        found = _classify(cell, where)
        check_regions(found.source, where)
        _check_content(found, where, exercises)
        if found.kind == "exercise":
            exercises.update({found.exercise, *defined_names(found.source)})
        if found.grade_id in taken:
            raise AuthoringError(f"{where}: a second cell is called '{found.grade_id}'. Give it another name.")
        taken.update({found.grade_id} - {""})
        yield found


def _classify(cell: Mapping[str, Any], where: str) -> SourceCell:
    marks = {key: value for key, value in cell["metadata"].items() if key not in _IGNORED}
    if unknown := sorted(set(marks) - _MARKERS):
        raise AuthoringError(f"{where}: unknown marker '{unknown[0]}'. Markers are {', '.join(sorted(_MARKERS))}.")
    kind, cell_type, source = _kind(cell["cell_type"], marks), str(cell["cell_type"]), str(cell["source"])
    exercise, name = str(marks.get(kind, "")) if kind in ("exercise", "check", "answer") else "", ""
    if kind == "check":
        name = str(marks.get("name", ""))
    for slug in filter(None, (exercise, name)):
        if not _SLUG.fullmatch(slug):
            raise AuthoringError(f"{where}: '{slug}' is not a name. Use letters, digits, '_' and single '-'.")
    points = _points(kind, marks, where)
    return SourceCell(kind, cell_type, source, _grade_id(kind, exercise, name, source), exercise, name, points)


def _kind(cell_type: str, marks: Mapping[str, Any]) -> str:
    for kind in ("exercise", "check", "answer", "demo"):
        if kind in marks:
            return kind
    return "given" if cell_type == "code" else "prose"


def _points(kind: str, marks: Mapping[str, Any], where: str) -> float:
    points = marks.get("points", 0)
    if kind not in ("check", "answer"):
        if points:
            raise AuthoringError(f"{where}: only checks and written answers carry points. Move points={points}.")
        return 0.0
    if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0 or points * 2 % 1:
        raise AuthoringError(f"{where}: points={points!r}; give a positive multiple of 0.5.")
    return float(points)


def _grade_id(kind: str, exercise: str, name: str, source: str) -> str:
    if kind == "prose":
        return ""
    if kind == "exercise":
        return exercise
    if kind in ("check", "answer"):
        return "-".join(filter(None, (kind, exercise, name)))
    return f"{kind}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"


def _check_content(cell: SourceCell, where: str, exercises: set[str]) -> None:
    wanted_type = "code" if cell.kind in ("given", "demo", "exercise", "check") else "markdown"
    if cell.cell_type != wanted_type:
        raise AuthoringError(f"{where}: a cell marked {cell.kind} must be a {wanted_type} cell.")
    if cell.kind in ("exercise", "answer") and BEGIN_SOLUTION not in cell.source:
        raise AuthoringError(f"{where}: '{cell.exercise}' has no solution. Add '{BEGIN_SOLUTION}' and its end.")
    if cell.kind not in ("exercise", "answer") and BEGIN_SOLUTION in cell.source:
        raise AuthoringError(f"{where}: a solution stands in a cell that is not an exercise. Mark the cell.")
    if cell.kind != "check" and BEGIN_HIDDEN in cell.source:
        raise AuthoringError(f"{where}: hidden tests stand in a cell that is not a check. Mark the cell.")
    if cell.kind == "exercise" and cell.exercise not in defined_names(cell.source):
        raise AuthoringError(f"{where}: exercise '{cell.exercise}' defines no function or class of that name.")
    if cell.kind == "check" and cell.exercise not in exercises:
        raise AuthoringError(f"{where}: check of '{cell.exercise}', but no exercise of that name stands before it.")

"""The cells of an author's file: their purpose, their marked regions, and what students get of them.

A marker line tells the purpose of a cell. Within a cell, nbgrader's markers enclose solutions and hidden tests.

The released notebook is the one that ``nbgrader generate_assignment`` makes. It is made here and not by nbgrader's
preprocessors, whose import takes seconds: grading derives it from the source each time and never reads ``notebooks/``,
where people work. A test compares the two.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.errors import AuthoringError

__all__ = [
    "BEGIN_HIDDEN",
    "BEGIN_SOLUTION",
    "CODE_STUB",
    "END_HIDDEN",
    "END_SOLUTION",
    "KINDS",
    "TEXT_STUB",
    "SourceCell",
    "check_regions",
    "checksum",
    "defined_names",
    "notebook_text",
    "read_source_cells",
    "released",
    "source_text",
    "split_hidden",
    "text_version",
]


# ---- marked regions

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
# What nbgrader puts in place of a solution. People meet these words: they are not ours to change.
CODE_STUB, TEXT_STUB = "# YOUR CODE HERE\nraise NotImplementedError()", "YOUR ANSWER HERE"


def split_hidden(source: str) -> tuple[str, str]:
    """Return the visible and the hidden part of a check, with the lines that belong to the other left blank.

    Line numbers stay those of the cell, so a message that names a line names the right one.
    """
    visible, hidden, inside = [], [], False
    for line in source.split("\n"):
        if BEGIN_HIDDEN in line or END_HIDDEN in line:
            inside = BEGIN_HIDDEN in line
            visible.append("")
            hidden.append("")
            continue
        visible.append("" if inside else line)
        hidden.append(line if inside else "")
    return "\n".join(visible), "\n".join(hidden)


def check_regions(source: str, where: str) -> None:
    """Refuse regions that are nested, unclosed or never opened.

    Raises:
        AuthoringError: names ``where`` and the marker.
    """
    for begin, end in ((BEGIN_SOLUTION, END_SOLUTION), (BEGIN_HIDDEN, END_HIDDEN)):
        inside = False
        for line in source.split("\n"):
            if (begin in line and inside) or (end in line and not inside):
                raise AuthoringError(f"{where}: '{line.strip()}' does not match the marker before it. Pair them.")
            inside = (begin in line) or (inside and end not in line)
        if inside:
            raise AuthoringError(f"{where}: '{begin}' is never closed. Add a line '{end}'.")


# ---- the purpose of a cell

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
        raise AuthoringError(f"{where}: a solution is in a cell that is not an exercise. Mark the cell.")
    if cell.kind != "check" and BEGIN_HIDDEN in cell.source:
        raise AuthoringError(f"{where}: hidden tests are in a cell that is not a check. Mark the cell.")
    if cell.kind == "exercise" and cell.exercise not in defined_names(cell.source):
        raise AuthoringError(f"{where}: exercise '{cell.exercise}' defines no function or class of that name.")
    if cell.kind == "check" and cell.exercise not in exercises:
        raise AuthoringError(f"{where}: check of '{cell.exercise}', but no exercise of that name comes before it.")


# ---- the released notebook

_OF_OUTPUTS = ("collapsed", "scrolled")


def released(source: Mapping[str, Any], code_stub: str = CODE_STUB, text_stub: str = TEXT_STUB) -> dict[str, Any]:
    """Return the students' notebook of ``source``: solutions replaced by stubs, no hidden tests, locked cells locked.

    Args:
        source: the instructor's notebook.
        code_stub, text_stub: the text in place of a solution.

    Raises:
        AuthoringError: a region is nested, unclosed or never opened; names the cell.
    """
    notebook = copy.deepcopy({key: value for key, value in source.items() if key != "cells"})
    notebook["metadata"] = {key: value for key, value in notebook["metadata"].items() if key != "celltoolbar"}
    notebook["cells"] = [
        _released_cell(cell, number, code_stub if cell["cell_type"] == "code" else text_stub)
        for number, cell in enumerate(source["cells"], 1)
    ]
    return notebook


def checksum(cell: Mapping[str, Any]) -> str:
    """Return the checksum that nbgrader keeps of a marked cell: it tells whether the cell was changed."""
    marks = cell["metadata"]["nbgrader"]
    grade, solution = bool(marks.get("grade")), bool(marks.get("solution"))
    locked = not solution and (grade or bool(marks.get("locked")))
    parts = [source_text(cell), cell["cell_type"], str(grade), str(solution), str(locked), marks["grade_id"]]
    if grade:
        parts.append(str(float(marks["points"])))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def text_version(ids: Iterable[str]) -> str:
    """Return a hash of cells of text, given their ids: by it a copy is told from one whose text was corrected."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]


def notebook_text(notebook: Mapping[str, Any]) -> str:
    """Return the text of a notebook's file, laid out as all of the course's are."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _released_cell(cell: Mapping[str, Any], number: int, stub: str) -> dict[str, Any]:
    made = {**cell, "metadata": copy.deepcopy(dict(cell["metadata"])), "source": source_text(cell)}
    marks = made["metadata"].get("nbgrader")
    check_regions(made["source"], f"cell {number}")
    made["source"] = _without_hidden(_with_stubs(made, bool(marks and marks.get("solution")), stub))
    if made["cell_type"] == "code":
        made["outputs"], made["execution_count"] = [], None
        made["metadata"] = {key: value for key, value in made["metadata"].items() if key not in _OF_OUTPUTS}
    if marks and (marks.get("solution") or marks.get("grade") or marks.get("locked")):
        made["metadata"] |= {"deletable": False} if marks.get("solution") else {"deletable": False, "editable": False}
        kept = {key: value for key, value in marks.items() if key != "checksum"}
        made["metadata"]["nbgrader"] = kept | {"checksum": checksum(made), "cell_type": made["cell_type"]}
    return made


def _with_stubs(cell: Mapping[str, Any], is_solution: bool, stub: str) -> str:
    """Return the cell's text with a stub in place of each solution; in place of all of it if it marks none."""
    if is_solution and BEGIN_SOLUTION not in cell["source"]:
        return stub
    lines, inside = [], False
    for line in cell["source"].split("\n"):
        if BEGIN_SOLUTION in line:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + stub_line for stub_line in stub.split("\n")]
        elif END_SOLUTION in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def _without_hidden(source: str) -> str:
    lines, inside = [], False
    for line in source.split("\n"):
        if BEGIN_HIDDEN in line or END_HIDDEN in line:
            inside = BEGIN_HIDDEN in line
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def source_text(cell: Mapping[str, Any]) -> str:
    """Return the source of a notebook's cell; files have it as a text or as a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)

"""An nbgrader source notebook of any format and schema version, read as format 4.5 with this package's markers.

Nothing is written: the instructor's file stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from autograder.authoring.source_cells import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    CODE_STUB,
    END_HIDDEN,
    END_SOLUTION,
    TEXT_STUB,
    source_text,
)
from autograder.errors import AuthoringError

__all__ = ["Markers", "read_instructors_notebook", "schemes_in"]


class Markers(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The course's markers of regions, and what stands in their place for students; the defaults are nbgrader's."""

    begin_solution: str = "BEGIN SOLUTION"
    end_solution: str = "END SOLUTION"
    begin_hidden: str = "BEGIN HIDDEN TESTS"
    end_hidden: str = "END HIDDEN TESTS"
    begin_scheme: str = "BEGIN MARK SCHEME"
    end_scheme: str = "END MARK SCHEME"
    code_stub: str = CODE_STUB
    text_stub: str = TEXT_STUB
    autotest: str = "AUTOTEST"


def read_instructors_notebook(
    path: Path, markers: Markers, header: Path | None = None, footer: Path | None = None
) -> dict[str, Any]:
    """Return a source notebook in format 4.5, with the markers of this package; only in memory.

    Args:
        path: the notebook's path.
        markers: the course's.
        header, footer: notebooks whose cells stand above and below.

    Raises:
        AuthoringError: one of them is not a notebook, or has no Python in it.
    """
    notebook = _read(path)
    cells = [cell for each in (header, path, footer) if each for cell in _normalised_cells(each, markers)]
    language = str(notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")).lower()
    if language not in ("python", "python3", ""):
        raise AuthoringError(f"{path} is written in {language}. Only Python can be graded here; leave it to nbgrader.")
    _name_cells(cells, path)
    return {"cells": cells, "metadata": dict(notebook.get("metadata", {})), "nbformat": 4, "nbformat_minor": 5}


def schemes_in(path: Path, markers: Markers) -> dict[str, str]:
    """Return the marking schemes in a source notebook, by the grade id of their cell. Raises AuthoringError."""
    found = {}
    for cell in _read(path).get("cells", ()):
        source = source_text(cell)
        lines, in_scheme = [], False
        for line in source.split("\n"):
            if markers.begin_scheme in line or markers.end_scheme in line:
                in_scheme = markers.begin_scheme in line
            elif in_scheme:
                lines.append(line)
        if lines:
            found[str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))] = "\n".join(lines).strip()
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
        return _upgraded(notebook) if int(notebook.get("nbformat", 4)) < 4 else notebook
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuthoringError(
            f"{path} cannot be read as a notebook ({error}). Open it in Jupyter and save it."
        ) from error


def _normalised_cells(path: Path, markers: Markers) -> list[dict[str, Any]]:
    try:
        return [_normalised(cell, markers) for cell in _read(path)["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuthoringError(
            f"{path} cannot be read as a notebook ({error}). Open it in Jupyter and save it."
        ) from error


def _upgraded(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notebook of format 3 as one of format 4."""
    import nbformat

    old = nbformat.from_dict(dict(notebook))  # type: ignore[no-untyped-call]
    made: dict[str, Any] = nbformat.convert(old, 4)  # type: ignore[no-untyped-call]
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


def _normalised(cell: Mapping[str, Any], markers: Markers) -> dict[str, Any]:
    source = source_text(cell)
    kind = cell["cell_type"] if cell["cell_type"] in ("code", "markdown") else "markdown"
    made: dict[str, Any] = {
        "cell_type": kind,
        "metadata": dict(cell.get("metadata", {})),
        "source": _with_our_marks(source, markers),
    }
    if isinstance(cell.get("id"), str):
        made["id"] = cell["id"]
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    elif cell.get("attachments"):
        made["attachments"] = cell["attachments"]
    if "nbgrader" in made["metadata"]:
        made["metadata"]["nbgrader"] = _marks(dict(made["metadata"]["nbgrader"]))
    return made


def _marks(marks: dict[str, Any]) -> dict[str, Any]:
    """Return the marks that nbgrader made of a cell, of any schema version, as those of version 3."""
    grade, solution, task = (bool(marks.get(key)) for key in ("grade", "solution", "task"))
    made = {
        "grade": grade,
        "solution": solution,
        "task": task,
        "locked": bool(marks.get("locked") or task) if not (grade or solution) else grade and not solution,
        "grade_id": str(marks.get("grade_id", "")),
        "schema_version": 3,
    }
    if grade or task:
        made["points"] = float(marks.get("points") or 0)
    return made


def _with_our_marks(source: str, markers: Markers) -> str:
    """Return the text with this package's markers in place of the course's; a marking scheme is part of no notebook."""
    pairs = (
        (markers.begin_solution, BEGIN_SOLUTION),
        (markers.end_solution, END_SOLUTION),
        (markers.begin_hidden, BEGIN_HIDDEN),
        (markers.end_hidden, END_HIDDEN),
    )
    lines, in_scheme = [], False
    for line in source.split("\n"):
        if markers.begin_scheme in line or markers.end_scheme in line:
            in_scheme = markers.begin_scheme in line
            continue
        if in_scheme:
            continue
        ours = next((mark for theirs, mark in pairs if theirs in line), None)
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(line if ours is None else indent + ours)
    return "\n".join(lines)


def _name_cells(cells: list[dict[str, Any]], path: Path) -> None:
    """Give every cell an id, the same each time; cells of older formats have none."""
    taken: set[str] = set()
    grade_ids: set[str] = set()
    for number, cell in enumerate(cells, 1):
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if grade_id and grade_id in grade_ids:
            raise AuthoringError(
                f"{path}: two cells are called '{grade_id}'. Rename one of them in nbgrader's *Create Assignment*."
            )
        grade_ids.add(grade_id)
        wished = cell.get("id") or re.sub(r"[^A-Za-z0-9_-]", "-", grade_id)[:48] or f"cell-{number}"
        cell["id"] = wished if wished not in taken else f"{wished[:48]}-{number}"
        taken.add(cell["id"])

"""The notebook that students get of a source notebook, as ``nbgrader generate_assignment`` makes it.

It is made here and not by nbgrader's preprocessors, whose import takes seconds: grading derives the skeleton from the
source each time and never reads ``notebooks/``, where people work. A test compares the two.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from autograder.authoring.regions import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    CODE_STUB,
    END_HIDDEN,
    END_SOLUTION,
    TEXT_STUB,
    check_regions,
)

__all__ = ["checksum", "notebook_text", "released"]

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
    parts = [_text(cell), cell["cell_type"], str(grade), str(solution), str(locked), marks["grade_id"]]
    if grade:
        parts.append(str(float(marks["points"])))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def notebook_text(notebook: Mapping[str, Any]) -> str:
    """Return the text of a notebook's file, laid out as all of the course's are."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _released_cell(cell: Mapping[str, Any], number: int, stub: str) -> dict[str, Any]:
    made = {**cell, "metadata": copy.deepcopy(dict(cell["metadata"])), "source": _text(cell)}
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


def _text(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)

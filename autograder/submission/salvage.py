"""The salvage of cells from notebook JSON that does not parse: truncated, or with a few bytes changed.

Only whole cells come out: a cell counts as read when its source and its name were decoded without error.
Outputs are not needed for grading, so damage within them costs nothing.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["salvage_cells"]

_MAX_CHARACTERS = 16 * 1024 * 1024
_MAX_DAMAGED = 20  # Each costs a scan of the rest of the file.
_CELL_LIST = re.compile(r'"cells"\s*:\s*\[')
_CELL_START = re.compile(r'\{\s*"(?:attachments|cell_type|execution_count|id|metadata)"\s*:')
_CELLS_END = re.compile(r'\]\s*,\s*"metadata"\s*:\s*\{[^\[\]]*"nbformat')
_SEPARATOR = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder(strict=False)


def salvage_cells(text: str) -> tuple[list[dict[str, Any]], int]:
    """Return the cells that can be read whole, in order, and the number of damaged ones that cannot.

    An empty list means that there is nothing to go on. A file that breaks off within a cell counts that cell
    as lost; what may have followed is unknown.
    """
    opening = _CELL_LIST.search(text)
    if opening is None or len(text) > _MAX_CHARACTERS:
        return [], 0
    cells: list[dict[str, Any]] = []
    damaged = lost = 0
    position = opening.end()
    while damaged <= _MAX_DAMAGED:
        position = _skip(text, position)
        if position >= len(text):
            return cells, max(lost, 1)  # The list was never closed: whatever followed is gone.
        if text[position] == "]":
            return cells, lost
        whole = _whole_cell(text, position)
        if whole is not None:
            cell, position = whole
            cells.append(cell)
            continue
        damaged += 1
        end = _next_cell(text, position + 1)
        rescued = _rescue(text[position:end])
        if rescued is None:
            lost += 1
        else:
            cells.append(rescued)
        position = end
    return [], 0


def _skip(text: str, position: int) -> int:
    match = _SEPARATOR.match(text, position)
    return match.end() if match else position


def _whole_cell(text: str, position: int) -> tuple[dict[str, Any], int] | None:
    try:
        value, end = _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):
        return None
    return (value, end) if _is_cell(value) else None


def _is_cell(value: Any) -> bool:
    return isinstance(value, dict) and "cell_type" in value and ("source" in value or "input" in value)


def _next_cell(text: str, position: int) -> int:
    """Return where the next whole cell starts, or the list of cells ends, or the text does."""
    for attempt, match in enumerate(_CELL_START.finditer(text, position)):
        if attempt > 1000:
            break
        if _whole_cell(text, match.start()) is not None:
            return match.start()
    closing = _CELLS_END.search(text, position)
    return closing.start() if closing else len(text)


def _rescue(segment: str) -> dict[str, Any] | None:
    """Return a cell whose outputs are damaged but whose own fields are not."""
    fields = {name: _field(segment, name) for name in ("cell_type", "id", "metadata")}
    source = _field(segment, "source", last=True)
    named = isinstance(fields["id"], str) or (isinstance(fields["metadata"], dict) and "nbgrader" in fields["metadata"])
    if source is None or not named or not isinstance(fields["cell_type"], str):
        return None
    return {name: value for name, value in fields.items() if value is not None} | {"source": source}


def _field(segment: str, name: str, *, last: bool = False) -> Any:
    matches = list(re.finditer(rf'"{name}"\s*:\s*', segment))
    if not matches:
        return None
    try:
        return _DECODER.raw_decode(segment, matches[-1 if last else 0].end())[0]
    except (ValueError, RecursionError):
        return None

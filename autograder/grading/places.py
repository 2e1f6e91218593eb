"""Places in a student's notebook, in words: the function, its cell and the line."""

from __future__ import annotations

import ast

from autograder.submission.model import SubmissionCell

__all__ = ["where_in"]


def where_in(cell: SubmissionCell, line: int) -> str:
    """Return the place in words, such as "in `pool`, line 7 of its cell"; empty if the cell has no such line."""
    lines = cell.source.split("\n")
    if not 0 < line <= len(lines):
        return ""
    function = _function_at(cell.source, line)
    if cell.exercise and function == cell.exercise:
        return f"in `{function}`, line {line} of its cell"
    home = f"the cell of `{cell.exercise}`" if cell.exercise else _own_cell(cell, lines)
    return f"in `{function}`, line {line} of {home}" if function else f"in line {line} of {home}"


def _own_cell(cell: SubmissionCell, lines: list[str]) -> str:
    kind = "a cell of your own" if cell.kind == "extra" else "a given cell"
    first = next((text.strip() for text in lines if text.strip()), "")[:40]
    return f"{kind} (`{first}`)" if first and "`" not in first else kind


def _function_at(source: str, line: int) -> str:
    """Return the innermost function, method or class that encloses the line; empty outside of all."""
    try:
        tree = ast.parse("\n".join("" if text.lstrip()[:1] in "%!" else text for text in source.split("\n")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    name, size = "", len(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            length = (node.end_lineno or node.lineno) - node.lineno
            if node.lineno <= line <= (node.end_lineno or node.lineno) and length <= size:
                name, size = node.name, length
    return name

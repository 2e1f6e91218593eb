"""Names that a student's code borrows from cells that run elsewhere, or not at all, when it is graded.

A check runs apart from the student's code, and a demonstration is left out. In Jupyter what they define is there for
every function below, so nobody notices until it is missing.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from functools import lru_cache

from autograder.authoring.assignment import Assignment
from autograder.submission.model import Repair, SubmissionCell

__all__ = ["borrowed_names"]


def borrowed_names(cells: Sequence[SubmissionCell], assignment: Assignment) -> tuple[Repair, ...]:
    """Return a warning for each of ``cells`` whose code uses names that only checks or demonstrations define."""
    lent = {name: cell for cell in cells if cell.kind in ("check", "demo") for name in _lent(cell.source)}
    if not lent or assignment.adopted:  # There the imports of a check's cell run among the student's, as in nbgrader.
        return ()
    own: set[str] = set()
    for cell in cells:
        if cell.kind == "given":
            own |= _lent(cell.source)
        elif cell.is_student_code:
            own |= _bound(_tree(cell.source))
    return tuple(_warnings(cells, lent, own | set(vars(builtins)) | set(assignment.exercise_of)))


def _warnings(cells: Sequence[SubmissionCell], lent: dict[str, SubmissionCell], own: set[str]) -> Iterator[Repair]:
    for number, cell in enumerate(cells, 1):
        if not cell.is_student_code:
            continue
        for name in sorted(_free(_tree(cell.source)) & lent.keys() - own):
            what = "a check's cell" if lent[name].kind == "check" else "a cell that only shows something"
            yield Repair(
                cell.grade_id or f"cell {number}",
                f"Your code uses `{name}`, which only {what} defines ({lent[name].grade_id}).",
                "When your work is graded, such cells do not run among yours. Define the name in a cell of your own.",
            )


@lru_cache(maxsize=2048)  # The course's own cells are the same in every submission.
def _lent(source: str) -> frozenset[str]:
    return frozenset(_bound(_tree(source)))


def _tree(source: str) -> ast.Module:
    lines = ["" if line.lstrip()[:1] in ("%", "!") else line for line in source.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that the module's top level gives a meaning, blocks included, functions' own names not."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        waiting.extend(ast.iter_child_nodes(node))
    return names


def _free(tree: ast.Module) -> set[str]:
    """Return the names that code reads and binds nowhere itself, as far as one look over it tells."""
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return read - bound

"""The owner of each name in a notebook of an adopted course: the instructor, a test, or the student.

A test reads names. What the instructor's cells define is the instructor's, and the grader uses its own copy of it. What
an exercise defines is the student's, and so is whatever is made of it: a helper of the instructor's that calls the
student's function, a value computed with one. Imports are never the student's, wherever they stand.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import os
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.regions import split_hidden
from autograder.grading.compiled_cells import outside_names

__all__ = ["AdoptedNames", "imports_in", "parsed", "stored_names"]

_IMPORTS = ast.Import | ast.ImportFrom
_BUILTINS = frozenset(vars(builtins))
_WRITERS = ("open(", "to_csv(", "savefig(", "np.save", "dump(", "makedirs(", "mkdir(", "write_text(", "touch(")


class AdoptedNames:
    """The instructor's side of a notebook of an adopted course.

    Attributes:
        given: at each check, the instructor's own names.
        students: at each check, the names that it reads of the student's.
        classes: the classes that the instructor's cells define.
        asked_for: the classes that exercises ask for.
        replayed: for each check, the part that runs among the student's cells, too: as in a notebook, later cells
            may build on it. Nothing hidden is in it.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.given: dict[str, dict[str, Any]] = {}
        self.students: dict[str, frozenset[str]] = {}
        self.replayed: dict[str, str] = {}
        self.asked_for: set[str] = set()
        self._names: dict[str, Any] = {"__builtins__": builtins, "__name__": "__main__"}
        self._owner: dict[str, str] = {}
        os.environ.setdefault("MPLBACKEND", "Agg")  # A cell that shows a figure must not wait for somebody to close it.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for number, cell in enumerate(assignment.cells):
                self._pass(cell, assignment.cells[number + 1 :])
        self.classes = {
            name: value
            for name, value in self._names.items()
            if isinstance(value, type) and value.__module__ == "__main__" and value.__name__ == name
        }

    @property
    def final(self) -> dict[str, Any]:
        """The instructor's own names at the end of the notebook."""
        return {name: value for name, value in self._names.items() if self._owner.get(name, "given") == "given"}

    def _pass(self, cell: AssignmentCell, later: Iterable[AssignmentCell]) -> None:
        if cell.cell_type != "code":
            return
        if cell.kind == "check":
            self._meet_check(cell, later)
            return
        tree = parsed(cell.source)
        for statement in tree.body if tree is not None else ():
            if isinstance(statement, _IMPORTS) or cell.kind != "exercise":
                self._meet_given(statement)
            else:
                self._own(_changed(statement, self._names), "student")
                if isinstance(statement, ast.ClassDef):
                    self.asked_for.add(statement.name)

    def _meet_given(self, statement: ast.stmt) -> None:
        """Run a statement of the instructor's, unless it builds on something of the student's."""
        read = {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        stored = stored_names([statement])
        if any(self._owner.get(name) == "student" for name in read):
            self._own(_changed(statement, self._names), "student")
            return
        try:
            exec(compile(ast.Module([statement], []), "<given>", "exec"), self._names)
        except Exception:  # A cell that fails by itself, or needs what only the student's process has.
            self._own(stored, "student")
        else:
            self._own(stored, "given")

    def _meet_check(self, cell: AssignmentCell, later: Iterable[AssignmentCell]) -> None:
        self.given[cell.grade_id] = self.final
        tree = parsed(cell.source)
        read = outside_names(ast.unparse(tree)) if tree is not None else frozenset()
        mine = {name for name in read if self._owner.get(name, "student") == "student"}
        self.students[cell.grade_id] = frozenset(mine - _BUILTINS | (mine & self._owner.keys()))
        if tree is not None:
            stored = stored_names(tree.body)
            self._own({name for name in stored if self._owner.get(name) != "student"}, "test")
            self.replayed[cell.grade_id] = _replayed(cell.source, later)

    def _own(self, names: Iterable[str], owner: str) -> None:
        for name in names:
            self._owner[name] = owner


def parsed(source: str) -> ast.Module | None:
    """Return the program in a cell, with lines for the shell left out; None if it is not one."""
    lines = ["" if line.lstrip()[:1] in ("%", "!") else line for line in source.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def imports_in(source: str) -> str:
    """Return the import statements at the top level of a program, as a program."""
    tree = parsed(source)
    return "\n".join(ast.unparse(each) for each in (tree.body if tree else ()) if isinstance(each, _IMPORTS))


def stored_names(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names that statements of a module's top level bind; not those within functions and classes."""
    return set(_stored(statements))


def _stored(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield from (node.name, *_stored(ast.iter_child_nodes(node)))
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            yield from _stored(ast.iter_child_nodes(node))


class _Place(NamedTuple):
    """A change in place: of a part of the value of ``name``, or of the value by a method of its own."""

    name: str
    by_method: bool


def _changed(statement: ast.stmt, known: dict[str, Any]) -> set[str]:
    """Return the names that a statement binds, and those whose values it changes in place."""
    names = stored_names([statement])
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return names
    for place in _places(statement):
        if not (place.by_method and isinstance(known.get(place.name), ModuleType)):
            names.add(place.name)
    return names


def _places(statement: ast.stmt) -> Iterator[_Place]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            if base := _base(node):
                yield _Place(base, False)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            if isinstance(function, ast.Attribute) and (base := _base(function)):
                yield _Place(base, True)


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _replayed(source: str, later: Iterable[AssignmentCell]) -> str:
    """Return the visible part of a check, if a later cell of the student's builds on what it does; else its imports."""
    visible, _ = split_hidden(source)
    tree = parsed(visible)
    if tree is None:
        return ""
    bound = stored_names(each for each in tree.body if not isinstance(each, _IMPORTS))
    cells = [cell.source for cell in later if cell.kind in ("given", "free", "exercise") and cell.cell_type == "code"]
    wanted = {node.id for text in cells if (found := parsed(text)) for node in ast.walk(found)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}  # fmt: skip
    writes = any(writer in visible for writer in _WRITERS)
    return visible if bound & wanted or (writes and cells) else imports_in(visible)

"""Checks, given cells and answers, which the grader runs itself, compiled once per process for a whole class."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from autograder.grading.harness import JUDGES
from autograder.isolation.shared_functions import functions_in

__all__ = [
    "GUARD",
    "CompiledCell",
    "compile_cell",
    "compile_check",
    "ends_in_judgement",
    "loaded_names",
    "outside_names",
]

GUARD = "__after_a_failure_go_on__"
"""The name under which a guarded check finds the context manager that each of its statements runs in."""

_NEVER_FAIL = (
    ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass, ast.Break, ast.Continue, ast.Global,
)  # fmt: skip


class CompiledCell(NamedTuple):
    """A part of a check, a given cell or an answer.

    Attributes:
        body: its statements.
        tail: its last expression, or None.
        judged: whether that expression only judges, so that its value is not a number of points.
        functions: the source of the functions that it defines.
    """

    body: CodeType
    tail: CodeType | None
    judged: bool
    functions: Mapping[CodeType, str]

    def execute(self, names: dict[str, Any]) -> object:
        """Run the cell in ``names`` and return what its last expression stands for."""
        exec(self.body, names)
        if self.tail is None:
            return None
        value = eval(self.tail, names)  # noqa: S307
        return None if self.judged else value


@lru_cache(maxsize=4096)
def compile_cell(source: str, name: str) -> CompiledCell:
    """Return ``source`` ready to run; tracebacks call it ``name``."""
    return _compile(ast.parse(source), name, guarded=False)


@lru_cache(maxsize=4096)
def compile_check(source: str, name: str) -> CompiledCell:
    """Return a check's ``source`` ready to run, each of its statements inside the context manager called :data:`GUARD`.

    So whoever runs it decides whether a statement that fails ends the check.
    """
    return _compile(ast.parse(source), name, guarded=True)


def _compile(tree: ast.Module, name: str, *, guarded: bool) -> CompiledCell:
    tail = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    if guarded:
        tree.body = _guarded(tree.body)
        ast.fix_missing_locations(tree)
    body = compile(tree, f"<{name}>", "exec")
    functions = functions_in(tree, body)
    if not isinstance(tail, ast.Expr):
        return CompiledCell(body, None, False, functions)
    last = compile(ast.Expression(tail.value), f"<{name}>", "eval")
    functions |= functions_in(ast.Module([tail], []), last)
    return CompiledCell(body, last, ends_in_judgement(tail.value), functions)


def _guarded(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements, each in its own guard; also those of loops and branches, not of ``try`` and ``with``."""
    for statement in body:
        if isinstance(statement, ast.For | ast.While | ast.If):
            statement.body = _guarded(statement.body)
            statement.orelse = _guarded(statement.orelse)
    return [each if isinstance(each, _NEVER_FAIL) else _in_guard(each) for each in body]


def _in_guard(statement: ast.stmt) -> ast.stmt:
    guard = ast.withitem(ast.Name(GUARD, ast.Load()))
    return ast.copy_location(ast.With([guard], [statement]), statement)


def ends_in_judgement(tail: ast.expr) -> bool:
    """Return whether a check's last expression is a call that only judges: then its value is not a number of points."""
    return isinstance(tail, ast.Call) and isinstance(tail.func, ast.Name) and tail.func.id in JUDGES


@lru_cache(maxsize=4096)
def loaded_names(source: str) -> frozenset[str]:
    """Return every name that ``source`` reads anywhere."""
    return frozenset(
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )


@lru_cache(maxsize=4096)
def outside_names(source: str) -> frozenset[str]:
    """Return the names that ``source`` takes from outside: read before it assigns them, or never assigned by it."""
    outside, own = set(), set()
    for stored, name in _touched(compile(source, "<check>", "exec")):
        if stored:
            own.add(name)
        elif name not in own:
            outside.add(name)
    return frozenset(outside)


def _touched(code: CodeType, *, inner: bool = False) -> Iterator[tuple[bool, str]]:
    """Yield (whether it is assigned, name) for each global name that the code touches, in order; functions' last."""
    own = set()
    for instruction in dis.get_instructions(code):
        name = str(instruction.argval)
        if instruction.opname == "STORE_NAME" and inner:
            own.add(name)  # a class's
        elif instruction.opname in ("STORE_NAME", "STORE_GLOBAL"):
            yield True, name
        elif instruction.opname == "LOAD_GLOBAL" or (instruction.opname == "LOAD_NAME" and name not in own):
            yield False, name
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _touched(constant, inner=True)

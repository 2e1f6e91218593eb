"""Functions that are not secret: their source goes to the student's process, which then need not ask for answers.

A function that is lent is asked about its answers over the wire, some tens of microseconds each time. One whose source
the student's notebook shows travels as source instead, if it needs nothing but its arguments, the standard modules and
what the notebook itself defines. The student's code can see which of two functions is here and which there, so in a
hidden part only those travel whose author says so.
"""

from __future__ import annotations

import ast
import builtins
import dis
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

__all__ = ["source_for", "functions_in", "allow_source"]

_MODULES = frozenset({"math", "numpy", "scipy", "torch"})
_MOST_CHARACTERS = 4000


class _Published(NamedTuple):
    source: str
    known: Mapping[str, object]
    everywhere: bool


_PUBLISHED: dict[CodeType, _Published] = {}


def functions_in(tree: ast.Module, code: CodeType) -> dict[CodeType, str]:
    """Return the source of each function that a module defines at its outermost level, by the function's code.

    Of two lambdas of one line, each has the source of which Python makes the same code.
    """
    nodes: dict[tuple[str, int], list[ast.FunctionDef | ast.Lambda]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            nodes.setdefault(_place(node), []).append(node)
    found = {}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            fitting = nodes.get((constant.co_name, constant.co_firstlineno), [])
            if len(fitting) > 1:
                fitting = [node for node in fitting if isinstance(node, ast.Lambda) and _code(node) == constant]
            if fitting and (source := _source(fitting[0])):
                found[constant] = source
    return found


def _code(node: ast.Lambda) -> CodeType:
    """Return the code that Python makes of a lambda, which comes after that of its defaults."""
    constants = compile(ast.Expression(node), "<lambda>", "eval").co_consts
    return [constant for constant in constants if isinstance(constant, CodeType)][-1]


def _place(node: ast.FunctionDef | ast.Lambda) -> tuple[str, int]:
    """Return the name and first line, decorators included, as the compiled function has them."""
    if isinstance(node, ast.Lambda):
        return "<lambda>", node.lineno
    return node.name, min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _source(node: ast.FunctionDef | ast.Lambda) -> str:
    """Return the source without the decorator that makes it public; nothing if it has others."""
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        if [ast.unparse(decorator) for decorator in node.decorator_list] != ["public"]:
            return ""
        node = ast.FunctionDef(**{**dict(ast.iter_fields(node)), "decorator_list": []})
        ast.fix_missing_locations(ast.Module([node], []))
    return ast.unparse(node)


def allow_source(code: CodeType, source: str, known: Mapping[str, object], *, everywhere: bool = False) -> None:
    """Let functions of this code travel as ``source``.

    Args:
        code: the code of the functions.
        source: the source of one of them.
        known: what the notebook's given cells define, by name.
        everywhere: let them travel in hidden parts, too.
    """
    before = _PUBLISHED.get(code)
    if len(source) <= _MOST_CHARACTERS:
        _PUBLISHED[code] = _Published(source, known, everywhere or (before is not None and before.everywhere))


def source_for(function: object, *, hidden: bool = False) -> list[Any] | None:
    """Return [name, source, {global name: name of its module}] of a published function; None if it must stay here.

    Args:
        function: the function to be sent.
        hidden: whether a hidden part sends it.
    """
    if type(function) is not FunctionType or function.__code__ not in _PUBLISHED:
        return None
    source, known, everywhere = _PUBLISHED[function.__code__]
    if hidden and not everywhere:
        return None
    if function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        return None
    modules = {}
    for name in _globals_of(function.__code__):
        value = function.__globals__.get(name, builtins)
        if isinstance(value, ModuleType) and value.__name__.split(".")[0] in _MODULES:
            modules[name] = value.__name__
        elif (name not in known or value is not known[name]) and not (value is builtins and hasattr(builtins, name)):
            return None
    return [function.__name__, source, modules]


@lru_cache(maxsize=1024)
def _globals_of(code: CodeType) -> frozenset[str]:
    """Return every global name that the code touches; a name that it assigns is in no notebook, and keeps it here."""
    return frozenset(_touched(code))


def _touched(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
        elif instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL", "IMPORT_NAME"):
            yield f"{instruction.opname} {instruction.argval}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _touched(constant)

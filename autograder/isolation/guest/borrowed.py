"""Functions of the trusted side, made again from what :func:`autograder.isolation.lending.packed` says of them."""

from __future__ import annotations

import builtins
import importlib
import marshal
from types import CellType, FunctionType, SimpleNamespace
from typing import Any

__all__ = ["rebuilt"]


def rebuilt(functions: list[Any]) -> FunctionType:
    """The first of the functions described; they may need each other."""
    made = [
        FunctionType(
            marshal.loads(code),  # noqa: S302 -- the trusted side wrote it
            {"__builtins__": builtins, "__name__": "lent"},
            name,
            None,
            tuple(CellType() for _ in closure),
        )
        for name, code, _, closure, _ in functions
    ]
    for function, (_, _, defaults, closure, names) in zip(made, functions, strict=True):
        function.__defaults__ = tuple(_value(made, value) for value in defaults) or None
        function.__globals__.update({name: _value(made, value) for name, value in names.items()})
        for cell, value in zip(function.__closure__ or (), closure, strict=True):
            cell.cell_contents = _value(made, value)
    return made[0]


def _value(made: list[FunctionType], described: list[Any]) -> Any:
    kind, *rest = described
    match kind:
        case "module":
            return importlib.import_module(rest[0])
        case "import":
            return getattr(importlib.import_module(rest[0]), rest[1])
        case "names":
            return SimpleNamespace(**{name: _value(made, value) for name, value in rest[0].items()})
        case "function":
            return made[rest[0]]
    return rest[0]

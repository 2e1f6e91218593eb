"""Functions of the trusted side, made again from the descriptions of :func:`autograder.isolation.lending.packed`.

Calls of them come from a student's process as they were written there, so this side reads and checks them.
"""

from __future__ import annotations

import builtins
import importlib
import marshal
from types import CellType, FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from autograder.isolation.limits import MIB, Allowance
from autograder.isolation.wire.codec import Codec, Unsendable
from autograder.isolation.wire.encode import Ext, ProtocolError
from autograder.isolation.wire.frames import unpack_lent
from autograder.lab.conversion import loaded_torch

__all__ = ["Borrowed", "data_codec", "is_plain", "read_call", "rebuilt"]

_DATA = (bool, int, float, complex, str, bytes, type(None), type(...), np.ndarray, np.generic)
_CALL_BYTES = 256 * MIB
"""The most that one call may weigh, once it is read."""


class Borrowed:
    """The functions that a process runs for students' code, by number."""

    def __init__(self) -> None:
        self._functions: dict[int, FunctionType] = {}
        self._allowance = Allowance()
        self._codec = data_codec(self._allowance)

    def answer(self, body: memoryview, codec: Codec) -> bytes:
        """Return the encoded result of the call in a LENT message.

        Args:
            body: the message.
            codec: the codec of the connection to the trusted side, for what that side wrote.

        Raises:
            TypeError: named arguments, or other data than plain data, go in or come out.
        """
        number, oldest, description, call = unpack_lent(body)
        if description:
            self._functions = {key: made for key, made in self._functions.items() if key >= oldest}
            self._functions[number] = rebuilt(codec.decode(description))
        self._allowance.bytes = _CALL_BYTES
        arguments = read_call(self._codec, call)
        try:
            return self._codec.encode(self._functions[number](*arguments))
        except Unsendable:
            raise TypeError("a lent function returned what is not data") from None


def data_codec(allowance: Allowance | None = None) -> Codec:
    """Return a codec for data alone: no handles, no functions."""
    return Codec(_not_sent, _not_read, allowance=allowance)


def _not_sent(value: object) -> Ext:
    raise Unsendable(f"a {type(value).__name__} is not data")


def _not_read(code: int, payload: bytes) -> object:
    raise ProtocolError("something that is not data")


def read_call(codec: Codec, call: memoryview) -> list[Any]:
    """Return the positional arguments of a call that a student's code wrote. Raises TypeError for anything else."""
    try:
        found = codec.decode(call)
    except ProtocolError:
        raise TypeError("a call that cannot be read") from None
    if type(found) is not list or not found or found[0] is not None or not all(map(_is_data, found[1:])):
        raise TypeError("a lent function takes data, by position")
    return found[1:]


def is_plain(value: object) -> bool:
    """Return whether the value is a number, a text, an array or a tensor."""
    torch = loaded_torch()
    return isinstance(value, _DATA) or (torch is not None and isinstance(value, torch.Tensor))


def _is_data(value: object) -> bool:
    if is_plain(value):
        return True
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_data, value))
    if isinstance(value, dict):
        return all(_is_data(key) and _is_data(item) for key, item in value.items())
    return False


def rebuilt(functions: list[Any]) -> FunctionType:
    """Return the first of the described functions; they may need each other."""
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

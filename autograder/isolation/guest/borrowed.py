"""Functions of the trusted side on loan, and the room in one message.

The functions are made again from the descriptions of :func:`autograder.isolation.lending.packed`. Calls of them come
from a student's process as they were written there, so this side reads and checks them.

The data in one message is limited: what is too much is sent as a handle, and nothing else is lost with it.
"""

from __future__ import annotations

import builtins
import importlib
import marshal
from collections.abc import Iterator
from types import CellType, FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from autograder.isolation.codec import MAX_KEYS, MAX_NODES, Codec, Unsendable, unpack_lent
from autograder.isolation.leaves import Ext, ProtocolError
from autograder.isolation.limits import MIB, Allowance
from autograder.lab.arrays import loaded_torch

__all__ = ["Borrowed", "Room", "data_codec", "is_plain", "read_call", "rebuilt"]

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


# ---- the room in one message

_BYTES, _NODES, _KEYS = 32 << 20, MAX_NODES // 2, MAX_KEYS // 2


class Room:
    """The room that is left in one message."""

    def __init__(self) -> None:
        self._bytes, self._nodes, self._keys = _BYTES, _NODES, _KEYS

    def takes(self, value: object) -> bool:
        """Return whether there is room for the value, which is then counted."""
        size = nodes = keys = 0
        for part in _parts(value):
            size += _size(part)
            nodes += 1
            keys += len(part) if isinstance(part, dict | set | frozenset) else 0
            if size > self._bytes or nodes > self._nodes or keys > self._keys:
                return False
        self._bytes, self._nodes, self._keys = self._bytes - size, self._nodes - nodes, self._keys - keys
        return True


def _parts(value: object) -> Iterator[Any]:
    """Yield the value and everything in it; without end for a value that contains itself."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, dict):
            waiting += [*dict.keys(part), *dict.values(part)]
        elif isinstance(part, list | tuple | set | frozenset):
            waiting += list(part)


def _size(value: object) -> int:
    torch = loaded_torch()
    if torch is not None and isinstance(value, torch.Tensor):
        return int(value.numel() * value.element_size())
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    return len(value) if isinstance(value, str | bytes | bytearray) else 9

"""The amount of data in one message: what is too much is sent as a handle, and nothing else is lost with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.isolation.wire.codec import MAX_KEYS, MAX_NODES
from autograder.lab.conversion import loaded_torch

__all__ = ["Room"]

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

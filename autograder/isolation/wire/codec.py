"""The codec of plain data, the only thing that travels between the two processes.

A value is one msgpack document. Containers are tagged lists, ``[TUPLE, item, ...]``, so that the kind of
every container is exact and a tuple can be a dictionary's key; leaves that msgpack lacks are extension types
(:mod:`autograder.isolation.wire.encode`). Nothing in a message names code, and decoding never runs any. Size,
depth, number of nodes and number of hashed keys are capped, since the sender may be hostile::

    Codec(export, resolve).encode(value) -> bytes
    Codec(export, resolve).decode(bytes) -> value, or ProtocolError
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable
from enum import IntEnum
from typing import Any

import msgpack
import numpy as np

from autograder.isolation.limits import Allowance
from autograder.isolation.wire.decode import READERS
from autograder.isolation.wire.encode import Ext, Leaf, ProtocolError, leaf
from autograder.lab.conversion import loaded_torch

__all__ = ["Codec", "MAX_DEPTH", "MAX_KEYS", "MAX_NODES", "ProtocolError", "Unsendable"]

MAX_DEPTH = 64
MAX_NODES = 1_000_000
MAX_KEYS = 5_000  # all sets and dictionaries of a message together: colliding hashes are cheap to make
MAX_BYTES = 256 << 20

# What objects weigh here, roughly and rather too much: empty ones are cheap to send.
_LEAF_BYTES = {Leaf.TENSOR: 1200, Leaf.GENERATOR: 1200, Leaf.ARRAY: 300}
_OTHER_LEAF_BYTES, _CONTAINER_BYTES, _ITEM_BYTES = 200, 250, 64
_UNLIMITED = 1 << 62

Export = Callable[[object], Ext]
Resolve = Callable[[int, bytes], object]


class Unsendable(TypeError):
    """A value that cannot be sent; the message names its type and what to send instead."""


class Tag(IntEnum):
    """The kind of a container: the first item of every list on the wire."""

    LIST = 0
    TUPLE = 1
    SET = 2
    FROZENSET = 3
    DICT = 4
    SLICE = 5
    RANGE = 6


# Plain numbers: looking a member up costs as much as reading a number from the wire.
_LIST, _TUPLE, _SET, _FROZENSET, _DICT, _SLICE, _RANGE = (int(tag) for tag in Tag)
_SEQUENCES: dict[type, int] = {list: _LIST, tuple: _TUPLE, set: _SET, frozenset: _FROZENSET}
_PLAIN = {type(None), bool, float, bytes}
_SMALL = 1 << 63
_TIMESTAMP = msgpack.Timestamp
_FLAT = None, 1  # a container of no other one, and its height
_CONTAINERS = {list, tuple, set, frozenset, dict}


class Codec:
    """The encoder and decoder of messages for one side of one connection.

    Args:
        export: returns what to send for an object that is not data: a handle, a callback; raises `Unsendable`.
        resolve: returns the object for a handle or a callback that came in, by extension code and payload.
        max_bytes: the size of the largest message to decode.
        allowance: the most that messages still to be decoded may weigh, as objects here; None for no limit.
    """

    def __init__(
        self, export: Export, resolve: Resolve, max_bytes: int = MAX_BYTES, allowance: Allowance | None = None
    ) -> None:
        self._export = export
        self._resolve = resolve
        self._max_bytes = max_bytes
        self._allowance = allowance
        self._left = 0
        self._packer = msgpack.Packer(use_bin_type=True)

    def encode(self, value: object) -> bytes:
        """Return the message for a value. Raises `Unsendable` for what is too deep, or neither data nor exported."""
        data: bytes = self._packer.pack(self._flatten(value, 0))
        return data

    def decode(self, data: bytes | bytearray | memoryview) -> Any:
        """Return the value of a message. Raises `ProtocolError`, and nothing else, for anything out of the ordinary."""
        if len(data) > self._max_bytes:
            raise ProtocolError(f"a message of {len(data)} bytes; the limit is {self._max_bytes}")
        self._left = _UNLIMITED if self._allowance is None else self._allowance.bytes
        self._weigh(len(data))
        try:
            value = msgpack.unpackb(
                data,
                raw=False,
                list_hook=_Builder(self._weigh).container,
                ext_hook=self._leaf,
                max_map_len=0,
                max_array_len=MAX_NODES,
            )
        except ProtocolError:
            raise
        except (ValueError, TypeError, OverflowError, RecursionError, MemoryError, msgpack.UnpackException) as error:
            raise ProtocolError(f"a message that cannot be read ({type(error).__name__})") from None
        finally:
            if self._allowance is not None:
                self._allowance.bytes = max(0, self._left)
        if type(value) is _TIMESTAMP:
            raise ProtocolError("an unexpected Timestamp on the wire")
        return value

    def _weigh(self, size: int) -> None:
        """Count what was sent. Raises ProtocolError once it all weighs more than is allowed."""
        self._left -= size
        if self._left < 0:
            raise ProtocolError("more than one submission may make the grader hold")

    def _leaf(self, code: int, payload: bytes) -> object:
        self._weigh(_LEAF_BYTES.get(code, _OTHER_LEAF_BYTES) + len(payload))
        read = READERS.get(code)
        return read(payload) if read else self._resolve(code, payload)

    def _flatten(self, value: object, depth: int) -> object:
        kind = type(value)
        if kind is np.ndarray:
            return self._flatten_leaf(value, depth)
        if kind is str:
            return _clean(value)  # type: ignore[arg-type]
        if kind in _PLAIN:
            return value
        if kind in _SEQUENCES:
            return self._tagged(_SEQUENCES[kind], value, depth)  # type: ignore[arg-type]
        if kind is dict:
            return self._tagged(_DICT, itertools.chain.from_iterable(value.items()), depth)  # type: ignore[attr-defined]
        if kind in (slice, range):
            tag = _SLICE if kind is slice else _RANGE
            return self._tagged(tag, (value.start, value.stop, value.step), depth)  # type: ignore[attr-defined]
        return self._flatten_leaf(value, depth)

    def _tagged(self, tag: int, parts: Iterable[object], depth: int) -> list[object]:
        if depth >= MAX_DEPTH:
            raise Unsendable(f"data nested deeper than {MAX_DEPTH} levels cannot be sent")
        flat: list[object] = [tag]
        below = depth + 1
        for part in parts:
            # What is sent most, without a call for it.
            kind = type(part)
            if kind in _PLAIN or (kind is int and -_SMALL <= part < _SMALL):  # type: ignore[operator]
                flat.append(part)
            else:
                flat.append(self._flatten(part, below))
        return flat

    def _flatten_leaf(self, value: object, depth: int) -> object:
        try:
            found = value if type(value) is Ext else leaf(value)
        except (TypeError, OverflowError):  # a sparse tensor, an integer past all bounds
            return self._export(value)
        if found is not None:
            return found
        plain = _plain_twin(value)
        if plain is not None:
            return self._flatten(plain, depth)
        return self._export(value)


class _Builder:
    """A maker of the containers of one message, from the innermost outwards, that counts what it makes."""

    def __init__(self, weigh: Callable[[int], None]) -> None:
        self._weigh = weigh
        self._nodes = 0
        self._keys = 0
        # Containers of containers with their height, by identity; held, so that no identity is used twice.
        self._tall: dict[int, tuple[object, int]] = {}

    def container(self, items: list[Any]) -> object:
        """Return what a tagged list stands for. Raises ProtocolError if that is nothing, or too much."""
        self._nodes += len(items) + 1
        if self._nodes > MAX_NODES:
            raise ProtocolError(f"a message of more than {MAX_NODES} items")
        self._weigh(_CONTAINER_BYTES + _ITEM_BYTES * len(items))
        kinds = set(map(type, items))
        if not items or type(items[0]) is not int or _TIMESTAMP in kinds:
            raise ProtocolError("a container without a tag, or with an item of an unknown kind")
        tag = items.pop(0)
        if kinds.isdisjoint(_CONTAINERS):
            return self._built(tag, items)
        height = 1 + max([self._tall.get(id(item), _FLAT)[1] for item in items if type(item) in _CONTAINERS])
        if height > MAX_DEPTH:
            raise ProtocolError("a container that is too deep")
        built = self._built(tag, items)
        self._tall[id(built)] = built, height
        return built

    def _built(self, tag: int, items: list[Any]) -> object:
        if tag == _LIST:
            return items
        if tag == _TUPLE:
            return tuple(items)
        if tag in (_SET, _FROZENSET):
            self._count_keys(items)
            return set(items) if tag == _SET else frozenset(items)
        if tag == _DICT and len(items) % 2 == 0:
            self._count_keys(items[::2])
            return dict(zip(items[::2], items[1::2], strict=True))
        if tag == _SLICE and len(items) == 3:
            return slice(*items)
        if tag == _RANGE and len(items) == 3 and all(type(item) is int for item in items):
            return range(*items)
        raise ProtocolError("a container of an unknown kind")

    def _count_keys(self, keys: list[object]) -> None:
        self._keys += len(keys)
        if self._keys > MAX_KEYS:
            raise ProtocolError(f"a message with more than {MAX_KEYS} keys")
        if not all(isinstance(key, Hashable) for key in keys):
            raise ProtocolError("a key that cannot be hashed")


def _clean(text: str) -> str:
    """Return the text with lone surrogates replaced: they are not text, and cannot be written to a file."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _plain_twin(value: object) -> Any:
    """Return the exact builtin for a subclass of the standard library or torch: a named tuple becomes a tuple."""
    torch = loaded_torch()
    if torch is not None and isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, tuple) and isinstance(getattr(type(value), "_fields", None), tuple):
        return tuple(tuple.__iter__(value))  # a named tuple, wherever it was named
    if isinstance(value, np.ndarray) or type(value).__module__ == "__main__":
        return None  # an array of objects; a class of the notebook's own, which is more than its content
    return _as_builtin(value)


def _as_builtin(value: Any) -> Any:
    """Return what a subclass of a builtin holds, read by the builtin's own methods."""
    if isinstance(value, dict):
        return dict(dict.items(value))
    collections: tuple[Any, ...] = (tuple, list, set, frozenset)
    for collection in collections:
        if isinstance(value, collection):
            return collection(collection.__iter__(value))
    scalars: tuple[Any, ...] = (int, float, complex, str, bytes)
    for scalar in scalars:
        if isinstance(value, scalar):
            return scalar.__new__(scalar, value)
    return None

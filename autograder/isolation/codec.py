"""Plain data to bytes and back: the only thing that travels between the two processes.

A message is one msgpack document. Containers are tagged lists, ``[TUPLE, item, ...]``, so that the kind of
every container is exact and a tuple can be a dictionary's key; leaves that msgpack lacks are extension types
(:mod:`autograder.isolation.leaves`). Nothing in a message names code, and decoding never runs any. Size,
depth, number of nodes and number of hashed keys are capped, since the sender may be hostile::

    Codec(export, resolve).encode(value) -> bytes
    Codec(export, resolve).decode(bytes) -> value, or ProtocolError
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Any

import msgpack
import numpy as np
import torch

from autograder.isolation.leaves import Ext, ProtocolError, leaf
from autograder.isolation.reading import READERS

__all__ = ["Codec", "MAX_DEPTH", "MAX_KEYS", "MAX_NODES", "ProtocolError", "Unsendable"]

MAX_DEPTH = 64
MAX_NODES = 1_000_000
MAX_KEYS = 5_000  # all sets and dictionaries of a message together: colliding hashes are cheap to make
MAX_BYTES = 256 << 20

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


_SEQUENCES: dict[type, Tag] = {list: Tag.LIST, tuple: Tag.TUPLE, set: Tag.SET, frozenset: Tag.FROZENSET}
_PLAIN = (type(None), bool, float, bytes)


class Codec:
    """Encodes and decodes messages for one side of one connection.

    Args:
        export: what to send for an object that is not data: a handle, a callback; raises `Unsendable`.
        resolve: the object for a handle or a callback that came in, by extension code and payload.
        max_bytes: the largest message to decode, in bytes.
    """

    def __init__(self, export: Export, resolve: Resolve, max_bytes: int = MAX_BYTES) -> None:
        self._export = export
        self._resolve = resolve
        self._max_bytes = max_bytes

    def encode(self, value: object) -> bytes:
        """The message for a value. Raises `Unsendable` for what is too deep, or neither data nor exported."""
        data: bytes = msgpack.packb(self._flatten(value, 0), use_bin_type=True)
        return data

    def decode(self, data: bytes | bytearray) -> Any:
        """The value of a message. Raises `ProtocolError`, and nothing else, for anything out of the ordinary."""
        if len(data) > self._max_bytes:
            raise ProtocolError(f"a message of {len(data)} bytes; the limit is {self._max_bytes}")
        counter = _Counter()
        try:
            tree = msgpack.unpackb(
                data,
                raw=False,
                list_hook=counter.nodes,
                ext_hook=Ext,
                max_map_len=0,
                max_array_len=MAX_NODES,
            )
            return self._build(tree, 0, counter)
        except ProtocolError:
            raise
        except (ValueError, TypeError, OverflowError, RecursionError, MemoryError, msgpack.UnpackException) as error:
            raise ProtocolError(f"a message that cannot be read ({type(error).__name__})") from None

    def _flatten(self, value: object, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise Unsendable(f"data nested deeper than {MAX_DEPTH} levels cannot be sent")
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is str:
            return _clean(str(value))
        if kind in _SEQUENCES:
            return [_SEQUENCES[kind], *(self._flatten(item, depth + 1) for item in value)]  # type: ignore[attr-defined]
        if kind is dict:
            return [Tag.DICT, *(self._flatten(part, depth + 1) for pair in value.items() for part in pair)]  # type: ignore[attr-defined]
        if isinstance(value, slice):
            return [Tag.SLICE, *(self._flatten(part, depth + 1) for part in (value.start, value.stop, value.step))]
        if isinstance(value, range):
            return [Tag.RANGE, *(self._flatten(part, depth + 1) for part in (value.start, value.stop, value.step))]
        return self._flatten_leaf(value, depth)

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

    def _build(self, node: object, depth: int, counter: _Counter) -> Any:
        kind = type(node)
        if kind is list:
            return self._container(node, depth, counter)  # type: ignore[arg-type]
        if kind is Ext:
            code, payload = node.code, node.data  # type: ignore[attr-defined]
            read = READERS.get(code)
            return read(payload) if read else self._resolve(code, payload)
        if kind in _PLAIN or kind is str or kind is int:
            return node
        raise ProtocolError(f"an unexpected {kind.__name__} on the wire")

    def _container(self, node: list[object], depth: int, counter: _Counter) -> object:
        if depth >= MAX_DEPTH or not node or type(node[0]) is not int:
            raise ProtocolError("a container that is too deep or has no tag")
        items = [self._build(item, depth + 1, counter) for item in node[1:]]
        match node[0]:
            case Tag.LIST:
                return items
            case Tag.TUPLE:
                return tuple(items)
            case Tag.SET | Tag.FROZENSET:
                counter.keys(items)
                return set(items) if node[0] == Tag.SET else frozenset(items)
            case Tag.DICT if len(items) % 2 == 0:
                counter.keys(items[::2])
                return dict(zip(items[::2], items[1::2], strict=True))
            case Tag.SLICE if len(items) == 3:
                return slice(*items)
            case Tag.RANGE if len(items) == 3 and all(type(item) is int for item in items):
                return range(*items)
        raise ProtocolError("a container of an unknown kind")


class _Counter:
    """How much of one message has been built."""

    def __init__(self) -> None:
        self._nodes = 0
        self._keys = 0

    def nodes(self, items: list[object]) -> list[object]:
        self._nodes += len(items) + 1
        if self._nodes > MAX_NODES:
            raise ProtocolError(f"a message of more than {MAX_NODES} items")
        return items

    def keys(self, keys: list[object]) -> None:
        self._keys += len(keys)
        if self._keys > MAX_KEYS:
            raise ProtocolError(f"a message with more than {MAX_KEYS} keys")
        if not all(isinstance(key, Hashable) for key in keys):
            raise ProtocolError("a key that cannot be hashed")


def _clean(text: str) -> str:
    """The text with lone surrogates replaced: they are not text, and cannot be written to a file."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain_twin(value: object) -> Any:
    """The exact builtin for a subclass of the standard library or torch: a named tuple becomes a tuple."""
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, tuple) and isinstance(getattr(type(value), "_fields", None), tuple):
        return tuple(tuple.__iter__(value))  # a named tuple, wherever it was named
    if isinstance(value, np.ndarray) or type(value).__module__ == "__main__":
        return None  # an array of objects; a class of the notebook's own, which is more than its content
    return _as_builtin(value)


def _as_builtin(value: Any) -> Any:
    """What a subclass of a builtin holds, read by the builtin's own methods."""
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

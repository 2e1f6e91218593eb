"""The messages between the trusted side and a confined process: a head, and a body of plain data.

Nothing but data travels. A value is one msgpack document. Containers are tagged lists, ``[TUPLE, item, ...]``, so that
the kind of every container is exact and a tuple can be a dictionary's key; leaves that msgpack lacks are extension
types (:mod:`autograder.isolation.leaves`). Nothing in a message names code, and decoding never runs any. Size, depth,
number of nodes and number of hashed keys are capped, since the sender may be hostile::

    Codec(export, resolve).encode(value) -> bytes
    Codec(export, resolve).decode(bytes) -> value, or ProtocolError

The head of every message is its kind, and the number of the question that it belongs to. The rest, the body, is a
value::

    REQUEST   [operation, numbers of released handles or None, argument, ...]
    OK        the result
    ERROR     [name of the error's class, name of its first base, ...]
    CALLBACK  the number of the lent function, and a call: [keyword arguments or None, argument, ...]
    ANSWER    what the lent function returned
    REFUSAL   name of the builtin error that it raised, or ""
    READY     None: the process is confined, and serves
    FAILED    text: it could not be confined
    LENT      to the process of lent functions: the number of one, perhaps what it is, and a call, as it came in

A call, and what a lent function returned, are passed on as they came: only the two ends read them.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Hashable, Iterable, Set
from enum import IntEnum
from typing import Any

import msgpack
import numpy as np

from autograder.isolation.leaves import MAX_EMPTY_ROWS, READERS, Ext, Leaf, ProtocolError, leaf
from autograder.isolation.limits import Allowance
from autograder.isolation.twins import plain_twin

__all__ = [
    "ANSWER",
    "CALLBACK",
    "ERROR",
    "FAILED",
    "LENT",
    "MAX_DEPTH",
    "MAX_KEYS",
    "MAX_NODES",
    "NUMBER",
    "OK",
    "READY",
    "REFUSAL",
    "REQUEST",
    "Codec",
    "ProtocolError",
    "Unsendable",
    "pack_frame",
    "pack_lent",
    "unpack_frame",
    "unpack_lent",
]

MAX_DEPTH = 64
MAX_NODES = 1_000_000
MAX_KEYS = 5_000  # all sets and dictionaries of a message together: colliding hashes are cheap to make
MAX_RANGE = MAX_EMPTY_ROWS
MAX_BYTES = 256 << 20

# What objects weigh here, roughly and rather too much: empty ones are cheap to send.
_LEAF_BYTES = {Leaf.TENSOR: 1200, Leaf.GENERATOR: 1200, Leaf.ARRAY: 300}
_OTHER_LEAF_BYTES, _CONTAINER_BYTES, _ITEM_BYTES = 200, 250, 64
_UNLIMITED = 1 << 62
_CONTAINER_EFFORT, _KEY_EFFORT = 4, 8  # in parts of a key: a pair of numbers is still one

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
_KEYED = {_SET, _FROZENSET, _DICT}
_TEXTS = {str}
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
        exported: the types of which all objects are exported.
    """

    def __init__(
        self,
        export: Export,
        resolve: Resolve,
        max_bytes: int = MAX_BYTES,
        allowance: Allowance | None = None,
        exported: Set[type] = frozenset(),
    ) -> None:
        self._export = export
        self._resolve = resolve
        self._max_bytes = max_bytes
        self._allowance = allowance
        self._exported = exported
        self._left = 0
        self._nodes = self._keys = 0  # of the message that is written
        self._packer = msgpack.Packer(use_bin_type=True)

    def encode(self, value: object) -> bytes:
        """Return the message for a value.

        Raises `Unsendable` for what is too deep or too much for the other side to read, or neither data nor exported.
        """
        outer = self._nodes, self._keys  # What is exported may be encoded by this codec, too.
        self._nodes = self._keys = 0
        try:
            data: bytes = self._packer.pack(self._flatten(value, 0))
        finally:
            self._nodes, self._keys = outer
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
        except (ValueError, TypeError, OverflowError, RuntimeError, MemoryError, msgpack.UnpackException) as error:
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
        self._left -= _LEAF_BYTES.get(code, _OTHER_LEAF_BYTES) + len(payload)
        if self._left < 0:
            self._weigh(0)
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
            if kind is range and _is_endless(value):  # type: ignore[arg-type]
                raise Unsendable(f"a range of more than {MAX_RANGE} numbers cannot be sent")
            return self._tagged(tag, (value.start, value.stop, value.step), depth)  # type: ignore[attr-defined]
        if kind in self._exported:
            return self._export(value)
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
        # None is written that the other side has to refuse, and ends its sender for.
        self._nodes += len(flat) + 1
        if self._nodes > MAX_NODES:
            raise Unsendable(f"data of more than {MAX_NODES:,} items cannot be sent")
        if tag in _KEYED and len(flat) > 1:
            self._count_keys(flat[1::2] if tag == _DICT else flat[1:])
        return flat

    def _count_keys(self, keys: list[object]) -> None:
        if _TEXTS.issuperset(map(type, keys)):  # as most are
            self._keys += _KEY_EFFORT * len(keys)
        else:
            self._keys += sum(max(_KEY_EFFORT, _effort_written(key)) for key in keys)
        if self._keys > MAX_KEYS * _KEY_EFFORT:
            raise Unsendable(f"sets and dictionaries of more than {MAX_KEYS:,} keys, or long ones, cannot be sent")

    def _flatten_leaf(self, value: object, depth: int) -> object:
        try:
            found = value if type(value) is Ext else leaf(value)
        except (TypeError, OverflowError, RuntimeError):  # a sparse or nested tensor, an integer past all bounds
            return self._export(value)
        if found is not None:
            return found
        plain = plain_twin(value)
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
            return self._range(*items)
        raise ProtocolError("a container of an unknown kind")

    def _range(self, start: int, stop: int, step: int) -> range:
        """Return a range, which weighs what its numbers would: whoever compares it may write them all out."""
        if step == 0 or _is_endless(found := range(start, stop, step)):
            raise ProtocolError("a range without a step, or of too many numbers")
        self._weigh(_ITEM_BYTES * len(found))
        return found

    def _count_keys(self, keys: list[object]) -> None:
        self._keys += sum(max(_KEY_EFFORT, _effort(key)) for key in keys)
        if self._keys > MAX_KEYS * _KEY_EFFORT:
            raise ProtocolError(f"a message with more than {MAX_KEYS} keys, or with keys as long as many")
        if not all(isinstance(key, Hashable) for key in keys):
            raise ProtocolError("a key that cannot be hashed")


def _is_endless(numbers: range) -> bool:
    """Return whether a range has more numbers than travel: some have more than `len` can tell."""
    return bool(numbers[MAX_RANGE:])


def _effort(key: object) -> int:
    """Return the effort of comparing a key with an equal one: numbers collide at will, and so do tuples of them."""
    if type(key) in (tuple, frozenset):
        return _CONTAINER_EFFORT + sum(map(_effort, key))  # type: ignore[call-overload]
    return 1 + (key.bit_length() >> 9 if type(key) is int else 0)


def _effort_written(key: Any) -> int:
    """Return the `_effort` of a key that is written. Raises Unsendable for one that has no hash without its class."""
    if type(key) is list:
        if key[0] in (_LIST, _SET, _DICT, _SLICE):
            raise Unsendable("a list, set or dictionary as a key cannot be sent")
        return _CONTAINER_EFFORT + sum(map(_effort_written, key[1:]))
    if type(key) is Ext and key.code == Leaf.ARRAY:
        raise Unsendable("an array as a key cannot be sent")
    return 1 + (len(key.data) >> 6 if type(key) is Ext and key.code == Leaf.INTEGER else 0)


def _clean(text: str) -> str:
    """Return the text with lone surrogates replaced: they are not text, and cannot be written to a file."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


# ---- the heads of messages

# Plain numbers: looking up a member of an enumeration takes longer than reading a whole head.
REQUEST, OK, ERROR, CALLBACK, ANSWER, REFUSAL, READY, FAILED, LENT = range(1, 10)

_HEAD = struct.Struct("<BQ")
NUMBER = struct.Struct("<Q")
_LENT_HEAD = struct.Struct("<QQQ")


def pack_frame(kind: int, sequence: int, body: bytes | memoryview) -> bytes:
    """Return the message as it is sent."""
    return _HEAD.pack(kind, sequence) + body


def unpack_frame(message: bytes) -> tuple[int, int, memoryview]:
    """Return (kind, sequence, body) of a message, which may be any. Raises ProtocolError if it is too short."""
    if len(message) < _HEAD.size:
        raise ProtocolError("a message without a head")
    kind, sequence = _HEAD.unpack_from(message)
    return kind, sequence, memoryview(message)[_HEAD.size :]


def pack_lent(number: int, oldest: int, description: bytes, call: memoryview) -> bytes:
    """Return the body of a LENT message.

    Args:
        number: the number of the function.
        oldest: with a description, the smallest number that is still lent; what came before may be forgotten.
        description: the function, as `lending.packed` describes it; empty if it was sent before.
        call: the call as it came in.
    """
    return b"".join((_LENT_HEAD.pack(number, oldest, len(description)), description, call))


def unpack_lent(body: memoryview) -> tuple[int, int, memoryview, memoryview]:
    """Return (number, oldest, description, call) of a LENT message."""
    number, oldest, length = _LENT_HEAD.unpack_from(body)
    rest = body[_LENT_HEAD.size :]
    return number, oldest, rest[:length], rest[length:]

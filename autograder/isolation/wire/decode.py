"""The reader of leaves from bytes that may be lies: every field is checked before anything is built from it."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from autograder.isolation.wire.encode import MAX_INTEGER_BYTES, TYPES, Leaf, ProtocolError, tensor_dtypes

if TYPE_CHECKING:
    import torch

__all__ = ["READERS"]

MAX_ELEMENTS = 1 << 28
MAX_DIMENSIONS = 32
MAX_ITEM_BYTES = 1 << 20
_NUMBER = re.compile(r"[<>|]([biufc])(\d{1,2})")
_TEXT = re.compile(r"[<>|]([US])(\d{1,6})")
_SIZES = {"b": {1}, "i": {1, 2, 4, 8}, "u": {1, 2, 4, 8}, "f": {2, 4, 8, 16}, "c": {8, 16, 32}}


def _end_of_header(payload: bytes, start: int) -> int:
    """Return the position where the raw bytes begin, if the header is whole."""
    if len(payload) < start + 2:
        raise ProtocolError("an array whose header is cut off")
    return start + 2 + payload[start] + 8 * payload[start + 1]


@lru_cache(maxsize=256)
def _parsed_header(header: bytes) -> tuple[str, tuple[int, ...], int]:
    """Return (dtype, shape, number of elements)."""
    try:
        name_length, dimensions = struct.unpack_from("<BB", header)
        name, *shape = struct.unpack_from(f"<{name_length}s{dimensions}Q", header, 2)
    except struct.error:
        raise ProtocolError("an array whose header is cut off") from None
    if dimensions > MAX_DIMENSIONS or any(side > MAX_ELEMENTS for side in shape):
        raise ProtocolError("an array with too many dimensions or elements")
    count = math.prod(shape)
    if count > MAX_ELEMENTS:
        raise ProtocolError(f"an array of {count} elements")
    return name.decode("ascii", "replace"), tuple(shape), count


@lru_cache(maxsize=256)
def _numpy_dtype(name: str) -> np.dtype:
    number = _NUMBER.fullmatch(name)
    if number and int(number[2]) in _SIZES[number[1]]:
        return np.dtype(name)
    text = _TEXT.fullmatch(name)
    if text and int(text[2]) <= MAX_ITEM_BYTES // 4:
        return np.dtype(name)
    raise ProtocolError(f"an array of dtype {name[:20]!r}")


class _Array(NamedTuple):
    """The content of an array's header: dtype, shape, the number of bytes that follow, and whether any will do."""

    dtype: np.dtype
    shape: tuple[int, ...]
    size: int
    plain: bool


@lru_cache(maxsize=256)
def _array_of(header: bytes) -> _Array:
    name, shape, count = _parsed_header(header)
    dtype = _numpy_dtype(name)
    return _Array(dtype, shape, count * dtype.itemsize, plain=count > 0 and dtype.kind in "iufc")


def _read_array(payload: bytes) -> np.ndarray:
    start = _end_of_header(payload, 0)
    dtype, shape, size, plain = _array_of(payload[:start])
    if len(payload) - start != size:
        raise ProtocolError("an array whose bytes do not fit its shape")
    if plain:
        return np.ndarray(shape, dtype, payload, start).copy()
    if 0 in shape:
        return np.zeros(shape, dtype)
    if dtype.itemsize == 0:  # numpy would make room for a character each, out of no bytes at all
        raise ProtocolError("an array of texts without room for a character")
    array = np.ndarray(shape, dtype, payload, start).copy()
    if dtype.kind == "b":
        # Any byte but 0 and 1 would be a truth value that is neither.
        return np.asarray(np.not_equal(array.view(np.uint8), 0))
    if dtype.kind == "U" and (array.reshape(-1).view(dtype.str[0] + "u4") > 0x10FFFF).any():
        raise ProtocolError("a text array with characters that do not exist")
    return array


def _read_scalar(payload: bytes) -> object:
    array = _read_array(payload)
    if array.shape != ():
        raise ProtocolError("a scalar with a shape")
    return array[()]


def _read_tensor(payload: bytes) -> torch.Tensor:
    if payload[:1] not in (b"\0", b"\1"):
        raise ProtocolError("a tensor that neither has nor lacks a gradient")
    start = _end_of_header(payload, 1)
    name, shape, count = _parsed_header(payload[1:start])
    import torch

    dtype = tensor_dtypes().get(name)
    if dtype is None or len(payload) - start != count * dtype.itemsize:
        raise ProtocolError("a tensor whose bytes do not fit its shape")
    if count == 0:
        tensor = torch.empty(shape, dtype=dtype)
    elif dtype is torch.bool:
        tensor = torch.frombuffer(bytearray(payload[start:]), dtype=torch.uint8).reshape(shape) != 0
    else:
        tensor = torch.frombuffer(bytearray(payload[start:]), dtype=dtype).reshape(shape)
    if payload[0] and not (dtype.is_floating_point or dtype.is_complex):
        raise ProtocolError("a gradient on a tensor of integers")
    return tensor.requires_grad_(bool(payload[0]))


def _read_integer(payload: bytes) -> int:
    if not 0 < len(payload) <= MAX_INTEGER_BYTES:
        raise ProtocolError("an integer that is too large")
    return int.from_bytes(payload, "little", signed=True)


def _read_complex(payload: bytes) -> complex:
    if len(payload) != 16:
        raise ProtocolError("a complex number of the wrong size")
    return complex(*struct.unpack("<dd", payload))


def _read_ellipsis(payload: bytes) -> object:
    if payload:
        raise ProtocolError("an ellipsis with content")
    return ...


def _read_dtype(payload: bytes) -> object:
    name = payload[1:40].decode("ascii", "replace")
    if payload[:1] == b"n":
        return _numpy_dtype(name)
    if payload[:1] == b"t" and name in tensor_dtypes():
        return tensor_dtypes()[name]
    raise ProtocolError("an unknown dtype")


def _read_type(payload: bytes) -> type:
    found = TYPES.get(payload[:40].decode("ascii", "replace"))
    if found is None:
        raise ProtocolError("an unknown type")
    return found


def _read_generator(payload: bytes) -> np.random.Generator:
    if len(payload) != 37:
        raise ProtocolError("a random generator of the wrong size")
    has, integer = struct.unpack_from("<BI", payload, 32)
    source = np.random.PCG64(0)
    source.state = {
        "bit_generator": "PCG64",
        "state": {"state": int.from_bytes(payload[:16], "little"), "inc": int.from_bytes(payload[16:32], "little")},
        "has_uint32": has & 1,
        "uinteger": integer,
    }
    return np.random.Generator(source)


READERS: dict[int, Callable[[bytes], object]] = {
    Leaf.INTEGER: _read_integer,
    Leaf.COMPLEX: _read_complex,
    Leaf.ELLIPSIS: _read_ellipsis,
    Leaf.ARRAY: _read_array,
    Leaf.SCALAR: _read_scalar,
    Leaf.TENSOR: _read_tensor,
    Leaf.DTYPE: _read_dtype,
    Leaf.TYPE: _read_type,
    Leaf.GENERATOR: _read_generator,
}

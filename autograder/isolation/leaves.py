"""The leaves of a message that msgpack lacks: arrays, tensors, numbers, dtypes, generators of random numbers.

Each is an extension type with a fixed binary layout. The bytes to be read may be lies, so every field is checked before
anything is built from it.
"""

from __future__ import annotations

import math
import numbers
import re
import struct
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgpack import ExtType as Ext

from autograder.errors import AutograderError
from autograder.lab.arrays import loaded_torch

if TYPE_CHECKING:
    import torch

__all__ = [
    "READERS",
    "Ext",
    "Leaf",
    "ProtocolError",
    "handle",
    "is_empty_giant",
    "leaf",
    "read_handle",
    "tensor_dtypes",
]

MAX_EMPTY_ROWS = 1 << 20
"""The most rows, columns and so on, multiplied, of an array that holds nothing: they cost nothing to send."""

MAX_DIMENSIONS = 32
MAX_ITEM_BYTES = 1 << 20
MAX_INTEGER_BYTES = 1750  # below the 4300 decimal digits past which Python refuses to print

TENSOR_DTYPES = (
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128", "int8", "int16", "int32", "int64", "uint8",
    "bool",
)  # fmt: skip
TYPES: dict[str, type] = {
    **{f"builtins.{kind.__name__}": kind for kind in (bool, int, float, complex, str)},
    **{
        f"numpy.{kind.__name__}": kind
        for kind in (
            np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
            np.float16, np.float32, np.float64, np.complex64, np.complex128,
        )
    },
}  # fmt: skip


@cache
def tensor_dtypes() -> dict[str, torch.dtype]:
    """Return the dtypes that travel, by name. Loads torch."""
    import torch

    return {name: getattr(torch, name) for name in TENSOR_DTYPES}


class ProtocolError(AutograderError):
    """A message that no honest process sends. It ends that worker, and only it."""


class Leaf:
    """The extension codes. From `HANDLE` on they belong to the connection, the rest are data.

    Plain numbers: to look up a member of an enumeration takes as long as to copy a small array.
    """

    INTEGER = 1
    COMPLEX = 2
    ELLIPSIS = 3
    ARRAY = 4
    SCALAR = 5
    TENSOR = 6
    DTYPE = 7
    TYPE = 8
    GENERATOR = 9
    HANDLE = 20
    CALLBACK = 21
    MODULE = 22
    FUNCTION = 23
    LAID = 24


# ---- writing

_HANDLE = struct.Struct("<QI")
# An Ext without the checks of its constructor, which take longer than the rest.
_extension: Callable[[tuple[int, bytes]], Ext] = partial(tuple.__new__, Ext)


def leaf(value: object) -> int | Ext | None:
    """Return the value on the wire for a scalar or array; None if ``value`` is not of a supported type."""
    kind = type(value)
    if kind is np.ndarray:
        return _array(value)  # type: ignore[arg-type]
    if kind is int:
        return _integer(value)  # type: ignore[arg-type]
    if kind is complex:
        return Ext(Leaf.COMPLEX, struct.pack("<dd", value.real, value.imag))  # type: ignore[attr-defined]
    if value is Ellipsis:
        return Ext(Leaf.ELLIPSIS, b"")
    torch = loaded_torch()
    if torch is not None and isinstance(value, torch.Tensor):
        return Ext(Leaf.TENSOR, _tensor_bytes(value))
    if isinstance(value, np.ndarray | np.generic):
        return _array(value)
    return _dtype(value)


def handle(number: int, kind: str = "", name: str = "") -> bytes:
    """Return the payload of a handle: its number; from the student's process also the object's class and own name."""
    described = kind.encode("utf-8", "replace")
    return _HANDLE.pack(number, len(described)) + described + name.encode("utf-8", "replace")


def read_handle(payload: bytes) -> tuple[int, str, str]:
    """Return (number, class, own name) of a handle's payload. Raises ProtocolError."""
    if len(payload) < _HANDLE.size:
        raise ProtocolError("a handle that is not one")
    number, length = _HANDLE.unpack_from(payload)
    texts = payload[_HANDLE.size :]
    return number, texts[:length].decode("utf-8", "replace"), texts[length:].decode("utf-8", "replace")


def _integer(value: int) -> int | Ext:
    if -(1 << 63) <= value < 1 << 64:
        return value
    length = value.bit_length() // 8 + 1
    if length > MAX_INTEGER_BYTES:
        raise OverflowError(f"an integer of {value.bit_length()} bits is too large to send")
    return Ext(Leaf.INTEGER, value.to_bytes(length, "little", signed=True))


def _array(value: np.ndarray | np.generic) -> Ext | None:
    plain = np.asarray(value)  # of no dimensions for a number or a text; an empty text then has room for a character
    if plain.dtype.kind == "O" and plain.size and all(isinstance(item, numbers.Real) for item in plain.flat):
        plain = plain.astype(np.float64)  # numbers, put one by one into an array that began empty
    header = _array_header(plain.dtype, plain.shape)
    if header is None:
        return None
    code = Leaf.ARRAY if isinstance(value, np.ndarray) else Leaf.SCALAR
    return _extension((code, header + plain.tobytes()))


def _tensor_bytes(value: torch.Tensor) -> bytes:
    import torch

    plain = value.detach().cpu().resolve_conj().resolve_neg()
    name = str(plain.dtype).removeprefix("torch.")
    if name not in TENSOR_DTYPES or plain.layout is not torch.strided:
        raise TypeError(f"a tensor of dtype {plain.dtype} and layout {plain.layout} cannot be sent: make it dense")
    flat = plain.contiguous().reshape(-1)
    flat = flat.as_strided(flat.shape, (1,))  # a single element counts as contiguous, whatever its stride
    raw = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return bytes([bool(value.requires_grad)]) + _header(name, tuple(plain.shape)) + raw


def _dtype(value: object) -> Ext | None:
    torch = loaded_torch()
    if torch is not None and isinstance(value, torch.dtype):
        name = str(value).removeprefix("torch.")
        return Ext(Leaf.DTYPE, b"t" + name.encode()) if name in TENSOR_DTYPES else None
    if isinstance(value, np.dtype) and _travels(value):
        return Ext(Leaf.DTYPE, b"n" + value.str.encode())
    if isinstance(value, type):
        name = f"{value.__module__}.{value.__name__}"
        return Ext(Leaf.TYPE, name.encode()) if TYPES.get(name) is value else None
    if type(value) is np.random.Generator and type(value.bit_generator) is np.random.PCG64:
        return Ext(Leaf.GENERATOR, _generator_bytes(value.bit_generator))
    return None


def _generator_bytes(source: np.random.PCG64) -> bytes:
    state = source.state
    numbers = state["state"]["state"].to_bytes(16, "little") + state["state"]["inc"].to_bytes(16, "little")
    return bytes(numbers + struct.pack("<BI", state["has_uint32"], state["uinteger"]))


@lru_cache(maxsize=256)
def _array_header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes | None:
    return _header(dtype.str, shape) if _travels(dtype) else None


def _travels(dtype: np.dtype) -> bool:
    """Return whether arrays of this dtype travel: not those of texts that are longer than anybody reads."""
    return dtype.kind in "biufcUS" and dtype.itemsize <= (MAX_ITEM_BYTES if dtype.kind == "U" else MAX_ITEM_BYTES // 4)


def is_empty_giant(shape: tuple[int, ...]) -> bool:
    """Return whether an array of this shape holds nothing, but has more rows than anybody could go through."""
    return 0 in shape and math.prod(side or 1 for side in shape) > MAX_EMPTY_ROWS


@lru_cache(maxsize=256)
def _header(dtype: str, shape: tuple[int, ...]) -> bytes:
    if is_empty_giant(shape):
        raise TypeError(
            f"an empty array of shape {shape} cannot be sent: it has more rows than anybody could go through"
        )
    if len(shape) > MAX_DIMENSIONS:
        raise TypeError(f"an array of {len(shape)} dimensions cannot be sent")
    name = dtype.encode("ascii")
    return struct.pack(f"<BB{len(name)}s{len(shape)}Q", len(name), len(shape), name, *shape)


# ---- reading

MAX_ELEMENTS = 1 << 28
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
    if is_empty_giant(tuple(shape)):
        raise ProtocolError("an empty array with more rows than anybody could go through")
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

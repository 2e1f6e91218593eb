"""The leaves of a message that msgpack lacks: arrays, tensors, numbers, dtypes, generators of random numbers.

Each is an extension type with a fixed binary layout. Written here, read in :mod:`autograder.isolation.wire.decode`.
"""

from __future__ import annotations

import numbers
import struct
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from msgpack import ExtType as Ext

from autograder.errors import AutograderError
from autograder.lab.conversion import loaded_torch

if TYPE_CHECKING:
    import torch

__all__ = ["Ext", "Leaf", "ProtocolError", "handle", "leaf", "read_handle", "tensor_dtypes"]

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
        return Ext(Leaf.DTYPE, b"t" + str(value).removeprefix("torch.").encode())
    if isinstance(value, np.dtype) and value.kind in "biufcUS" and value.names is None:
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
    return _header(dtype.str, shape) if dtype.kind in "biufcUS" else None


@lru_cache(maxsize=256)
def _header(dtype: str, shape: tuple[int, ...]) -> bytes:
    name = dtype.encode("ascii")
    return struct.pack(f"<BB{len(name)}s{len(shape)}Q", len(name), len(shape), name, *shape)

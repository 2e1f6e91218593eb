"""The difference of two arrays: its place, its size, and its form if that is a familiar one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["describe_difference", "describe_shape", "matches", "observation"]

SMALL = 36
"""The number of values up to which an array is shown whole."""


def matches(actual: NDArray[Any], expected: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    """Return a boolean array of the values that agree, in the shape of both arrays.

    A value agrees if it differs by at most ``tolerance * max(1, largest finite |expected|)``, if both
    are NaN, or if both are the same infinity.
    """
    left, right = _comparable(actual), _comparable(expected)
    finite = np.isfinite(right)
    scale = float(np.max(np.abs(right), where=finite, initial=1.0))
    with np.errstate(invalid="ignore", over="ignore"):
        near: NDArray[np.bool_] = np.abs(left - right) <= tolerance * scale
    if near.all():
        return near
    agree: NDArray[np.bool_] = near | (left == right) | (np.isnan(left) & np.isnan(right))
    return agree


def describe_shape(array: NDArray[Any]) -> str:
    """Return the shape in words: "a single number" or "shape (3, 4)"."""
    return f"shape {array.shape}" if array.ndim else "a single number"


def describe_difference(
    actual: NDArray[Any], expected: NDArray[Any], agree: NDArray[np.bool_], tolerance: float
) -> str:
    """Return what came, what was expected, where they differ most, and how often, in words."""
    if not expected.ndim:
        return f"expected {_number(expected)}, got {_number(actual)} (tolerance {tolerance:g})"
    where = _worst(actual, expected, agree)
    index = ", ".join(str(int(position)) for position in where)
    lines = [
        f"at [{index}]: expected {_number(expected[where])}, got {_number(actual[where])}",
        f"{np.count_nonzero(~agree)} of {agree.size} values differ by more than the tolerance {tolerance:g}",
    ]
    if expected.size <= SMALL:
        lines += ["expected:", _table(expected), "got:", _table(actual)]
    return "\n".join(lines)


def observation(actual: NDArray[Any], expected: NDArray[Any], tolerance: float) -> str:
    """Return one thing to look at if the difference has a familiar form, else an empty text. Holds no values."""
    for noticed, candidate in _familiar_forms(actual, expected):
        if candidate.shape == expected.shape and matches(candidate, expected, tolerance).all():
            return noticed
    return _shape_observation(actual, expected)


def _familiar_forms(actual: NDArray[Any], expected: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    values = _comparable(actual)
    if actual.shape != expected.shape:
        if actual.ndim == 2:
            yield "the result is transposed: which axis is the height?", values.T
        if actual.size == expected.size:
            yield "the values are right, only their arrangement is not.", values.reshape(expected.shape)
        return
    yield "the sign is reversed everywhere.", -values
    if actual.ndim >= 1:
        yield "the values are right, in reverse order.", np.flip(values)
    if actual.ndim >= 2:
        yield "the result is upside down.", np.flip(values, axis=-2)
        yield "the result is mirrored left to right.", np.flip(values, axis=-1)
        yield "the result is transposed: which axis is the height?", values.swapaxes(-1, -2)
    if actual.size > 1:
        with np.errstate(all="ignore"):
            scaled = values * _common_factor(values, expected)
        yield "every value is off by the same factor.", scaled


def _shape_observation(actual: NDArray[Any], expected: NDArray[Any]) -> str:
    if actual.ndim != expected.ndim:
        return "the number of axes."
    if actual.shape == expected.shape:
        return ""
    if actual.ndim >= 2 and actual.shape == (*expected.shape[:-2], expected.shape[-1], expected.shape[-2]):
        return "height and width have changed places."
    wrong = [axis for axis in range(actual.ndim) if actual.shape[axis] != expected.shape[axis]]
    return f"the length of axis {wrong[0]}." if len(wrong) == 1 else "the lengths of several axes."


def _common_factor(actual: NDArray[Any], expected: NDArray[Any]) -> Any:
    """Return the factor between the two by least squares, or NaN."""
    norm = np.vdot(actual, actual)
    if not np.isfinite(norm) or norm == 0 or not np.any(expected):
        return np.nan
    return np.vdot(actual, _comparable(expected)) / norm


def _comparable(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in a type so wide that a difference neither wraps around nor rounds early."""
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    if array.dtype.kind in "bi" or array.dtype in (np.uint8, np.uint16, np.uint32):
        wide = array.astype(np.int64)
        return wide if not array.size or np.abs(wide.astype(np.float64)).max() < 2**62 else array.astype(float)
    return array.astype(np.float64)


def _worst(actual: NDArray[Any], expected: NDArray[Any], agree: NDArray[np.bool_]) -> tuple[np.intp, ...]:
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(_comparable(actual) - _comparable(expected)).astype(np.float64)
    gap = np.where(np.isnan(gap), np.inf, gap)
    return np.unravel_index(np.argmax(np.where(agree, -1.0, gap)), gap.shape)


def _number(value: Any) -> str:
    return f"{value.item():.10g}" if value.dtype.kind in "fc" else str(value.item())


def _table(array: NDArray[Any]) -> str:
    return np.array2string(array, precision=6, suppress_small=True, max_line_width=100)

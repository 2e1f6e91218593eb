"""The comparison of a result with what was expected, and what to look at when they differ.

A check either passes silently or raises `CheckFailed`, whose message names what came, what was expected and where. The
summary and the hint hold no values, so that they can be shown to somebody who must not learn the expected answer; the
detail holds them. Where two arrays differ in a familiar way, such as a sign or a flip, the hint names it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.lab.arrays import NotNumeric, is_array, to_array
from autograder.lab.recognition import Compared, recognised

__all__ = ["CheckFailed", "brief", "close", "describe_difference", "describe_shape", "matches", "observation"]

# ---- the difference of two arrays

SMALL = 36
"""The number of values up to which an array is shown whole."""


def matches(actual: NDArray[Any], expected: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    """Return a boolean array of the values that agree, in the shape of both arrays.

    A value agrees if it differs by at most ``tolerance * max(1, largest finite |expected|)``, if both
    are NaN, or if both are the same infinity.
    """
    if actual.dtype == expected.dtype:
        equal: NDArray[np.bool_] = actual == expected
        if equal.all():  # The usual case, known in a fraction of the time.
            return equal
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
        allowed = "" if expected.dtype == bool else f" (tolerance {tolerance:g})"
        return f"expected {_number(expected)}, got {_number(actual)}{allowed}"
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
    if actual.size != expected.size:  # No form has another size, and a copy of a far larger one takes memory.
        return
    values = _comparable(actual)
    if actual.shape != expected.shape:
        if actual.ndim == 2:
            yield "the result is transposed: which axis is the height?", values.T
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
        return "height and width are swapped."
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
        with np.errstate(over="ignore", invalid="ignore"):
            return array.astype(np.complex128)
    if array.dtype.kind in "bi" or array.dtype in (np.uint8, np.uint16, np.uint32):
        wide = array.astype(np.int64)
        return wide if not array.size or np.abs(wide.astype(np.float64)).max() < 2**62 else array.astype(float)
    with np.errstate(over="ignore", invalid="ignore"):
        double = array.astype(np.float64)
    if array.dtype.itemsize > double.itemsize:  # What is too large for a double is not infinite.
        beyond = np.isinf(double) & np.isfinite(array)
        double[beyond] = np.copysign(np.finfo(np.float64).max, double[beyond])
    return double


def _worst(actual: NDArray[Any], expected: NDArray[Any], agree: NDArray[np.bool_]) -> tuple[np.intp, ...]:
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(_comparable(actual) - _comparable(expected)).astype(np.float64)
    gap = np.where(np.isnan(gap), np.inf, gap)
    return np.unravel_index(np.argmax(np.where(agree, -1.0, gap)), gap.shape)


def _number(value: Any) -> str:
    return f"{value.item():.10g}" if value.dtype.kind in "fc" else str(value.item())


def _table(array: NDArray[Any]) -> str:
    return np.array2string(array, precision=6, suppress_small=True, max_line_width=100)


# ---- the check

_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), dict: ("{", "}"), set: ("{", "}"),
                                          frozenset: ("frozenset({", "})")}  # fmt: skip
_LONG = 10_000
_ROOM = 200  # characters of each of two values that differ

KNOWN = "A known mistake gives just this result: "


class CheckFailed(AssertionError):
    """A result that is not what the exercise asks for.

    Attributes:
        summary: one phrase without any value, such as "the shape is wrong".
        detail: what was expected, what came, and the place; holds values.
        hint: one thing to look at, without any value; may be empty.
        case: the kind of input, such as "a 5×7 image, a 2×3 kernel"; may be empty.
        compared: the wrong value and how it was compared, for whoever recognises it; None if it is not numeric.
    """

    compared: Compared | None = None

    def __init__(self, summary: str, *, detail: str = "", hint: str = "", case: str = "") -> None:
        self.summary = summary
        self.detail = detail
        self.hint = hint
        self.case = case
        super().__init__(summary)

    def __str__(self) -> str:
        head = f"{self.summary} ({self.case})" if self.case else self.summary
        hint = f"Look at: {self.hint}" if self.hint else ""
        return "\n".join(part for part in (head, self.detail, hint) if part)

    def _render_traceback_(self) -> list[str]:
        """Tell IPython what to show instead of a traceback through the checking code."""
        return [f"Check failed: {self.told}"]

    @property
    def told(self) -> str:
        """The message; instead of the hint the misconception that gives just this wrong value, if the kit knows one.

        A hint has to serve for every mistake, and may well point elsewhere.
        """
        sentence = recognised(self)
        if not sentence:
            return str(self)
        plain = CheckFailed(self.summary, detail=self.detail, case=self.case)
        return f"{plain}\n{KNOWN}{sentence}"


def brief(value: object, room: int = _ROOM) -> str:
    """Return ``repr(value)``, cut at ``room`` characters; of a long list no more is looked at than fits."""
    return _begun(value, room)[:room]


def _begun(value: object, room: int) -> str:
    brackets = _BRACKETS.get(type(value))
    if brackets is None or not value:
        return _shown(value)
    parts, length = list[str](), 0
    for part in value.items() if isinstance(value, dict) else value:  # type: ignore[attr-defined]
        if isinstance(value, dict):
            key = _begun(part[0], room - length)
            text = f"{key}: {_begun(part[1], room - length - len(key))}"
        else:
            text = _begun(part, room - length)
        parts.append(text)
        length += len(text) + 2
        if length > room:
            break
    single = "," if type(value) is tuple and len(value) == 1 else ""
    return f"{brackets[0]}{', '.join(parts)}{single}{brackets[1]}"


def _shown(value: Any) -> str:
    """Return ``repr(value)``; of an array with so many sides that it would be written out in full, the shape."""
    # Each side is cut beyond six entries: 20 sides of two are a million numbers, and half a minute.
    # Nothing else is asked: an object of the student's process would answer what it likes.
    many = is_array(value) and value.ndim > 4 and math.prod(value.shape) > 1000
    return f"an array of shape {tuple(value.shape)}" if many else repr(value)


def close(actual: object, expected: object, tolerance: float = 1e-6, *, case: str = "", hint: str = "") -> None:
    """Pass if ``actual`` has the shape of ``expected`` and its values within the tolerance.

    Args:
        actual, expected: numbers, arrays, torch tensors, or nested lists and tuples of them.
        tolerance: each value may differ by at most ``tolerance * max(1, largest |expected|)``. With 0,
            values must be equal. NaN equals only NaN, and an infinity only itself.
        case: the kind of input, for the message.
        hint: one thing to look at. Without it, close names what it notices: a sign, a flip, a factor.

    Raises:
        CheckFailed: if the shape or any value differs, or if ``actual`` is not numeric.
    """
    want = to_array(expected)
    got = _student_array(actual, want, case, hint)
    if got.shape != want.shape:
        detail = f"expected {describe_shape(want)}, got {describe_shape(got)}"
        raise _failed("the shape is wrong", detail, got, want, tolerance, case, hint)
    agree = matches(got, want, tolerance)
    if not agree.all():
        detail = describe_difference(got, want, agree, tolerance)
        raise _failed("the values differ", detail, got, want, tolerance, case, hint)


def _failed(
    summary: str, detail: str, got: NDArray[Any], want: NDArray[Any], tolerance: float, case: str, hint: str
) -> CheckFailed:
    noticed = hint or observation(got, want, tolerance)
    failure = CheckFailed(summary, detail=detail, hint=noticed, case=case)
    scale = float(np.max(np.abs(want), where=np.isfinite(want), initial=1.0))
    failure.compared = Compared(got, scale, tolerance)
    return failure


def _overlong(value: object, shape: tuple[int, ...]) -> int:
    """Return the length of a list, or of one in it, that is wrong, and so large that reading it takes long; else 0."""
    if not isinstance(value, list | tuple):
        return 0
    if len(value) > _LONG and shape[:1] != (len(value),):
        return len(value)
    return next((length for part in value if (length := _overlong(part, shape[1:]))), 0)


def _student_array(actual: object, want: NDArray[Any], case: str, hint: str) -> NDArray[Any]:
    """Return ``actual`` as an array, or raise a failed check that shows why it is not one."""
    if length := _overlong(actual, want.shape):
        detail = f"expected {describe_shape(want)}, got a {type(actual).__name__} with {length} parts in a row"
        raise CheckFailed("the shape is wrong", detail=detail, hint=hint, case=case)
    try:
        return to_array(actual)
    except NotNumeric as problem:
        detail = f"expected {describe_shape(want)}, got {problem}"
        advice = hint or ("does every path through the function end in `return`?" if actual is None else "")
        raise CheckFailed("the result is not a number or an array", detail=detail, hint=advice, case=case) from None

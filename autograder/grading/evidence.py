"""The weight of evidence: how much two equal wrong results tell, which may be equal by necessity or by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.grading.comparison import kind_of
from autograder.isolation.call_log import RecordedCall
from autograder.lab.conversion import NotNumeric, to_array

__all__ = ["weight"]

_MOST = 8.0
_KINDS = {"truth": 0.5, "whole": 1.0, "real": 1.0, "none": 1.0, "text": 1.0, "other": 1.0}
"""The weight of a wrong result by kind. Of True and False one is wrong: two wrong ones agree by necessity."""

_USUAL = (0, 1, -1, np.inf, -np.inf)
_DENOMINATOR = 5040
"""The denominator of the fractions that examples worked out by hand have, which two mistakes may well share."""


def weight(exchange: RecordedCall, expected: Any, expected_error: str) -> float:
    """Return the weight of a wrong result that a misconception gives, too: about one per number that differs, up to 8.

    Args:
        exchange: the call with the student's result or error.
        expected: the right result.
        expected_error: the name of the error that would have been right, or "".
    """
    if exchange.error:
        return 0.5
    if expected_error:
        return 2.0
    if exchange.tells_arguments:
        return _with_arguments(exchange.result, expected)
    return min(_MOST, _difference(exchange.result, expected))


def _with_arguments(ours: Any, theirs: Any) -> float:
    """Return the weight of (result, arguments after the call, and more): a changed argument counts as two numbers.

    So does memory that a result shares and should not.
    """
    (result, *after), (right, *unchanged) = ours, theirs  # as the two processes give them
    changed = 2.0 if _difference(_arguments(after), _arguments(unchanged)) else 0.0
    shared = 2.0 if set(after[2:] and after[2]) - set(unchanged[2:] and unchanged[2]) else 0.0
    return min(_MOST, changed + shared + _difference(result, right))


def _arguments(after: list[Any]) -> list[Any]:
    """Return positional and keyword arguments in one list."""
    positional, *more = after
    return [*positional, *(more[0].values() if more else ())]


def _difference(result: Any, expected: Any) -> float:
    """Return the weight of the difference of two results, part by part."""
    kind = kind_of(result)
    if kind != kind_of(expected):
        return 1.0
    if kind == "sequence" and len(result) == len(expected):
        return float(sum(_difference(ours, theirs) for ours, theirs in zip(result, expected, strict=True)))
    if kind == "mapping":
        return sum(_difference(result[key], expected[key]) for key in result if key in expected) or 1.0
    if kind in ("array", "real"):
        return _numbers(result, expected)
    return _KINDS.get(kind, 1.0) if not _equal(result, expected) else 0.0


def _numbers(result: Any, expected: Any) -> float:
    """Return how many different numbers stand in the wrong places.

    A number that nobody works out by hand counts twice, and so does one that fills several places, unless it is usual.
    """
    try:
        ours, theirs = to_array(result), to_array(expected)
    except NotNumeric:
        return 1.0
    differing = ours[ours != theirs] if ours.shape == theirs.shape else ours
    if not differing.size:
        return 1.0 if ours.shape != theirs.shape else 0.0
    different = np.unique(differing)
    alone = different.size == 1 and differing.size > 1 and different[0] not in _USUAL
    return float(different.size + max(int(alone), int(np.count_nonzero(_long(different)))))


def _long(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    with np.errstate(all="ignore"):
        scaled = numbers.astype(np.complex128) * _DENOMINATOR
        long: NDArray[np.bool_] = np.abs(scaled - np.round(scaled)) > 1e-6
    return long


def _equal(left: Any, right: Any) -> bool:
    try:
        return bool(left == right)
    except Exception:  # a comparison of whatever a student's code returned
        return False

"""Familiar forms of a wrong result beside the right one: a sign, a factor, a flip, a shift, a row too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.lab.array_difference import matches
from autograder.lab.conversion import NotNumeric, to_array

__all__ = ["forms_of"]

_TOLERANCE = 1e-6
Array = NDArray[Any]


def forms_of(result: object, expected: object) -> list[str]:
    """Return every form that ``result`` has beside ``expected``, as sentences without values, the clearest first."""
    try:
        ours, theirs = to_array(result), to_array(expected)
    except NotNumeric:
        return []
    if not theirs.size or not ours.size or {"b", "c"} & {ours.dtype.kind, theirs.dtype.kind}:
        return []
    with np.errstate(all="ignore"):
        if ours.shape != theirs.shape:
            return list(_shape_forms(ours, theirs))
        return list(_value_forms(ours.astype(float), theirs.astype(float)))


def _same(left: Array, right: Array) -> bool:
    return left.shape == right.shape and bool(matches(left, right, _TOLERANCE).all())


def _shape_forms(ours: Array, theirs: Array) -> Iterator[str]:
    if ours.ndim != theirs.ndim:
        yield f"The result has {'more' if ours.ndim > theirs.ndim else 'fewer'} axes than it should have."
        return
    if ours.ndim >= 2 and ours.swapaxes(-1, -2).shape == theirs.shape:
        if _same(ours.swapaxes(-1, -2), theirs):
            yield "The result is transposed."
        yield "Height and width of the result have changed places."
    if ours.size == theirs.size and _same(ours.reshape(theirs.shape), theirs):
        yield "The values are right, and only their arrangement is not."
    steps = [mine - right for mine, right in zip(ours.shape, theirs.shape, strict=True)]
    for axis, step in enumerate(steps):
        if step:
            yield f"The result has {_how_many(step)} {_line(axis - ours.ndim, ours.ndim)}."


def _how_many(step: int) -> str:
    kind = "many" if step > 0 else "few"
    return f"one too {kind} along its" if abs(step) == 1 else f"several too {kind} along its"


def _line(axis: int, axes: int) -> str:
    if axes == 1:
        return "only axis"
    return {-1: "last axis (columns)", -2: "last axis but one (rows)"}.get(axis, f"axis {axis + axes}")


def _value_forms(ours: Array, theirs: Array) -> Iterator[str]:
    finite = np.isfinite(ours)
    if not finite.all() and np.isfinite(theirs).all():
        yield "The result holds NaN or infinity where it should hold numbers."
        return
    yield from _scaled(ours, theirs)
    yield from _moved(ours, theirs)
    yield from _partly_right(ours, theirs)


def _scaled(ours: Array, theirs: Array) -> Iterator[str]:
    if not ours.any() and theirs.any():
        yield "The result is zero everywhere." if theirs.size > 1 else "The result is zero."
        return
    if _same(-ours, theirs):
        yield "The sign is reversed."
    if _same(ours, np.trunc(theirs)) or _same(ours, np.round(theirs)):
        yield "The fractions are lost: the values are those of whole numbers."
    if _same(np.round(ours - theirs) % 256, np.zeros_like(ours)) and _same(ours, np.round(ours)):
        yield "The values wrap around, as whole numbers of 8 bits do."
    factor = np.vdot(theirs, ours) / np.vdot(theirs, theirs) if theirs.any() else 0.0
    if theirs.size > 1 and factor and _same(ours / factor, theirs):
        yield _factor(float(factor))
        yield "Every value of a result is off by the same factor."
    if theirs.size > 1 and _same(ours - (ours - theirs).mean(), theirs):
        yield "Every value of a result is off by the same amount."


def _factor(factor: float) -> str:
    known = {2.0: "twice as large as it should be", 0.5: "half as large as it should be"}
    for value, words in known.items():
        if abs(factor - value) < 1e-6:
            return f"Every value is {words}."
    return "Every value of a result is off by the same factor."


def _moved(ours: Array, theirs: Array) -> Iterator[str]:
    if ours.ndim >= 1 and ours.size > 1 and _same(np.flip(ours), theirs):
        yield "The values are right, in reverse order."
    if ours.ndim < 2:
        return
    for axis, words in ((-2, "upside down"), (-1, "mirrored left to right")):
        if _same(np.flip(ours, axis), theirs):
            yield f"The result is {words}."
    if _same(ours.swapaxes(-1, -2), theirs):
        yield "The result is transposed."
    for axis, words in ((-2, "row"), (-1, "column")):
        if ours.shape[axis] > 2 and (_shifted(ours, theirs, axis) or _shifted(theirs, ours, axis)):
            yield f"The values are shifted by one {words}."


def _shifted(left: Array, right: Array, axis: int) -> bool:
    length = left.shape[axis]
    return _same(np.take(left, range(1, length), axis), np.take(right, range(length - 1), axis))


def _partly_right(ours: Array, theirs: Array) -> Iterator[str]:
    wrong = ~matches(ours, theirs, _TOLERANCE)
    if ours.ndim >= 2 and min(ours.shape[-2:]) > 2 and not wrong[..., 1:-1, 1:-1].any():
        for place, words in (
            ((..., 0, slice(None)), "in the first row"),
            ((..., -1, slice(None)), "in the last row"),
            ((..., 0), "in the first column"),
            ((..., -1), "in the last column"),
        ):
            if wrong[place].sum() == wrong.sum():
                yield f"The result is right except {words}."
        yield "The result is right except at the border."
    for axis in range(max(0, ours.ndim - 2)) if ours.ndim > 2 else ():
        others = tuple(other for other in range(ours.ndim) if other != axis)
        if ours.shape[axis] > 1:
            yield from _one_part(np.asarray(wrong.any(axis=others)), axis, ours.ndim)


def _one_part(wrong: Array, axis: int, axes: int) -> Iterator[str]:
    name = {(0, 4): "image", (1, 4): "channel", (0, 3): "channel"}.get((axis, axes), f"part along axis {axis}")
    if not wrong[0] and wrong[1:].all():
        yield f"Only the first {name} of the result is right."
    if wrong.sum() == 1:
        yield f"Only one {name} of the result is wrong."

"""Circumstances in which a function goes wrong: traits that all wrong calls' arguments have and no right one's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograder.grading.diagnosis import Call
from autograder.lab.conversion import NotNumeric, to_array

__all__ = ["circumstance"]

_FEWEST_RIGHT = 2
_LARGE = 1e6


def circumstance(wrong: Sequence[Call], right: Sequence[Call], parameter: Callable[[Call, int], str]) -> str:
    """Return a sentence on what sets wrong calls apart from right ones, or an empty text.

    Args:
        wrong: calls with wrong results.
        right: calls of the same exercise with right ones.
        parameter: the name of a call's argument in that place.
    """
    same_target = [call for call in right if call.exchange.target == wrong[0].exchange.target]
    tried_together = any(call.check == wrong[0].check for call in same_target)
    if len(same_target) < _FEWEST_RIGHT or not tried_together:
        return ""  # Examples worked by hand differ from drawn numbers in many ways that have nothing to do with it.
    traits = list(dict.fromkeys(_traits(wrong[0], parameter)))
    for other in wrong[1:]:
        theirs = set(_traits(other, parameter))
        traits = [trait for trait in traits if trait in theirs]
    for call in same_target:
        if not traits:
            return ""
        ruled_out = set(_traits(call, parameter))
        traits = [trait for trait in traits if trait not in ruled_out]
    return f"Of all that was tried, it goes wrong where {traits[0]}, and only there." if traits else ""


def _traits(call: Call, parameter: Callable[[Call, int], str]) -> Iterator[str]:
    named = [(parameter(call, place), value) for place, value in enumerate(call.exchange.args)]
    for name, value in [*named, *call.exchange.kwargs.items()]:
        if name:
            yield from (f"`{name}` {trait}" for trait in _traits_of(value))


def _traits_of(value: Any) -> Iterator[str]:
    if isinstance(value, bool) or value is None:
        yield f"is {value}"
    elif isinstance(value, int | np.integer):
        yield from (words for holds, words in _of_number(int(value)) if holds)
    elif isinstance(value, tuple | list) and value and all(isinstance(part, int) for part in value):
        yield from _of_pair(value)
    else:
        yield from _of_array(value)


def _of_number(number: int) -> Iterator[tuple[bool, str]]:
    yield number == 0, "is 0"
    yield number > 1, "is greater than 1"
    yield number < 0, "is negative"
    yield number % 2 == 0, "is even"


def _of_pair(numbers: Sequence[int]) -> Iterator[str]:
    if len(set(numbers)) > 1:
        yield "holds numbers that differ"
    if max(numbers) > 1:
        yield "holds a number greater than 1"
    if 0 in numbers:
        yield "holds a 0"


def _of_array(value: Any) -> Iterator[str]:
    try:
        array = to_array(value)
    except NotNumeric:
        return
    yield from _of_shape(array.shape)
    if array.dtype.kind in "biu":
        yield "holds whole numbers"
    if not array.size or array.dtype.kind == "c":
        return
    with np.errstate(all="ignore"):
        numbers = array.astype(float).ravel()
        yield from (words for holds, words in _of_values(numbers) if holds)


def _of_shape(shape: tuple[int, ...]) -> Iterator[str]:
    if len(shape) >= 2 and shape[-1] != shape[-2]:
        yield "is not square"
    if len(shape) == 4 and shape[0] > 1:
        yield "has more than one entry along its first axis"
    if len(shape) == 4 and shape[1] > 1:
        yield "has more than one entry along its second axis"
    if 0 in shape:
        yield "is empty"


def _of_values(numbers: np.ndarray[Any, np.dtype[np.float64]]) -> Iterator[tuple[bool, str]]:
    finite = numbers[np.isfinite(numbers)]
    yield finite.size < numbers.size, "holds NaN or infinity"
    yield bool(np.abs(finite).max(initial=0.0) > _LARGE), "holds large numbers"
    yield bool((finite < 0).all()), "holds only negative numbers"
    yield bool((finite < 0).any()), "holds negative numbers"
    yield bool((finite == 0).any()), "holds zeros"
    yield np.unique(numbers).size < numbers.size, "holds equal numbers"

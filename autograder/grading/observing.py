"""Observations on wrong results of unknown cause: their form, and the circumstances.

A form is a familiar difference from the right result: a sign, a factor, a flip, a shift, a row too many. A circumstance
is a trait that the arguments of all wrong calls have and those of no right one.

Every sentence is true of all wrong results that it describes, and holds no value: hidden parts use it, too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.grading.check import CheckRun
from autograder.grading.comparison import agree
from autograder.grading.diagnosis import Call, calls_of
from autograder.grading.reference import ReferenceNotebook
from autograder.lab.arrays import NotNumeric, to_array
from autograder.lab.checks import matches

__all__ = ["circumstance", "forms_of", "observe"]

# ---- forms

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
        yield "Height and width of the result are swapped."
    if ours.size == theirs.size and _same(ours.reshape(theirs.shape), theirs):
        yield "The values are right, but their arrangement is not."
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
    if _same(ours, theirs):
        yield "The values are right, but their type is not."
        return
    finite = np.isfinite(ours)
    if not finite.all() and np.isfinite(theirs).all():
        yield "The result contains NaN or infinity where it should contain numbers."
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


# ---- circumstances

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
        yield "has different numbers in it"
    if max(numbers) > 1:
        yield "contains a number greater than 1"
    if 0 in numbers:
        yield "contains a 0"


def _of_array(value: Any) -> Iterator[str]:
    try:
        array = to_array(value)
    except NotNumeric:
        return
    yield from _of_shape(array.shape)
    if array.dtype.kind in "biu":
        yield "contains whole numbers"
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
    yield finite.size < numbers.size, "contains NaN or infinity"
    yield bool(np.abs(finite).max(initial=0.0) > _LARGE), "contains large numbers"
    yield bool((finite < 0).all()), "contains only negative numbers"
    yield bool((finite < 0).any()), "contains negative numbers"
    yield bool((finite == 0).any()), "contains zeros"
    yield np.unique(numbers).size < numbers.size, "contains equal numbers"


# ---- what can be seen of a failed check


def observe(runs: Sequence[CheckRun], trusted: ReferenceNotebook) -> dict[str, str]:
    """Return what can be seen of each failed check of ``runs`` (all of one exercise); left out if that is nothing."""
    calls = [call for call in calls_of(runs, trusted, strict=False) if _is_call(call)]
    seen = {}
    for check in dict.fromkeys(call.check for call in calls if call.failed):
        wrong = [call for call in calls if call.check == check and not call.right]
        sentences = _sentences(wrong, calls, functools.partial(_parameter, trusted)) if wrong else []
        if sentences:
            seen[check] = " ".join(sentences)
    return seen


def _is_call(call: Call) -> bool:
    return call.exchange.op == "call" or call.exchange.tells_arguments


def _sentences(wrong: Sequence[Call], calls: Sequence[Call], parameter: Callable[[Call, int], str]) -> list[str]:
    if sentence := _fickle(wrong, calls):
        return [sentence]
    right = [call for call in calls if call.right and not call.expected.error]
    found = [_raised(wrong) or _changed(wrong) or _form(wrong), circumstance(wrong, right, parameter)]
    return [sentence for sentence in found if sentence]


def _fickle(wrong: Sequence[Call], calls: Sequence[Call]) -> str:
    """Return a sentence if the same question had another answer at another time."""
    for call in wrong:
        for other in calls:
            if other.right and _same_question(call, other):
                return (
                    "The same arguments gave different results at different times."
                    " Does something stay behind from an earlier call?"
                )
    return ""


def _same_question(left: Call, right: Call) -> bool:
    ours, theirs = left.exchange, right.exchange
    if (ours.op, ours.target, len(ours.args), set(ours.kwargs)) != (
        theirs.op,
        theirs.target,
        len(theirs.args),
        set(theirs.kwargs),
    ):
        return False
    pairs = [
        *zip(ours.args, theirs.args, strict=True),
        *((ours.kwargs[key], theirs.kwargs[key]) for key in ours.kwargs),
    ]
    return bool(pairs) and all(_is_data(a) and _is_data(b) and agree(a, b, 0.0) for a, b in pairs)


def _is_data(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_data(part) for part in value)
    return value is None or isinstance(value, bool | int | float | str | np.ndarray | np.generic)


def _raised(wrong: Sequence[Call]) -> str:
    errors = {call.exchange.error for call in wrong}
    if len(errors) != 1 or errors == {""} or any(call.expected.error for call in wrong):
        return ""
    (error,) = errors
    if error == "ValueError":
        return "The docstring allows these arguments, but they raise a ValueError."
    return ""


def _changed(wrong: Sequence[Call]) -> str:
    """Return a sentence if results are right, and arguments or the memory that results lie in are not."""
    sentences = {_beside_the_result(call) for call in wrong}
    return sentences.pop() if len(sentences) == 1 else ""


def _beside_the_result(call: Call) -> str:
    if not call.exchange.tells_arguments or call.exchange.error or call.expected.error:
        return ""
    (result, *after), (right, *expected) = call.exchange.result, call.expected.result
    if not agree(result, right, strict=False):
        return ""
    if set(after[2:] and after[2]) - set(expected[2:] and expected[2]):
        return "The results are right, but they are not new: they share memory with an argument or an earlier result."
    return "The results are right, but an argument is changed on the way."


def _form(wrong: Sequence[Call]) -> str:
    """Return the form that all wrong results have in common."""
    shared: list[str] | None = None
    for call in wrong:
        if call.exchange.error or call.expected.error:
            return ""
        forms = forms_of(_result(call.exchange.result, call), _result(call.expected.result, call))
        shared = list(forms) if shared is None else _common(shared, forms)
        if not shared:
            return ""
    return shared[0] if shared else ""


def _common(shared: list[str], forms: Iterable[str]) -> list[str]:
    kept = set(forms)
    return [form for form in shared if form in kept]


def _result(result: Any, call: Call) -> Any:
    return result[0] if call.exchange.tells_arguments else result


def _parameter(trusted: ReferenceNotebook, call: Call, place: int) -> str:
    """Return the name of a positional argument, by the instructor's signature; empty if there is none."""
    function = trusted.solved_names().get(str(call.exchange.target))
    code = getattr(function, "__code__", None)
    return str(code.co_varnames[place]) if code is not None and place < code.co_argcount else ""

"""The calls that contract checks make, and the evidence that they gather.

A check yields its calls as steps, and a caller makes them. The one here calls plain functions of this process, one
after the other. The evidence of a call is whether the result shares memory with an argument, whether the arguments
were changed, and whether the result agrees with the expected one in every part.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from autograder.lab.arrays import Position, every_place, joined, parameters_of
from autograder.lab.checks import CheckFailed, brief, close

__all__ = [
    "Caller",
    "Function",
    "Here",
    "Inspected",
    "Refusal",
    "Step",
    "Steps",
    "agree_in_parts",
    "is_a",
    "names_word",
    "require_dtype",
    "shared_places",
    "untouched",
]


# ---- the evidence of a call


def is_a(value: Any, kind: type) -> bool:
    """Return whether the value is of this class; numpy's numbers count as Python's, True and False only as bool."""
    if isinstance(value, bool | np.bool_) and kind is not bool:
        return False
    numbers: dict[type, tuple[type, ...]] = {
        bool: (bool, np.bool_),
        int: (int, np.integer),
        float: (float, np.floating),
    }
    return isinstance(value, numbers.get(kind, (kind,)))


def require_dtype(value: Any, dtype: Any, case: str) -> None:
    """Require this dtype of the value, or of each part or entry of it, or raise CheckFailed; None allows any."""
    if dtype is None:
        return
    wanted = str(np.dtype(dtype) if not str(dtype).startswith("torch.") else dtype)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else (value,)
    for part in parts:
        found = str(getattr(part, "dtype", type(part).__name__))
        if found not in (wanted, f"torch.{wanted}") and not (wanted == "float64" and type(part) is float):
            detail = f"expected {wanted}, got {found}"
            raise CheckFailed("the result has another type of numbers than promised", detail=detail, case=case)


def untouched(before: Any, after: Any) -> bool:
    """Return whether two arguments are the same, bit for bit for data.

    For a network, also whether it is in the same mode, and whether the same weights take gradients.
    """
    if hasattr(before, "state_dict") and hasattr(before, "training"):
        same_mode = before.training is after.training
        held, left = dict(before.state_dict(keep_vars=True)), dict(after.state_dict(keep_vars=True))
        return same_mode and untouched(held, left) and _take_gradients(held) == _take_gradients(left)
    if isinstance(before, dict):
        return (
            isinstance(after, dict)
            and list(before) == list(after)
            and all(untouched(before[k], after[k]) for k in before)
        )
    if isinstance(before, tuple | list):
        return len(before) == len(after) and all(map(untouched, before, after))
    if hasattr(before, "dtype") and hasattr(before, "shape"):
        if not hasattr(after, "dtype") or (before.dtype, before.shape) != (after.dtype, after.shape):
            return False
        one, other = (np.asarray(each.detach() if hasattr(each, "detach") else each) for each in (before, after))
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
    return True if not isinstance(before, bool | int | float | str | set) else bool(before == after)


def _take_gradients(state: dict[str, Any]) -> list[bool]:
    return [bool(getattr(value, "requires_grad", False)) for value in state.values()]


def shared_places(result: Any, args: Sequence[Any], kwargs: Mapping[str, Any], before: Any = None) -> list[Position]:
    """Return the positions and names of the arguments that an array of the result shares memory with, or is.

    ``before`` is the result of the call before; if memory is shared with that, "the result before" is among them.
    """
    parts = list(_arrays(result))
    found = [place for place, value in every_place(tuple(args), dict(kwargs)) if _share(parts, value)]
    return [*found, "the result before"] if _share(parts, before) else found


def _arrays(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | tuple | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _arrays(part)
    elif isinstance(value, np.ndarray):
        yield value
    elif hasattr(value, "detach") and hasattr(value, "numpy"):
        yield value.detach().cpu().numpy()


def _share(parts: Sequence[Any], value: Any) -> bool:
    return any(np.may_share_memory(part, other) for other in _arrays(value) for part in parts)


def names_word(text: str, word: str) -> bool:
    """Return whether ``text`` contains ``word`` as a whole word; an empty ``word`` always counts."""
    return not word or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def agree_in_parts(actual: Any, expected: Any, tolerance: float, case: str = "", hint: str = "") -> None:
    """Compare as `close` does, also tuples, lists or dictionaries of different parts."""
    if isinstance(expected, dict) and isinstance(actual, dict) and set(actual) == set(expected):
        for key in expected:
            agree_in_parts(actual[key], expected[key], tolerance, joined(case, repr(key)), hint)
    elif isinstance(expected, tuple | list) and isinstance(actual, tuple | list) and len(actual) == len(expected):
        for number, parts in enumerate(zip(actual, expected, strict=True), 1):
            agree_in_parts(*parts, tolerance, joined(case, f"part {number}"), hint)
    elif isinstance(expected, str | dict | None):
        if actual != expected:
            detail = f"expected {brief(expected)}, got {brief(actual)}"
            raise CheckFailed("the value is wrong", detail=detail, hint=hint, case=case)
    else:
        close(actual, expected, tolerance, case=case, hint=hint)


# ---- the calls

Function = Callable[..., Any]


class Inspected(NamedTuple):
    """The outcome of a call, seen from where the function ran.

    Attributes:
        result: the returned value.
        args, kwargs: the arguments as they are afterwards.
        shared: what an array of the result shares memory with, or is: positions and names of arguments, or
            "the result before".
    """

    result: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    shared: tuple[Position, ...]


class Refusal(NamedTuple):
    """The outcome of a call with a wrong argument.

    Attributes:
        error: the class of what was raised; empty if the call returned.
        text: the error's text, where that may be shown.
        names: whether the error's text has the word that was asked for in it.
        cause: the error itself.
        result: the value that the call returned instead, where that is known.
    """

    error: str = ""
    text: str = ""
    names: bool = True
    cause: Exception | None = None
    result: Any = None


class Step(NamedTuple):
    """A call that a contract check makes, and what is then done with its outcome.

    Attributes:
        way: "call", "refused" or "inspected"; the outcome is the returned value, a `Refusal` or an `Inspected`.
        function: the function.
        args, kwargs: its arguments.
        case: the kind of input.
        then: is given the outcome, and raises CheckFailed if it is wrong.
        word: for "refused", the word that the error's text must contain; empty for any text.
    """

    way: str
    function: Function
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    case: str
    then: Callable[[Any], None]
    word: str = ""


Steps = Iterator[Step]


class Caller(Protocol):
    """A way of calling functions: here, or in a student's process."""

    def run(self, steps: Steps) -> None:
        """Make the calls in order. Their outcomes are judged in order, too, though perhaps after later calls."""

    def parameters(self, function: Function) -> list[str]:
        """Return the names of the function's parameters, in order; none if they are not known."""

    def expected(self, reference: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what the reference returns."""

    def judge(self, actual: Any, expected: Any, tolerance: float, case: str, hint: str) -> None:
        """Compare both, and raise CheckFailed unless they agree."""


class Here:
    """The caller of plain functions of this process."""

    def __init__(self) -> None:
        self._before: Any = None

    def run(self, steps: Steps) -> None:
        """Make each call and judge it before the next one."""
        ways = {"call": self._call, "refused": self._refused, "inspected": self._inspected}
        for step in steps:
            step.then(ways[step.way](step))

    def _call(self, step: Step) -> Any:
        return self._called(step.function, copy.deepcopy(step.args), copy.deepcopy(step.kwargs), step.case)

    @staticmethod
    def _called(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            error.add_note(f"This was asked: {case}.")
            raise

    def _refused(self, step: Step) -> Refusal:
        try:
            result = step.function(*copy.deepcopy(step.args), **copy.deepcopy(step.kwargs))
        except NotImplementedError:  # still blank
            raise
        except ValueError as error:
            return Refusal("ValueError", str(error), names_word(str(error), step.word), error)
        except Exception as error:
            return Refusal(type(error).__name__, str(error), cause=error)
        return Refusal(result=result)

    def _inspected(self, step: Step) -> Inspected:
        args, kwargs = copy.deepcopy(step.args), copy.deepcopy(step.kwargs)
        result = self._called(step.function, args, kwargs, step.case)
        shared = tuple(shared_places(result, args, kwargs, self._before))
        self._before = result
        return Inspected(result, args, kwargs, shared)

    def parameters(self, function: Function) -> list[str]:
        """Return the names of the function's parameters, in order; none if they are not known."""
        return parameters_of(function)

    def expected(self, reference: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what the reference returns."""
        return reference(*args, **kwargs)

    def judge(self, actual: Any, expected: Any, tolerance: float, case: str, hint: str) -> None:
        """Compare both part by part, and raise CheckFailed unless they agree."""
        agree_in_parts(actual, expected, tolerance, case, hint)

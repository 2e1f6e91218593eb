"""The record of calls to a student's code and their results, to be replayed against other implementations."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.lab.conversion import loaded_torch

__all__ = ["RecordedCall", "Remote", "deep_copy", "record_value"]

_IMMUTABLE = {type(None), bool, int, float, complex, str, bytes}


def deep_copy(value: Any) -> Any:
    """Return a deep copy; of numbers, texts and arrays many times as fast as copy.deepcopy."""
    kind = type(value)
    if kind in _IMMUTABLE:
        return value
    if kind is np.ndarray and not value.dtype.hasobject:
        return value.copy(order="K")
    return copy.deepcopy(value)


@dataclass(frozen=True, slots=True)
class Remote:
    """A stand-in for an object of the student's process: its name, or the number that its first mention gave it."""

    target: str | int


@dataclass(slots=True)
class RecordedCall:
    """One question and its answer.

    Attributes:
        op: "call", "call_with_arguments", "inspected", "getattr", "setattr", "getitem", "setitem", "operator",
            "reflected_operator", "len", "iter" or "next".
        target: the object that was asked, as in `Remote.target`.
        detail: the name of the attribute or operator.
        args, kwargs: deep copies of what was sent; objects are `Remote`, functions stay themselves.
        result: data, a `Remote`, or for "call_with_arguments" (result, arguments after the call), for
            "inspected" also keyword arguments and what shares memory. For "next" it is the item, and None at the end.
        error: the name of the class that was raised, or "".
        case: the kind of input, as the check describes it.
    """

    op: str
    target: str | int
    detail: str = ""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    error: str = ""
    case: str = ""

    @property
    def tells_arguments(self) -> bool:
        """True if the result is a tuple: what was returned, the arguments after the call, and perhaps more."""
        return self.op in ("call_with_arguments", "inspected")


def record_value(value: Any, remote: Callable[[Any], Remote | None]) -> Any:
    """Return a deep copy in which objects of the student's process are replaced by `Remote`."""
    found = remote(value)
    if found is not None:
        return found
    kind = type(value)
    if kind is dict:
        return {record_value(key, remote): record_value(item, remote) for key, item in value.items()}
    if kind in (list, tuple, set, frozenset):
        return kind([record_value(item, remote) for item in value])
    if isinstance(value, np.ndarray | np.random.Generator):
        return deep_copy(value)
    torch = loaded_torch()
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if torch is not None and isinstance(value, torch.nn.Module):
        return deep_copy(value)
    return value

"""The names that hidden tests use: ``same``, ``refuses``, ``unchanged``, ``passes``, ``called``, ``rng`` and others.

A student's function is a proxy here and a plain function in an ordinary notebook; these work with both.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograder.errors import AutograderError
from autograder.grading.comparison import require_same
from autograder.isolation.call_log import deep_copy
from autograder.isolation.failures import StudentError, WorkerLost
from autograder.isolation.proxies import Handle, call_with_arguments
from autograder.lab import CheckFailed, close

__all__ = ["StudentNames", "called", "harness_names", "passes", "refuses", "same", "unchanged"]

Function = Callable[..., Any]


def same(
    function: Function,
    reference: Function,
    *args: Any,
    case: str = "",
    tolerance: float = 1e-6,
    hint: str = "",
    **kwargs: Any,
) -> Any:
    """Pass if ``function`` gives what ``reference`` gives on the same arguments; returns what it gave.

    Raises:
        CheckFailed: the kind, the shape or a value differs, or ``function`` raised.
    """
    expected = reference(*_fresh(args), **_fresh(kwargs))
    actual = _call(function, _fresh(args), _fresh(kwargs), case)
    require_same(actual, expected, tolerance, case, hint)
    return actual


def refuses(function: Function, *args: Any, argument: str = "", case: str = "", **kwargs: Any) -> None:
    """Pass if ``function`` raises ValueError for these arguments, of which ``argument`` is the wrong one."""
    hint = f"check `{argument}` first and raise ValueError with a message that names it" if argument else ""
    try:
        function(*_fresh(args), **_fresh(kwargs))
    except ValueError:
        return
    except AutograderError:
        raise
    except Exception as error:
        kind = type_name(error)
        raise CheckFailed(f"a wrong argument should raise ValueError, not {kind}", hint=hint, case=case) from error
    raise CheckFailed("a wrong argument was accepted", hint=hint, case=case)


def unchanged(function: Function, *args: Any, case: str = "", **kwargs: Any) -> None:
    """Pass if ``function`` leaves the arrays that it is given as they were."""
    try:
        _, after = called(function, *args, **kwargs)
    except Exception as error:
        raise _raised(error, case) from error
    hint = "work on a copy, or on a new array"
    try:
        require_same(list(after), list(args), 0.0)
    except CheckFailed:
        raise CheckFailed("the function changed one of its arguments", hint=hint, case=case) from None


def called(function: Function, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
    """What ``function`` returned, and its positional arguments as they are after the call.

    A student's process says so itself. Objects come as handles: take data from them and judge that.
    """
    given = _fresh(args)
    if isinstance(function, Handle):
        return call_with_arguments(function, given, _fresh(kwargs))
    return function(*given, **_fresh(kwargs)), given


def passes(condition: object, what: str, hint: str = "") -> None:
    """Pass if ``condition`` is true; ``what`` is the sentence shown to the student if it is not.

    Raises:
        TypeError: ``condition`` is neither a bool nor numpy's bool, so it is not this side's own judgement.
    """
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"passes() needs True or False, not {type(condition).__name__}")
    if not condition:
        raise CheckFailed(what, hint=hint)


def _fresh(value: Any) -> Any:
    """A deep copy, so that no call can change what the next one is given; a student's own objects stay themselves."""
    if isinstance(value, tuple | list):
        return type(value)([_fresh(part) for part in value])
    if isinstance(value, dict):
        return {key: _fresh(part) for key, part in value.items()}
    return value if isinstance(value, Handle) else deep_copy(value)


def type_name(error: BaseException) -> str:
    """An exception's type, as the student's process named it."""
    return str(getattr(error, "type_name", "") or type(error).__name__)


def _call(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Any:
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise _raised(error, case) from error


def _raised(error: Exception, case: str) -> CheckFailed:
    """The failure that an exception from a student's function amounts to. One of the grader's own is raised again."""
    if isinstance(error, AutograderError):
        raise error
    if type_name(error) == "NotImplementedError":
        return CheckFailed("this exercise is still blank", case=case)
    if isinstance(error, WorkerLost):
        return CheckFailed(error.message, case=case)
    message = error.message if isinstance(error, StudentError) else str(error)
    return CheckFailed(f"your code raised {type_name(error)}", detail=message, case=case)


class StudentNames:
    """Explicit access to the student's own names: ``student.toy_net(…)`` runs in the student's process."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return self._find(name)


def harness_names(
    solution: SimpleNamespace,
    seed: int,
    find: Callable[[str], Any],
    canary: str = "",
    challenge: object = None,
    aside: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    public: Callable[[Function], Function] = lambda function: function,
) -> dict[str, Any]:
    """All names that a hidden test may use beyond the given cells'."""
    return {
        "CheckFailed": CheckFailed,
        "aside": aside,
        "called": called,
        "canary": canary,
        "challenge": challenge,
        "close": close,
        "passes": passes,
        "public": public,
        "refuses": refuses,
        "rng": np.random.default_rng(seed),
        "same": same,
        "seed": seed,
        "solution": solution,
        "student": StudentNames(find),
        "unchanged": unchanged,
    }

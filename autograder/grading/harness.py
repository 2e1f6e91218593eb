"""The names that hidden tests use: ``same``, ``refuses_each``, ``types_of``, ``passes``, ``rng`` and others.

A student's function is a proxy here and a plain function in an ordinary notebook; these work with both.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograder.grading.asking import There, call, fresh
from autograder.grading.comparison import require_same
from autograder.isolation.proxies import Handle, call_with_arguments, handle_owner
from autograder.lab import CheckFailed, close, domain
from autograder.lab.contracts import Contracts

__all__ = ["JUDGES", "StudentNames", "called", "harness_names", "passes", "same", "took"]

JUDGES = frozenset(
    {
        "close",
        "fresh_result",
        "keeps_arguments",
        "makes_no_difference",
        "passes",
        "refuses",
        "refuses_each",
        "same",
        "types_of",
        "unchanged",
    }
)
"""Helpers that only judge: as a check's last expression their value is not a number of points."""

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
    """Pass if ``function`` gives what ``reference`` gives on the same arguments; return what it gave.

    Raises:
        CheckFailed: the kind, the shape or a value differs, or ``function`` raised.
    """
    expected = reference(*fresh(args), **fresh(kwargs))
    actual = call(function, args, kwargs, case)
    require_same(actual, expected, tolerance, case, hint)
    return actual


def called(function: Function, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return what ``function`` returned, and its positional arguments as they are after the call.

    A student's process reports them itself. Objects come as handles: take data from them and judge that.
    """
    given = fresh(args)
    if isinstance(function, Handle):
        return call_with_arguments(function, given, fresh(kwargs))
    return function(*given, **fresh(kwargs)), given


def took(function: Function, *args: Any, **kwargs: Any) -> tuple[float, Any]:
    """Return (seconds, result) of a call: processor time of the process that it runs in, all of its threads together.

    So neither a busy machine nor a student's threads that keep the grader waiting change what is compared.
    """
    given, named = fresh(args), fresh(kwargs)
    clock = handle_owner(function) if isinstance(function, Handle) else None
    began = time.process_time() if clock is None else clock.processor_seconds
    result = call(function, given, named, "")
    return (time.process_time() if clock is None else clock.processor_seconds) - began, result


def passes(condition: object, what: str, hint: str = "") -> None:
    """Pass if ``condition`` is true; ``what`` is the sentence shown to the student if it is not.

    Raises:
        TypeError: ``condition`` is neither a bool nor numpy's bool, so it is not this side's own judgement.
    """
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"passes() needs True or False, not {type(condition).__name__}")
    if not condition:
        raise CheckFailed(what, hint=hint)


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
    error_names: Callable[[str], bool] = lambda word: True,
) -> dict[str, Any]:
    """Return all names that a hidden test may use beyond the given cells'."""
    contracts = Contracts(There(solution, error_names))
    return {
        "CheckFailed": CheckFailed,
        "aside": aside,
        "called": called,
        "canary": canary,
        "challenge": challenge,
        "close": close,
        "domain": domain,
        "fresh_result": contracts.fresh_result,
        "keeps_arguments": contracts.keeps_arguments,
        "makes_no_difference": contracts.makes_no_difference,
        "passes": passes,
        "public": public,
        "refuses": contracts.refuses,
        "refuses_each": contracts.refuses_each,
        "rng": np.random.default_rng(seed),
        "same": same,
        "seed": seed,
        "solution": solution,
        "student": StudentNames(find),
        "took": took,
        "types_of": contracts.types_of,
        "unchanged": contracts.unchanged,
    }

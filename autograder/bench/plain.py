"""The names that hidden tests use, for a process without isolation: the peers and the floor run with these.

The module imports what a notebook imports anyway and nothing more, so that a peer does not pay for this package.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograder.lab import CheckFailed, close, domain
from autograder.lab.contracts import (
    fresh_result,
    keeps_arguments,
    makes_no_difference,
    refuses,
    refuses_each,
    types_of,
    unchanged,
)

__all__ = ["begin"]

Function = Callable[..., Any]


def begin(tools: str, check: str, names: dict[str, Any]) -> None:
    """Put into ``names`` the names that the check called ``check`` may use.

    Args:
        tools: path of a JSON file with ``solution``, the instructor's code, and ``seeds``, one for each check.
        check: the check's grade id.
        names: the globals of the process that runs the check.
    """
    seeds, solution = _read(tools)
    seed = seeds[check]
    names.update(
        close=close, passes=passes, refuses=refuses, same=same, unchanged=unchanged, CheckFailed=CheckFailed,
        domain=domain, fresh_result=fresh_result, keeps_arguments=keeps_arguments, refuses_each=refuses_each,
        makes_no_difference=makes_no_difference, types_of=types_of, public=_itself, seed=seed,
        rng=np.random.default_rng(seed), solution=solution, student=SimpleNamespace(**names),
    )  # fmt: skip
    np.random.seed(seed % 2**32)  # noqa: NPY002 - for checks that use the global generator


@lru_cache(maxsize=4)
def _read(path: str) -> tuple[dict[str, int], SimpleNamespace]:
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(content["solution"], namespace)
    return content["seeds"], SimpleNamespace(**namespace)


def same(
    function: Function, reference: Function, *args: Any, case: str = "", tolerance: float = 1e-6, hint: str = "",
    **kwargs: Any,
) -> Any:  # fmt: skip
    """Check that both give the same; return what ``function`` gives."""
    expected = reference(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    actual = function(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    _compare(actual, expected, tolerance, case)
    return actual


def _compare(actual: Any, expected: Any, tolerance: float, case: str) -> None:
    if isinstance(expected, tuple | list) and not isinstance(actual, np.ndarray):
        if len(actual) != len(expected):
            raise CheckFailed("the result has the wrong number of parts", case=case)
        for ours, theirs in zip(actual, expected, strict=True):
            _compare(ours, theirs, tolerance, case)
    elif isinstance(expected, dict):
        _compare([actual[key] for key in expected], list(expected.values()), tolerance, case)
    elif callable(expected):
        return
    elif isinstance(expected, str | bool | type(None)):
        if actual != expected:
            raise CheckFailed("the value is wrong", case=case)
    else:
        close(actual, expected, tolerance, case=case)


def _itself(function: Function) -> Function:
    return function


def passes(condition: object, what: str, hint: str = "") -> None:
    """Check that ``condition`` is true."""
    if not condition:
        raise CheckFailed(what, hint=hint)

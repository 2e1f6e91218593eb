"""Calls of a student's function by checks: with copies, in its own process, and with errors reported as failures."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from autograder.errors import AutograderError
from autograder.grading.comparison import require_same
from autograder.isolation.call_log import deep_copy
from autograder.isolation.failures import StudentError, WorkerLost
from autograder.isolation.proxies import Handle, handle_owner, remote
from autograder.lab import CheckFailed
from autograder.lab.call_evidence import names_word, shared_places
from autograder.lab.contracts import Inspected, Refusal
from autograder.lab.layouts import Laid
from autograder.lab.variants import parameters_of

__all__ = ["There", "call", "fresh", "raised", "type_name"]

Function = Callable[..., Any]


def fresh(value: Any, *, here: bool = True) -> Any:
    """Return a deep copy, so that no call can change what the next one gets; a student's own objects stay themselves.

    Unless it is for a call ``here``, an array that is to be given its layout over there stays as it is.
    """
    if isinstance(value, tuple | list):
        return type(value)([fresh(part, here=here) for part in value])
    if isinstance(value, dict):
        return {key: fresh(part, here=here) for key, part in value.items()}
    if isinstance(value, Handle) or (isinstance(value, Laid) and not here):
        return value
    return deep_copy(value)


def call(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Any:
    """Return what the function returns for copies of these arguments. Raises CheckFailed for what it raises."""
    here = not isinstance(function, Handle)
    with _noted(function, case):
        try:
            return function(*fresh(args, here=here), **fresh(kwargs, here=here))
        except Exception as error:
            raise raised(error, case) from error


def type_name(error: BaseException) -> str:
    """Return an exception's type, as the student's process named it."""
    return str(getattr(error, "type_name", "") or type(error).__name__)


def raised(error: Exception, case: str) -> CheckFailed:
    """Return the failure that an exception from a student's function amounts to. Raise the grader's own again."""
    if isinstance(error, AutograderError | CheckFailed):
        raise error
    if type_name(error) == "NotImplementedError":
        return CheckFailed("this exercise is still blank", case=case)
    if isinstance(error, WorkerLost):
        return CheckFailed(error.message, case=case)
    message = error.message if isinstance(error, StudentError) else str(error)
    return CheckFailed(f"your code raised {type_name(error)}", detail=message, case=case)


class There:
    """The caller of functions in the student's process for the contract checks of `autograder.lab.contracts`.

    Args:
        solution: the instructor's solutions, which tell what parameters are called.
        error_names: whether the text of the error that was just raised has a word in it.
    """

    def __init__(self, solution: SimpleNamespace, error_names: Callable[[str], bool]) -> None:
        self._solution = solution
        self._error_names = error_names
        self._before: Any = None

    def call(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Any:
        """Call the function as :func:`call` does."""
        return call(function, args, kwargs, case)

    def refused(
        self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], word: str, case: str
    ) -> Refusal:
        """Return how the call ended; of an error in a hidden part only its class, and whether it names ``word``."""
        with _noted(function, case):
            try:
                function(*fresh(args), **fresh(kwargs))
            except ValueError as error:
                return Refusal("ValueError", _text(error), self._names(error, word), error)
            except WorkerLost as lost:
                what = f"a wrong argument should raise ValueError, but {lost.message}"
                raise CheckFailed(what, case=case) from lost
            except Exception as error:
                if isinstance(error, AutograderError) or type_name(error) == "NotImplementedError":
                    raise raised(error, case) from error
                return Refusal(type_name(error), _text(error), cause=error)
        return Refusal()

    def inspected(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Inspected:
        """Return the outcome of the call, as the student's process itself reports it."""
        with _noted(function, case):
            try:
                if isinstance(function, Handle):
                    given = fresh(args, here=False), fresh(kwargs, here=False)
                    return Inspected(*handle_owner(function).inspect(function, *given))
                args, kwargs = fresh(args), fresh(kwargs)
                result = function(*args, **kwargs)
            except Exception as error:
                raise raised(error, case) from error
        shared = tuple(shared_places(result, args, kwargs, self._before))
        self._before = result
        return Inspected(result, args, kwargs, shared)

    def parameters(self, function: Function) -> list[str]:
        """Return the names of the solution's parameters, for a function of the student's with a name of an exercise."""
        if not isinstance(function, Handle):
            return parameters_of(function)
        found = remote(function)
        known = getattr(self._solution, str(found.target) if found else "", None)
        return [] if known is None else parameters_of(known)

    def judge(self, actual: Any, expected: Any, tolerance: float, case: str, hint: str) -> None:
        """Judge as `same` does."""
        require_same(actual, expected, tolerance, case, hint)

    def _names(self, error: ValueError, word: str) -> bool:
        if not word:
            return True
        return self._error_names(word) if isinstance(error, StudentError) else names_word(str(error), word)


def _text(error: Exception) -> str:
    return error.message if isinstance(error, StudentError) else str(error)


@contextlib.contextmanager
def _noted(function: Function, case: str) -> Iterator[None]:
    """Note for the transcript what is being tried meanwhile."""
    worker = handle_owner(function) if isinstance(function, Handle) else None
    if worker is not None:
        worker.case = case
    try:
        yield
    finally:
        if worker is not None:
            worker.case = ""

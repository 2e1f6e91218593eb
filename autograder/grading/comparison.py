"""Questions to a student's function, and the comparison of what comes back.

Results are compared in the same way for checks and for diagnosis. Checks call a student's function with copies of the
arguments, in its own process, and report its errors as failures.
"""

from __future__ import annotations

import contextlib
import itertools
import numbers
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from autograder.errors import AutograderError, MachineryError
from autograder.grading.remembered import Remembered
from autograder.isolation.failures import StudentError, WorkerLost
from autograder.isolation.proxies import Asked, Handle, deep_copy, handle_owner, remote
from autograder.lab import CheckFailed, close
from autograder.lab.arrays import NotNumeric, is_array, parameters_of, to_array
from autograder.lab.calling import Inspected, Refusal, Step, Steps, names_word, shared_places
from autograder.lab.checks import brief

__all__ = ["There", "agree", "call", "fresh", "given", "kind_of", "raised", "require_same", "type_name"]

# ---- the comparison of two results

_ARTICLE = {
    "none": "None",
    "truth": "True or False",
    "whole": "a whole number (int)",
    "real": "a number",
    "array": "an array",
    "text": "text",
    "sequence": "a tuple or list",
    "mapping": "a dictionary",
    "set": "a set",
    "other": "an object",
}


def kind_of(value: Any) -> str:
    """Return the kind of a result, coarsely: numpy's numbers count as numbers, tensors as arrays."""
    if value is None:
        return "none"
    if isinstance(value, bool | np.bool_):
        return "truth"
    if isinstance(value, numbers.Integral):
        return "whole"
    if isinstance(value, numbers.Number):
        return "real"
    if is_array(value):
        return "array" if value.ndim else _scalar_kind(value)
    for types, name in (
        ((str, bytes), "text"),
        ((tuple, list), "sequence"),
        ((dict,), "mapping"),
        ((set, frozenset), "set"),
    ):
        if isinstance(value, types):
            return name
    return "other"


def _scalar_kind(value: Any) -> str:
    try:
        kind = to_array(value).dtype.kind
    except NotNumeric:  # One of text or of a date, as np.zeros_like("text") is.
        return "other"
    return {"b": "truth", "i": "whole", "u": "whole"}.get(kind, "real")


def require_same(actual: Any, expected: Any, tolerance: float, case: str = "", hint: str = "") -> None:
    """Pass if ``actual`` is of the kind of ``expected`` and its values agree, part by part.

    Whole numbers must be equal and whole. A real number may come as a whole one, an array as nested lists.

    Raises:
        CheckFailed: something differs; names it; its summary holds no value.
    """
    wanted, got = kind_of(expected), kind_of(actual)
    if wanted in ("real", "array"):
        close(actual, expected, tolerance, case=case, hint=hint)
    elif wanted in ("sequence", "mapping"):
        _require_same_parts(actual, expected, tolerance, case, hint)
    elif wanted != got:
        raise CheckFailed(
            f"the result should be {_ARTICLE[wanted]}, not {_ARTICLE[got]}",
            detail=f"expected {brief(expected)}, got {brief(actual)}",
            hint=hint,
            case=case,
        )
    elif not (_is_same_object(actual, expected) if wanted == "other" else _plain(actual) == _plain(expected)):
        detail = f"expected {brief(expected)}, got {brief(actual)}"
        raise CheckFailed("the value is wrong", detail=detail, hint=hint, case=case)


def _plain(value: Any) -> Any:
    """Return the number in an array or tensor without axes: torch cannot compare its own with every whole number."""
    return to_array(value).item() if is_array(value) else value


def _is_same_object(actual: Any, expected: Any) -> bool:
    """Return whether two values of rarer kinds are the same: a type, a range, a slice. A student's object never is."""
    if type(actual) is not type(expected):
        return False
    if isinstance(actual, slice):  # It may have arrays in it.
        return all(agree(getattr(actual, end), getattr(expected, end), 0.0) for end in ("start", "stop", "step"))
    return bool(actual == expected)


def _require_same_parts(actual: Any, expected: Any, tolerance: float, case: str, hint: str) -> None:
    kind, rows = kind_of(expected), kind_of(actual) == "array"
    if kind_of(actual) != kind and not (rows and kind == "sequence"):
        raise CheckFailed(
            f"the result should be {_ARTICLE[kind]}, not {_ARTICLE[kind_of(actual)]}", hint=hint, case=case
        )
    if len(actual) != len(expected):
        detail = f"expected {len(expected)}, got {len(actual)}"
        raise CheckFailed("the result has the wrong number of parts", detail=detail, hint=hint, case=case)
    if rows:  # Not before: an array may have more rows than there is room for.
        actual = list(actual)
    if kind == "mapping" and set(actual) != set(expected):
        detail = f"expected {brief(sorted(map(brief, expected)))}, got {brief(sorted(map(brief, actual)))}"
        raise CheckFailed("the result's keys are wrong", detail=detail, hint=hint, case=case)
    for key in expected if kind == "mapping" else range(len(expected)):
        part = f"part {key + 1}" if kind == "sequence" else f"{key!r}"
        require_same(actual[key], expected[key], tolerance, ", ".join(filter(None, (case, part))), hint)


def agree(left: Any, right: Any, tolerance: float = 1e-6, *, strict: bool = True) -> bool:
    """Return whether two results are the same in value, within ``tolerance``, and in kind.

    Unless ``strict``, a whole number agrees with a real one of the same value.
    """
    kinds = {kind_of(left), kind_of(right)}
    as_numbers = not strict and kinds == {"whole", "real"}
    if len(kinds) > 1 and not as_numbers:
        return False
    if kind_of(left) == "other":
        return type(left).__name__ == type(right).__name__
    try:
        if as_numbers:
            left, right = float(left), float(right)
        require_same(left, right, tolerance)
    except (CheckFailed, TypeError, ValueError, ArithmeticError):  # complex, or too large for a float
        return False
    return True


# ---- calls of a student's function

Function = Callable[..., Any]


def fresh(value: Any) -> Any:
    """Return a deep copy, so that no call changes what the next one gets; a student's own objects stay themselves."""
    if isinstance(value, tuple | list):
        return type(value)([fresh(part) for part in value])
    if isinstance(value, dict):
        return {key: fresh(part) for key, part in value.items()}
    return value if isinstance(value, Handle) else deep_copy(value)


def given(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments for one call: copies, unless the function is in another process, which gets its own anyway.

    There, an array that is to have another layout gets it.
    """
    return (args, kwargs) if isinstance(function, Handle) else (fresh(args), fresh(kwargs))


def call(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Any:
    """Return what the function returns for copies of these arguments. Raises CheckFailed for what it raises."""
    args, kwargs = given(function, args, kwargs)
    with _noted(function, case):
        try:
            return function(*args, **kwargs)
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
        remembered: what the solutions return, as far as it is known.
    """

    def __init__(
        self, solution: SimpleNamespace, error_names: Callable[[str], bool], remembered: Remembered | None = None
    ) -> None:
        self._solution = solution
        self._error_names = error_names
        self._remembered = remembered or Remembered(())
        self._before: Any = None

    def run(self, steps: Steps) -> None:
        """Make the calls and judge their outcomes, in order; those of a hidden part, many calls at a time."""
        drawn: deque[Step] = deque()
        first = next(steps, None)
        if first is None:
            return
        steps = itertools.chain([first], steps)
        worker = handle_owner(first.function) if isinstance(first.function, Handle) else None
        if worker is None or not worker.quiet:
            for step in steps:
                step.then(self._outcome(step, partial(_made, step), self._error_names))
            return

        def questions() -> Iterator[Asked]:
            for step in steps:  # all of them calls of the same function
                drawn.append(step)
                op = "inspected" if step.way == "inspected" else "call"
                yield Asked(
                    op, cast(Handle, step.function), step.args, step.kwargs, step.case, wants_text=bool(step.word)
                )

        with contextlib.closing(worker.ask_together(questions())) as answers:
            for answer in answers:
                step = drawn.popleft()
                step.then(self._outcome(step, answer.value, answer.names))
        if drawn:
            raise MachineryError("the student's process was asked more than it answered. Grade this submission again.")

    def _outcome(self, step: Step, value: Callable[[], Any], error_names: Callable[[str], bool]) -> Any:
        """Return what a call came to; ``value`` returns what it returned, or raises."""
        try:
            found = value()
        except Exception as error:
            if step.way == "refused":
                return _refusal(error, step, error_names)
            raise raised(error, step.case) from error
        if step.way == "refused":
            return Refusal()
        if step.way == "inspected" and isinstance(step.function, Handle):
            return Inspected(*found)
        if step.way == "inspected":
            result, args, kwargs = found
            shared = tuple(shared_places(result, args, kwargs, self._before))
            self._before = result
            return Inspected(result, args, kwargs, shared)
        return found

    def parameters(self, function: Function) -> list[str]:
        """Return the names of the solution's parameters, for a function of the student's with a name of an exercise."""
        if not isinstance(function, Handle):
            return parameters_of(function)
        found = remote(function)
        known = getattr(self._solution, str(found.target) if found else "", None)
        return [] if known is None else _parameters(known)

    def expected(self, reference: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what the reference returns, or once returned, for these arguments."""
        return self._remembered.result(reference, args, kwargs)

    def judge(self, actual: Any, expected: Any, tolerance: float, case: str, hint: str) -> None:
        """Judge as `same` does."""
        require_same(actual, expected, tolerance, case, hint)


def _made(step: Step) -> Any:
    """Return what a step's call returns; if it is inspected here, also the arguments that it was given."""
    args, kwargs = given(step.function, step.args, step.kwargs)
    with _noted(step.function, step.case):
        if step.way != "inspected":
            return step.function(*args, **kwargs)
        if isinstance(step.function, Handle):
            return handle_owner(step.function).inspect(step.function, args, kwargs)
        return step.function(*args, **kwargs), args, kwargs


def _refusal(error: Exception, step: Step, error_names: Callable[[str], bool]) -> Refusal:
    """Return how a call with a wrong argument failed; of an error in a hidden part only its class, and whether it
    names the word.
    """
    if isinstance(error, ValueError):
        named = not step.word or (
            error_names(step.word) if isinstance(error, StudentError) else names_word(str(error), step.word)
        )
        return Refusal("ValueError", _text(error), named, error)
    if isinstance(error, WorkerLost):
        what = f"a wrong argument should raise ValueError, but {error.message}"
        raise CheckFailed(what, case=step.case) from error
    if isinstance(error, AutograderError) or type_name(error) == "NotImplementedError":
        raise raised(error, step.case) from error
    return Refusal(type_name(error), _text(error), cause=error)


@lru_cache(maxsize=256)
def _parameters(function: Function) -> list[str]:
    return parameters_of(function)


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

"""The checks of a docstring's promises, a whole kind at once: types, refusals, new results, untouched arguments.

Each stops at the first case that fails and names it. They call a plain function here; hidden parts of checks have the
same ones for functions of a student's process, where arrays get their layout and are looked at afterwards.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from autograder.lab.call_evidence import agree_in_parts, is_a, names_word, require_dtype, shared_places, untouched
from autograder.lab.checks import CheckFailed
from autograder.lab.domain import Domain
from autograder.lab.recognition import accepted_value
from autograder.lab.variants import (
    Position,
    every_place,
    is_real,
    joined,
    laid_out,
    name_of,
    parameters_of,
    place_of,
    replaced,
    retyped,
    shown,
    value_at,
)

__all__ = [
    "REAL",
    "Contracts",
    "Inspected",
    "Refusal",
    "fresh_result",
    "keeps_arguments",
    "makes_no_difference",
    "refuses",
    "refuses_each",
    "types_of",
    "unchanged",
]

Function = Callable[..., Any]
REAL = (
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
)
"""The types that `types_of` tries unless told otherwise; it also knows ``bool``, ``float16`` and ``list``."""
_USUAL_LAYOUTS = ("non-contiguous", "Fortran order", "read-only")
"""The layouts that torch takes as well; it does not take ``reversed``."""
_TOLERANCE = {"float16": 1e-2, "float32": 1e-5}


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


class Caller(Protocol):
    """A way of calling functions: here, or in a student's process."""

    def call(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Any:
        """Return the function's result. Raises CheckFailed, with ``case``, for whatever it raises."""

    def refused(
        self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], word: str, case: str
    ) -> Refusal:
        """Return how the call ended; ``word``, unless empty, is searched for in the text of a ValueError."""

    def inspected(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Inspected:
        """Return the outcome of the call, arguments included. Raises as :meth:`call` does."""

    def parameters(self, function: Function) -> list[str]:
        """Return the names of the function's parameters, in order; none if they are not known."""

    def judge(self, actual: Any, expected: Any, tolerance: float, case: str, hint: str) -> None:
        """Compare both, and raise CheckFailed unless they agree."""


class Contracts:
    """The contract checks, for one way of calling functions."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def types_of(
        self,
        function: Function,
        reference: Function | None,
        *args: Any,
        vary: Sequence[Position] | None = None,
        types: Sequence[str] = REAL,
        layouts: Sequence[str] = _USUAL_LAYOUTS,
        dtype: Any = None,
        tolerance: float = 1e-6,
        case: str = "",
        hint: str = "",
        **kwargs: Any,
    ) -> None:
        """Pass if ``function`` gives what ``reference`` gives, whatever the types of its arguments.

        Every type is tried in each of the arguments alone, and in all of them at once; then every layout in each. Whole
        numbers that a type can hold stay as they are; others are stretched over its range, of which 8 and 16 bits are
        used in full.

        Args:
            reference: is given the same numbers in double precision (int64 for whole-number arguments). With None,
                ``function`` itself is the reference.
            vary: positions or names of the arguments; default every array of floats. An argument of whole numbers is
                tried with whole types only.
            types, layouts: the types and layouts to try; also known are the types ``bool``, ``float16`` and ``list``,
                and the layout ``reversed``, which torch does not take.
            dtype: the dtype that the result has to have, each time; default any.
        """
        places = self._places(function, reference, args, kwargs, vary)
        plain = reference or (lambda *given, **named: self._caller.call(function, given, named, case))
        for each in retyped(args, kwargs, places, types):
            expected = plain(*each.plain[0], **each.plain[1])
            within, text = max(tolerance, _TOLERANCE.get(each.kind, 0.0)), joined(case, each.text)
            self._agree(function, *each.given, expected, within, text, hint, dtype)
        expected = plain(*copy.deepcopy(args), **copy.deepcopy(kwargs))
        for text, given, named in laid_out(args, kwargs, places, layouts):
            self._agree(function, given, named, expected, tolerance, joined(case, text), hint, dtype)

    def refuses(
        self, function: Function, *args: Any, argument: str = "", named: bool = False, case: str = "", **kwargs: Any
    ) -> None:
        """Pass if ``function(*args, **kwargs)`` raises ValueError.

        Args:
            argument: the name of the argument that is wrong in this call, for the message.
            named: whether the error's text has to have that name in it, as a word.
            case: the kind of input, such as "a kernel larger than the image".

        Raises:
            CheckFailed: the call returned, raised another error, or its text lacks the name.
        """
        seen = self._caller.refused(function, args, kwargs, argument if named else "", case)
        hint = f"test `{argument}` first and raise ValueError with a message that names it" if argument else ""
        if not seen.error:
            failure = CheckFailed("a wrong argument was accepted", hint=hint, case=case)
            failure.compared = accepted_value(seen.result)
            raise failure
        if seen.error != "ValueError":
            summary = f"a wrong argument should raise ValueError, not {seen.error}"
            raise CheckFailed(summary, detail=seen.text, hint=hint, case=case) from seen.cause
        if not seen.names:
            summary = f"the error's message does not name `{argument}`"
            raise CheckFailed(summary, detail=seen.text, hint=hint, case=case) from seen.cause

    def refuses_each(
        self,
        function: Function,
        *args: Any,
        allowed: Mapping[Position, Domain],
        reference: Function | None = None,
        named: bool = False,
        case: str = "",
        **kwargs: Any,
    ) -> None:
        """Pass if ``function`` takes these arguments, and refuses each wrong value of each of them with ValueError.

        Args:
            allowed: the domain of each argument, by name or position: see `autograder.lab.domain`.
            reference: a function that gives the result for the right arguments; default any result.
            named: whether each error's text has to name the argument.
        """
        case = case or "arguments that are allowed"
        actual = self._caller.call(function, copy.deepcopy(args), copy.deepcopy(kwargs), case)
        if reference is not None:
            self._caller.judge(actual, reference(*copy.deepcopy(args), **copy.deepcopy(kwargs)), 1e-6, case, "")
        names = self._names(function, reference)
        for argument, domain in allowed.items():
            place = place_of(argument, names, args, kwargs)
            name = argument if isinstance(argument, str) else name_of(argument, names)
            for text, bad in domain(value_at(args, kwargs, place)):
                given, more = replaced(args, kwargs, place, bad)
                self.refuses(function, *given, argument=name, named=named, case=f"{shown(name)} with {text}", **more)

    def fresh_result(
        self, function: Function, *args: Any, kind: type | None = None, dtype: Any = None, case: str = "", **kwargs: Any
    ) -> None:
        """Pass if the result is new: no argument, no view of one, and not the array of the call before.

        Args:
            kind: the class that the result has to have, such as ``np.ndarray``, ``tuple`` or ``float``. Numpy's numbers
                count as floats and ints; True and False are not ints.
            dtype: the dtype that it has to have.
        """
        names = self._names(function, None)
        for _ in range(2):
            seen = self._caller.inspected(function, args, kwargs, case)
            if kind is not None and not is_a(seen.result, kind):
                found = type(seen.result).__name__
                raise CheckFailed(f"the result should be of type {kind.__name__}, not {found}", case=case)
            require_dtype(seen.result, dtype, case)
            for place in seen.shared:
                what = place if place == "the result before" else shown(name_of(place, names))
                hint = "return a new array: a result that shares memory changes when the other one is changed"
                raise CheckFailed(f"the result is not new: it shares memory with {what}", hint=hint, case=case)

    def unchanged(self, function: Function, *args: Any, case: str = "", **kwargs: Any) -> None:
        """Pass if ``function`` leaves all arguments as they were."""
        names = self._names(function, None)
        seen = self._caller.inspected(function, args, kwargs, case)
        after = [*seen.args, *seen.kwargs.values()]
        for (place, value), now in zip(every_place(args, kwargs), after, strict=True):
            if not untouched(value, now):
                network = hasattr(value, "state_dict")
                hint = "is the network in the mode it was in?" if network else "work on a copy, or on a new array"
                raise CheckFailed(
                    f"the function changed one of its arguments, {shown(name_of(place, names))}", hint=hint, case=case
                )

    def keeps_arguments(self, function: Function, *args: Any, case: str = "", **kwargs: Any) -> None:
        """Pass if ``function`` leaves all arguments as they were, and works with arrays that cannot be changed."""
        self.unchanged(function, *args, case=case, **kwargs)
        names, before = self._names(function, None), every_place(args, kwargs)
        places = [(place, shown(name_of(place, names))) for place, value in before if isinstance(value, np.ndarray)]
        for text, given, named in laid_out(args, kwargs, places, ("read-only",)):
            self._caller.call(function, given, named, joined(case, text))

    def makes_no_difference(
        self,
        function: Function,
        *args: Any,
        vary: Mapping[Position, Sequence[Any]],
        reference: Function | None = None,
        tolerance: float = 1e-6,
        case: str = "",
        **kwargs: Any,
    ) -> None:
        """Pass if the result stays the same when these arguments take other values.

        Args:
            vary: the values to try for each argument, by name or position.
            reference: a function that gives the result; default what ``function`` gives at first.
        """
        names = self._names(function, reference)
        expected = self._caller.call(function, args, kwargs, case)
        if reference is not None:
            right = reference(*copy.deepcopy(args), **copy.deepcopy(kwargs))
            self._caller.judge(expected, right, tolerance, case, "")
        for argument, values in vary.items():
            place = place_of(argument, names, args, kwargs)
            text = joined(case, f"another {shown(name_of(place, names))}, which makes no difference here")
            for value in values:
                given, named = replaced(args, kwargs, place, value)
                self._caller.judge(self._caller.call(function, given, named, text), expected, tolerance, text, "")

    def _agree(
        self,
        function: Function,
        args: Any,
        kwargs: Any,
        expected: Any,
        tolerance: float,
        case: str,
        hint: str,
        dtype: Any,
    ) -> None:
        actual = self._caller.call(function, args, kwargs, case)
        self._caller.judge(actual, expected, tolerance, case, hint)
        require_dtype(actual, dtype, case)

    def _names(self, function: Function, reference: Function | None) -> list[str]:
        return self._caller.parameters(function) or ([] if reference is None else parameters_of(reference))

    def _places(
        self, function: Function, reference: Function | None, args: Any, kwargs: Any, vary: Sequence[Position] | None
    ) -> list[tuple[Position, str]]:
        """Return the places for other types, each with the argument's name in messages."""
        names = self._names(function, reference)
        if vary is None:
            found: list[Position] = [place for place, value in every_place(args, kwargs) if is_real(value)]
        else:
            found = [place_of(each, names, args, kwargs) for each in vary]
        return [(place, shown(name_of(place, names))) for place in found]


class _Here:
    """The caller of plain functions of this process."""

    def __init__(self) -> None:
        self._before: Any = None

    def call(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Any:
        try:
            return function(*copy.deepcopy(args), **copy.deepcopy(kwargs))
        except Exception as error:
            error.add_note(f"This was asked: {case}.")
            raise

    def refused(
        self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], word: str, case: str
    ) -> Refusal:
        try:
            result = function(*copy.deepcopy(args), **copy.deepcopy(kwargs))
        except NotImplementedError:  # still blank
            raise
        except ValueError as error:
            return Refusal("ValueError", str(error), names_word(str(error), word), error)
        except Exception as error:
            return Refusal(type(error).__name__, str(error), cause=error)
        return Refusal(result=result)

    def inspected(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Inspected:
        args, kwargs = copy.deepcopy(args), copy.deepcopy(kwargs)
        result = self.call(lambda *given, **named: function(*args, **kwargs), (), {}, case)
        shared = tuple(shared_places(result, args, kwargs, self._before))
        self._before = result
        return Inspected(result, args, kwargs, shared)

    def parameters(self, function: Function) -> list[str]:
        return parameters_of(function)

    def judge(self, actual: Any, expected: Any, tolerance: float, case: str, hint: str) -> None:
        agree_in_parts(actual, expected, tolerance, case, hint)


_HERE = Contracts(_Here())
types_of = _HERE.types_of
refuses = _HERE.refuses
refuses_each = _HERE.refuses_each
fresh_result = _HERE.fresh_result
keeps_arguments = _HERE.keeps_arguments
makes_no_difference = _HERE.makes_no_difference
unchanged = _HERE.unchanged

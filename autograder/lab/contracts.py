"""The checks of a docstring's promises, a whole kind at once: types, refusals, new results, untouched arguments.

Each stops at the first case that fails and names it. They call a plain function here; hidden parts of checks have the
same ones for functions of a student's process, where arrays get their layout and are looked at afterwards.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.lab.arrays import (
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
from autograder.lab.calling import (
    Caller,
    Function,
    Here,
    Inspected,
    Refusal,
    Step,
    Steps,
    is_a,
    require_dtype,
    untouched,
)
from autograder.lab.checks import CheckFailed
from autograder.lab.domain import Domain
from autograder.lab.recognition import accepted_value

__all__ = [
    "REAL",
    "Contracts",
    "fresh_result",
    "keeps_arguments",
    "makes_no_difference",
    "refuses",
    "refuses_each",
    "types_of",
    "unchanged",
]

REAL = (
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
)
"""The types that `types_of` tries unless told otherwise; it also knows ``bool``, ``float16`` and ``list``."""
_USUAL_LAYOUTS = ("non-contiguous", "Fortran order", "read-only")
"""The layouts that torch takes as well; it does not take ``reversed``."""
_TOLERANCE = {"float16": 1e-2, "float32": 1e-5}
_NETWORK_HINT = "are its weights what they were, do they still take gradients, and is it in the mode it was in?"


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

        def steps() -> Steps:
            for each in retyped(args, kwargs, places, types):
                expected = yield from self._expected(function, reference, *each.plain, case)
                within, text = max(tolerance, _TOLERANCE.get(each.kind, 0.0)), joined(case, each.text)
                yield Step("call", function, *each.given, text, self._agreeing(expected, within, text, hint, dtype))
            expected = yield from self._expected(function, reference, copy.deepcopy(args), copy.deepcopy(kwargs), case)
            for layout, given, named in laid_out(args, kwargs, places, layouts):
                text = joined(case, layout)
                yield Step("call", function, given, named, text, self._agreeing(expected, tolerance, text, hint, dtype))

        self._caller.run(steps())

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
        self._caller.run(iter([_refusal(function, args, kwargs, argument, named=named, case=case)]))

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

        Negative numbers are tried in two arguments at once, too: their product is positive.

        Args:
            allowed: the domain of each argument, by name or position: see `autograder.lab.domain`.
            reference: a function that gives the result for the right arguments; default any result.
            named: whether each error's text has to name the argument.
        """
        case = case or "arguments that are allowed"

        def steps() -> Steps:
            negative: dict[str, tuple[Position, Any]] = {}
            judge = self._like(reference, args, kwargs, 1e-6, case)
            yield Step("call", function, copy.deepcopy(args), copy.deepcopy(kwargs), case, judge)
            names = self._names(function, reference)
            for argument, domain in allowed.items():
                place = place_of(argument, names, args, kwargs)
                name = argument if isinstance(argument, str) else name_of(argument, names)
                for text, bad in domain(value_at(args, kwargs, place)):
                    given, more = replaced(args, kwargs, place, bad)
                    yield _refusal(function, given, more, name, named=named, case=f"{shown(name)} with {text}")
                    if type(bad) in (int, float) and bad < 0:
                        negative.setdefault(name, (place, bad))
            for (one, (first, bad)), (other, (second, worse)) in itertools.combinations(negative.items(), 2):
                given, more = replaced(*replaced(args, kwargs, first, bad), second, worse)
                both = f"{shown(one)} and {shown(other)} both negative"
                yield _refusal(function, given, more, "", named=False, case=both)

        self._caller.run(steps())

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

        def judge(seen: Inspected) -> None:
            if kind is not None and not is_a(seen.result, kind):
                found = type(seen.result).__name__
                raise CheckFailed(f"the result should be of type {kind.__name__}, not {found}", case=case)
            require_dtype(seen.result, dtype, case)
            for place in seen.shared:
                what = place if place == "the result before" else shown(name_of(place, names))
                hint = "return a new array: a result that shares memory changes when the other one is changed"
                raise CheckFailed(f"the result is not new: it shares memory with {what}", hint=hint, case=case)

        self._caller.run(iter([Step("inspected", function, args, kwargs, case, judge)] * 2))

    def unchanged(self, function: Function, *args: Any, case: str = "", **kwargs: Any) -> None:
        """Pass if ``function`` leaves all arguments as they were."""
        self._caller.run(iter([self._keeping(function, args, kwargs, case)]))

    def keeps_arguments(self, function: Function, *args: Any, case: str = "", **kwargs: Any) -> None:
        """Pass if ``function`` leaves all arguments as they were, and works with arrays that cannot be changed."""
        names, before = self._names(function, None), every_place(args, kwargs)
        places = [(place, shown(name_of(place, names))) for place, value in before if isinstance(value, np.ndarray)]

        def steps() -> Steps:
            yield self._keeping(function, args, kwargs, case)
            for text, given, named in laid_out(args, kwargs, places, ("read-only",)):
                yield Step("call", function, given, named, joined(case, text), _any_will_do)

        self._caller.run(steps())

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

        def steps() -> Steps:
            found: list[Any] = []
            judge = self._like(reference, args, kwargs, tolerance, case)

            def first(result: Any) -> None:
                found.append(result)
                judge(result)

            yield Step("call", function, args, kwargs, case, first)
            for argument, values in vary.items():
                place = place_of(argument, names, args, kwargs)
                text = joined(case, f"another {shown(name_of(place, names))}, which makes no difference here")
                for value in values:
                    given, named = replaced(args, kwargs, place, value)
                    yield Step("call", function, given, named, text, self._agreeing(found, tolerance, text))

        self._caller.run(steps())

    def _agreeing(
        self, expected: Sequence[Any], tolerance: float, case: str, hint: str = "", dtype: Any = None
    ) -> Callable[[Any], None]:
        """Return what judges a result; the expected one will stand in a list by then."""

        def judge(actual: Any) -> None:
            self._caller.judge(actual, expected[0], tolerance, case, hint)
            require_dtype(actual, dtype, case)

        return judge

    def _expected(
        self,
        function: Function,
        reference: Function | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        case: str,
    ) -> Generator[Step, None, list[Any]]:
        """Return a list in which the expected result stands, or will stand once ``function`` has been asked for it."""
        if reference is not None:
            return [self._caller.expected(reference, args, kwargs)]
        found: list[Any] = []
        yield Step("call", function, args, kwargs, case, found.append)
        return found

    def _like(
        self, reference: Function | None, args: Any, kwargs: Any, tolerance: float, case: str
    ) -> Callable[[Any], None]:
        """Return what judges a result by that of ``reference``; without one, any result will do."""
        if reference is None:
            return _any_will_do
        right = self._caller.expected(reference, copy.deepcopy(args), copy.deepcopy(kwargs))
        return lambda actual: self._caller.judge(actual, right, tolerance, case, "")

    def _keeping(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], case: str) -> Step:
        """Return the call that shows whether a function leaves its arguments as they were."""
        names = self._names(function, None)

        def judge(seen: Inspected) -> None:
            after = [*seen.args, *seen.kwargs.values()]
            for (place, value), now in zip(every_place(args, kwargs), after, strict=True):
                if not untouched(value, now):
                    network = hasattr(value, "state_dict")
                    hint = _NETWORK_HINT if network else "work on a copy, or on a new array"
                    what = f"the function changed one of its arguments, {shown(name_of(place, names))}"
                    raise CheckFailed(what, hint=hint, case=case)

        return Step("inspected", function, args, kwargs, case, judge)

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


def _any_will_do(_: Any) -> None:
    """Judge nothing: it is enough that the call returned."""


def _refusal(
    function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argument: str, *, named: bool, case: str
) -> Step:
    """Return a call with a wrong argument, which has to be refused with ValueError."""
    hint = f"test `{argument}` first and raise ValueError with a message that names it" if argument else ""

    def judge(seen: Refusal) -> None:
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

    return Step("refused", function, args, kwargs, case, judge, argument if named else "")


_HERE = Contracts(Here())
types_of = _HERE.types_of
refuses = _HERE.refuses
refuses_each = _HERE.refuses_each
fresh_result = _HERE.fresh_result
keeps_arguments = _HERE.keeps_arguments
makes_no_difference = _HERE.makes_no_difference
unchanged = _HERE.unchanged

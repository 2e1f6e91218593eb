"""Observations on wrong results of unknown cause: their form, and the arguments that bring them about.

Every sentence is true of all wrong results that it describes, and holds no value: hidden parts use it, too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograder.grading.check import CheckRun
from autograder.grading.circumstances import circumstance
from autograder.grading.comparison import agree
from autograder.grading.diagnosis import Call, calls_of
from autograder.grading.forms import forms_of
from autograder.grading.reference import ReferenceNotebook

__all__ = ["observe"]


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

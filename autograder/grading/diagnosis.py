"""The misconception that explains a failed check.

Every call that the checks of an exercise make to the student's code is kept, with its result, those after a check's
first failure included. The same calls are made to the solution and to each misconception. A misconception explains a
failure if all that it predicts was observed: where the student is right it is right, and where it is wrong the student
gave the same wrong result.

Two wrong results may also be equal by necessity or by chance: one number that happens to coincide is not evidence, nor
are two errors of the same class. So each wrong result has a weight, and a misconception is named only if they
add up to enough. If a failed check of the exercise is explained by no misconception, the mistake is one that nobody
listed, and nothing is named.
"""

from __future__ import annotations

import copy
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.authoring.answers import Answer
from autograder.authoring.source_cells import defined_names
from autograder.grading.check import CheckRun
from autograder.grading.comparison import agree, kind_of
from autograder.grading.reference import ReferenceNotebook
from autograder.isolation.proxies import RecordedCall, Remote
from autograder.lab.arrays import NotNumeric, to_array
from autograder.lab.calling import shared_places

__all__ = ["Call", "Replay", "calls_of", "diagnose", "weight"]

# ---- the weight of evidence

_MOST = 8.0
_KINDS = {"truth": 0.5, "whole": 1.0, "real": 1.0, "none": 1.0, "text": 1.0, "other": 1.0}
"""The weight of a wrong result by kind. Of True and False one is wrong: two wrong ones agree by necessity."""

_USUAL = (0, 1, -1, np.inf, -np.inf)
_DENOMINATOR = 5040
"""The denominator of the fractions that examples worked out by hand have, which two mistakes may well share."""


def weight(exchange: RecordedCall, expected: Any, expected_error: str) -> float:
    """Return the weight of a wrong result that a misconception gives, too: about one per number that differs, up to 8.

    Args:
        exchange: the call with the student's result or error.
        expected: the right result.
        expected_error: the name of the error that would have been right, or "".
    """
    if exchange.error:
        return 0.5
    if expected_error:
        return 2.0
    if exchange.tells_arguments:
        return _with_arguments(exchange.result, expected)
    return min(_MOST, _difference(exchange.result, expected))


def _with_arguments(ours: Any, theirs: Any) -> float:
    """Return the weight of (result, arguments after the call, and more): a changed argument counts as two numbers.

    So does memory that a result shares and should not.
    """
    (result, *after), (right, *unchanged) = ours, theirs  # as the two processes give them
    changed = 2.0 if _difference(_arguments(after), _arguments(unchanged)) else 0.0
    shared = 2.0 if set(after[2:] and after[2]) - set(unchanged[2:] and unchanged[2]) else 0.0
    return min(_MOST, changed + shared + _difference(result, right))


def _arguments(after: list[Any]) -> list[Any]:
    """Return positional and keyword arguments in one list."""
    positional, *more = after
    return [*positional, *(more[0].values() if more else ())]


def _difference(result: Any, expected: Any) -> float:
    """Return the weight of the difference of two results, part by part."""
    kind = kind_of(result)
    if kind != kind_of(expected):
        return 1.0
    if kind == "sequence" and len(result) == len(expected):
        return float(sum(_difference(ours, theirs) for ours, theirs in zip(result, expected, strict=True)))
    if kind == "mapping":
        return sum(_difference(result[key], expected[key]) for key in result if key in expected) or 1.0
    if kind in ("array", "real"):
        return _numbers(result, expected)
    return _KINDS.get(kind, 1.0) if not _equal(result, expected) else 0.0


def _numbers(result: Any, expected: Any) -> float:
    """Return how many different numbers stand in the wrong places.

    A number that nobody works out by hand counts twice, and so does one that fills several places, unless it is usual.
    """
    try:
        ours, theirs = to_array(result), to_array(expected)
    except NotNumeric:
        return 1.0
    differing = ours[ours != theirs] if ours.shape == theirs.shape else ours
    if not differing.size:
        return 1.0 if ours.shape != theirs.shape else 0.0
    different = np.unique(differing)
    alone = different.size == 1 and differing.size > 1 and different[0] not in _USUAL
    return float(different.size + max(int(alone), int(np.count_nonzero(_long(different)))))


def _long(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    with np.errstate(all="ignore"):
        scaled = numbers.astype(np.complex128) * _DENOMINATOR
        long: NDArray[np.bool_] = np.abs(scaled - np.round(scaled)) > 1e-6
    return long


def _equal(left: Any, right: Any) -> bool:
    try:
        return bool(left == right)
    except Exception:  # a comparison of whatever a student's code returned
        return False


# ---- the same calls again, and what explains them

_MISSING = object()
_ENOUGH = 2.0
"""The weight of evidence that a misconception needs if it explains every failed check of an exercise."""
_ENOUGH_FOR_A_PART = 6.0
"""The weight that a misconception needs if it leaves another failed check to another misconception."""


@dataclass(slots=True)
class LocalAnswer:
    """A local object's result, the name of the error that it raised instead, and whether the student's was the same."""

    result: Any
    error: str
    agrees: bool


@dataclass(slots=True)
class Call:
    """A question to the student's code beside the solution's answer.

    Attributes:
        check: the check that asked.
        failed: whether that check gave less than all of its points.
        exchange: the question and the result.
        expected: the solution's answer.
    """

    check: str
    failed: bool
    exchange: RecordedCall
    expected: LocalAnswer

    @property
    def right(self) -> bool:
        """True if the student's code answered as the solution does."""
        return self.expected.agrees


class Replay:
    """A replay of recorded calls on local objects, which tells for each whether the result is the same."""

    def __init__(self, names: dict[str, Any], roots: set[str], strict: bool) -> None:
        self._names = names
        self._roots = roots
        self.strict = strict
        self._objects: dict[int, Any] = {}
        self._before: Any = None

    def ask(self, exchange: RecordedCall) -> LocalAnswer | None:
        """Return the local object's answer, and whether it is the student's; None if another exercise's was asked."""
        target = self._find(exchange.target)
        if target is _MISSING:
            return None
        result, error = self._perform(exchange, target)
        if error or exchange.error:
            return LocalAnswer(result, error, error == exchange.error)
        if exchange.op == "inspected":
            return LocalAnswer(result, error, self._same_inspected(result, exchange.result))
        return LocalAnswer(result, error, self._same(result, exchange.result))

    def _find(self, target: str | int) -> Any:
        if isinstance(target, int):
            return self._objects.get(target, _MISSING)
        return self._names.get(target, _MISSING) if target in self._roots else _MISSING

    def _perform(self, exchange: RecordedCall, target: Any) -> tuple[Any, str]:
        try:
            args = [self._local(value) for value in exchange.args]
            kwargs = {key: self._local(value) for key, value in exchange.kwargs.items()}
            if exchange.op == "inspected":
                return self._inspect(target, tuple(args), kwargs), ""
            return _OPERATIONS[exchange.op](target, exchange.detail, args, kwargs), ""
        except Exception as error:
            return None, type(error).__name__

    def _inspect(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        result = target(*args, **kwargs)
        shared = shared_places(result, args, kwargs, self._before)
        self._before = result
        return result, args, kwargs, shared

    def _local(self, value: Any) -> Any:
        if not isinstance(value, Remote):
            return copy.deepcopy(value)
        target = value.target
        return self._objects.get(target, value) if isinstance(target, int) else self._names.get(target, value)

    def _same(self, local: Any, recorded: Any) -> bool:
        if isinstance(recorded, Remote):
            if isinstance(recorded.target, int):
                self._objects[recorded.target] = local
            return not isinstance(local, bool | int | float | str | type(None))
        if isinstance(recorded, tuple | list) and isinstance(local, tuple | list) and len(recorded) == len(local):
            pairs = [self._same(ours, theirs) for ours, theirs in zip(local, recorded, strict=True)]
            return all(pairs)
        if isinstance(recorded, dict) and isinstance(local, dict) and recorded.keys() == local.keys():
            pairs = [self._same(local[key], recorded[key]) for key in recorded]
            return all(pairs)
        return agree(local, recorded, strict=self.strict)

    def _same_inspected(self, local: Any, recorded: Any) -> bool:
        """Return whether results and arguments after the call are the same; a new result may stand for a view."""
        (result, args, named, shared), (ours, given, kept, seen) = local, recorded
        if list(named) != list(kept) or not set(seen) <= set(shared):
            return False
        return self._same([result, args, list(named.values())], [ours, given, list(kept.values())])


_OPERATIONS: dict[str, Callable[[Any, str, list[Any], dict[str, Any]], Any]] = {
    "call": lambda target, _, args, kwargs: target(*args, **kwargs),
    "call_with_arguments": lambda target, _, args, kwargs: (target(*args, **kwargs), tuple(args)),
    "getattr": lambda target, name, args, kwargs: getattr(target, name),
    "setattr": lambda target, name, args, kwargs: setattr(target, name, args[0]),
    "getitem": lambda target, _, args, kwargs: target[args[0]],
    "setitem": lambda target, _, args, kwargs: operator.setitem(target, args[0], args[1]),
    "operator": lambda target, name, args, kwargs: getattr(operator, name)(target, *args),
    "reflected_operator": lambda target, name, args, kwargs: getattr(operator, name)(args[0], target),
    "len": lambda target, _, args, kwargs: len(target),
    "iter": lambda target, _, args, kwargs: iter(target),
    "next": lambda target, _, args, kwargs: next(target, None),
}


def diagnose(runs: Sequence[CheckRun], trusted: ReferenceNotebook) -> dict[str, Answer]:
    """Return the misconception that explains each failed check of ``runs`` (all of one exercise), if one does.

    At first a whole number is not the same as an equal real one, because the kind may be what is wrong; where that
    finds nothing, it is.
    """
    candidates = _candidates(runs, trusted)
    failed = {run.cell.grade_id for run in runs if run.fell_short}
    found: dict[str, Answer] = {}
    for strict in (True, False):
        if candidates and failed - set(found):
            found = {**_named(runs, trusted, candidates, strict), **found}
    return found


def calls_of(runs: Sequence[CheckRun], trusted: ReferenceNotebook, *, strict: bool = True) -> list[Call]:
    """Return every recorded call to the exercise that ``runs`` belong to, those of failed checks first.

    Empty if the exercise is blank: no misconception explains what is not there.
    """
    solved = Replay(trusted.solved_names(), _roots(runs, trusted), strict)
    calls = []
    for run in sorted(runs, key=lambda run: not run.fell_short):
        for exchange in run.exchanges:
            answer = solved.ask(exchange)
            if answer is not None:
                calls.append(Call(run.cell.grade_id, run.fell_short, exchange, answer))
    blank = any(run.blank for run in runs) or any(call.exchange.error == "NotImplementedError" for call in calls)
    return [] if blank else calls


def _roots(runs: Sequence[CheckRun], trusted: ReferenceNotebook) -> set[str]:
    exercise = trusted.assignment.exercise_of[runs[0].cell.exercise]
    return {exercise, *defined_names(trusted.assignment.exercises[exercise].source)}


def _candidates(runs: Sequence[CheckRun], trusted: ReferenceNotebook) -> list[Answer]:
    of = trusted.assignment.exercise_of
    exercise = of.get(runs[0].cell.exercise) if runs else None
    return [each for each in trusted.assignment.misconceptions if of[each.of] == exercise]


@dataclass(slots=True)
class _Fit:
    """The fit of a misconception to all that was observed, none of which contradicts it.

    Attributes:
        answer: the misconception.
        explained: the failed checks all of whose wrong calls it explains, with the number of these calls.
        weight: the weight of the evidence.
        agreeing: the number of calls that it answers as the student's code does.
    """

    answer: Answer
    explained: dict[str, int]
    weight: float
    agreeing: int

    @property
    def rank(self) -> tuple[int, int]:
        """The sort key: the more a misconception explains, the better."""
        return sum(self.explained.values()), self.agreeing


def _named(
    runs: Sequence[CheckRun], trusted: ReferenceNotebook, candidates: Sequence[Answer], strict: bool
) -> dict[str, Answer]:
    """Return the misconception of each failed check that has just one best explanation, if each is explained."""
    calls = calls_of(runs, trusted, strict=strict)
    wrong = Counter(call.check for call in calls if call.failed and not call.right)
    if not wrong:
        return {}
    roots = _roots(runs, trusted)
    fits = [
        fit
        for each in candidates
        if (fit := _fit(each, calls, wrong, Replay(trusted.with_answer(each), roots, strict))) is not None
    ]
    explained = {check for fit in fits for check in fit.explained}
    # A mistake that nobody listed often has something in common with a listed one: then part of it is explained.
    return dict(_best(fits, wrong)) if explained == set(wrong) else {}


def _fit(answer: Answer, calls: Sequence[Call], wrong: Counter[str], replay: Replay) -> _Fit | None:
    """Return the fit of ``answer``, or None if it contradicts a call or too little supports it."""
    explained: Counter[str] = Counter()
    evidence, agreeing = 0.0, 0
    for call in calls:
        local = replay.ask(call.exchange)
        if local is None:
            continue
        if local.agrees:
            agreeing += 1
            if not call.right:
                explained[call.check] += call.failed
                evidence += weight(call.exchange, call.expected.result, call.expected.error)
        elif call.right or not _alike(local, call.expected, replay.strict):
            return None
    whole = {check: count for check, count in explained.items() if count and count == wrong[check]}
    least = _ENOUGH if set(whole) == set(wrong) else _ENOUGH_FOR_A_PART
    return _Fit(answer, whole, evidence, agreeing) if whole and evidence >= least else None


def _alike(local: LocalAnswer, expected: LocalAnswer, strict: bool) -> bool:
    if local.error or expected.error:
        return local.error == expected.error
    return agree(local.result, expected.result, strict=strict)


def _best(fits: Sequence[_Fit], wrong: Counter[str]) -> Iterator[tuple[str, Answer]]:
    """Yield for each failed check the misconception that explains most; none if two explain as much."""
    for check in wrong:
        able = sorted((fit for fit in fits if check in fit.explained), key=lambda fit: fit.rank, reverse=True)
        if able and (len(able) == 1 or able[0].rank > able[1].rank):
            yield check, able[0].answer

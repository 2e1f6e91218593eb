"""Which misconception do these results come from?

Every call that a check makes to the student's code is kept, with its result. The same calls are made to each
misconception of the exercise; one whose results are the student's wherever the student's differ from the solution's
explains the failure.
"""

from __future__ import annotations

import copy
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from autograder.authoring.answers import Answer
from autograder.authoring.source_cells import defined_names
from autograder.grading.check import CheckRun
from autograder.grading.comparison import agree
from autograder.grading.reference import ReferenceNotebook
from autograder.isolation.call_log import RecordedCall, Remote
from autograder.lab.call_evidence import shared_places

__all__ = ["Replay", "diagnose"]

_MISSING = object()


class Replay:
    """Makes recorded calls again, on local objects, and tells for each whether the result is the same."""

    def __init__(self, names: dict[str, Any], roots: set[str], strict: bool) -> None:
        self._names = names
        self._roots = roots
        self._strict = strict
        self._objects: dict[int, Any] = {}

    def agrees(self, exchange: RecordedCall) -> bool | None:
        """Whether the local object answers as the student's did; None if the call concerns another exercise."""
        target = self._find(exchange.target)
        if target is _MISSING:
            return None
        result, error = self._perform(exchange, target)
        if error or exchange.error:
            return error == exchange.error
        return self._same(result, exchange.result)

    def _find(self, target: str | int) -> Any:
        if isinstance(target, int):
            return self._objects.get(target, _MISSING)
        return self._names.get(target, _MISSING) if target in self._roots else _MISSING

    def _perform(self, exchange: RecordedCall, target: Any) -> tuple[Any, str]:
        try:
            args = [self._local(value) for value in exchange.args]
            kwargs = {key: self._local(value) for key, value in exchange.kwargs.items()}
            return _OPERATIONS[exchange.op](target, exchange.detail, args, kwargs), ""
        except Exception as error:
            return None, type(error).__name__

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
        return agree(local, recorded, strict=self._strict)


def _inspected(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    result = target(*args, **kwargs)
    return result, args, kwargs, shared_places(result, args, kwargs)


_OPERATIONS: dict[str, Callable[[Any, str, list[Any], dict[str, Any]], Any]] = {
    "call": lambda target, _, args, kwargs: target(*args, **kwargs),
    "call_with_arguments": lambda target, _, args, kwargs: (target(*args, **kwargs), tuple(args)),
    "inspected": lambda target, _, args, kwargs: _inspected(target, tuple(args), kwargs),
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
    """For each failed check of ``runs`` (all of one exercise), the misconception that explains it, if one does.

    At first a whole number is not the same as an equal real one, because the kind may be what is wrong; where that
    finds nothing, it is.
    """
    failed = [run for run in runs if run.fell_short]
    candidates = _candidates(runs, trusted)
    found: dict[str, Answer] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A wrong answer may well overflow: that is nobody's business at the terminal.
        for strict in (True, False):
            if candidates and any(run.cell.grade_id not in found for run in failed):
                found = {**_matches(runs, trusted, candidates, strict), **found}
    return found


def _candidates(runs: Sequence[CheckRun], trusted: ReferenceNotebook) -> list[Answer]:
    of = trusted.assignment.exercise_of
    exercise = of.get(runs[0].cell.exercise) if runs else None
    return [each for each in trusted.assignment.misconceptions if of[each.of] == exercise]


def _matches(
    runs: Sequence[CheckRun], trusted: ReferenceNotebook, candidates: Sequence[Answer], strict: bool
) -> dict[str, Answer]:
    exercise = trusted.assignment.exercise_of[runs[0].cell.exercise]
    roots = {exercise, *defined_names(trusted.assignment.exercises[exercise].source)}
    solved = Replay(trusted.solved_names(), roots, strict)
    wrong = {run.cell.grade_id: _wrong_calls(run, solved) for run in runs if run.fell_short}
    wrong = {check: calls for check, calls in wrong.items() if calls}
    best: dict[str, tuple[int, Answer]] = {}
    for each in candidates if wrong else ():
        fitting, total = _fit(runs, Replay(trusted.with_answer(each), roots, strict), wrong)
        for check in fitting:
            if check not in best or total > best[check][0]:
                best[check] = total, each
    return {check: answer for check, (_, answer) in best.items()}


def _wrong_calls(run: CheckRun, solved: Replay) -> set[int]:
    """Which of a check's calls were answered otherwise than the solution answers them.

    None if the exercise is blank: no misconception explains what is not there.
    """
    wrong = {index for index, exchange in enumerate(run.exchanges) if solved.agrees(exchange) is False}
    blank = any(run.exchanges[index].error == "NotImplementedError" for index in wrong)
    return set() if blank else wrong


def _fit(runs: Sequence[CheckRun], replay: Replay, wrong: dict[str, set[int]]) -> tuple[set[str], int]:
    """The checks all of whose wrong calls the replay answers as the student did, and how many calls it does in all.

    Failed checks come first, so that what fits none of them is soon given up.
    """
    fitting, total = set(wrong), 0
    for run in sorted(runs, key=lambda run: run.cell.grade_id not in wrong):
        check = run.cell.grade_id
        for index, exchange in enumerate(run.exchanges):
            agrees = replay.agrees(exchange)
            total += agrees is True
            if agrees is False and index in wrong.get(check, ()):
                fitting.discard(check)
                break
        if not fitting:
            break
    return fitting, total

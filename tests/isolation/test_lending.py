"""What is lent to a student's code runs in a process that knows nothing else, within limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder.isolation.failures import StudentError
from autograder.isolation.lending import Unlendable, lendable
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

OFFSET = np.arange(3.0)


def student(sandbox: Sandbox, source: str) -> tuple[StudentProcess, Any]:
    worker = sandbox.spawn()
    assert worker.run_cell(source).ok
    return worker, worker.names(["use"])["use"]


CALL = "def use(f, *args): return f(*args)"
SAY = """
def use(f, *args, **named):
    try:
        return f(*args, **named)
    except Exception as error:
        return type(error).__name__
"""


def helper(x: Any) -> Any:
    return 2 * x


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x + OFFSET, [1.0, 2.0, 3.0]),
        (lambda x: np.tanh(x), np.tanh(np.ones(3))),
        (lambda x: helper(helper(x)), [4.0, 4.0, 4.0]),
        (lambda x, scale=3: scale * x, [3.0, 3.0, 3.0]),
        (lambda x: torch.nn.functional.relu(torch.from_numpy(x)).numpy(), [1.0, 1.0, 1.0]),
        (lambda x: [part for part in x], [1.0, 1.0, 1.0]),  # noqa: C416 -- code within code
    ],
)
def test_a_lent_function_answers_as_it_does_here(sandbox: Sandbox, function: Callable[..., Any], expected: Any) -> None:
    worker, use = student(sandbox, CALL)
    with worker:
        assert np.allclose(use(function, np.ones(3)), expected)


def test_a_lent_function_has_its_closure_its_layers_and_only_the_solutions_that_it_uses(sandbox: Sandbox) -> None:
    layer, weights = nn.Linear(2, 1), np.eye(2)
    solution = SimpleNamespace(double=helper, secret=object())

    def closed(x: Any) -> Any:
        return solution.double(x @ weights) + float(layer.bias.sum()) - float(layer.bias.sum())

    worker, use = student(sandbox, CALL)
    with worker:
        assert np.allclose(use(closed, np.ones((1, 2))), [[2.0, 2.0]])


def test_functions_that_need_each_other_can_be_lent(sandbox: Sandbox) -> None:
    worker, use = student(sandbox, CALL)
    with worker:
        assert use(factorial, 5) == 120


def factorial(n: int) -> int:
    return 1 if n < 2 else n * factorial(n - 1)


def test_only_declared_parameters_are_taken_by_position_and_only_data(sandbox: Sandbox) -> None:
    worker, use = student(sandbox, SAY)
    with worker:
        assert use(lambda x: 1, 1, x=2) == "TypeError"
        assert use(lambda x: 1) == "TypeError"
        assert use(lambda x: 1, 1, 2) == "TypeError"
        assert worker.run_source("use(f, use)", f=lambda x: 1) == "TypeError"


def test_a_lent_function_that_raises_tells_the_class_of_its_error(sandbox: Sandbox) -> None:
    worker, use = student(sandbox, SAY)
    with worker:
        assert use(lambda x: x[7], [1]) == "IndexError"


@pytest.mark.slow
def test_a_lent_function_that_takes_too_long_costs_the_caller_seconds_and_the_grader_nothing(sandbox: Sandbox) -> None:
    worker, use = student(sandbox, SAY)
    started = time.monotonic()
    with worker:
        assert use(lambda n: sum(1 for _ in range(n)), 10**12) == "TimeoutError"
        assert use(lambda n: n, 1) == "RuntimeError"
        assert time.monotonic() - started < 30


def test_a_lent_function_that_takes_too_much_memory_ends_in_its_own_process(sandbox: Sandbox) -> None:
    worker, use = student(sandbox, SAY)
    with worker:
        assert use(lambda n: float(np.ones(n).sum()), 1 << 30) in ("MemoryError", "Exception", "RuntimeError")


def test_a_call_with_too_much_is_refused_unread(sandbox: Sandbox) -> None:
    worker, _ = student(sandbox, SAY)
    with worker:
        assert worker.run_source("use(f, bytes(9 << 20))", f=lambda x: 1) == "MemoryError"


def test_what_a_lent_function_changes_stays_a_copy(sandbox: Sandbox) -> None:
    kept: list[int] = []
    worker, use = student(sandbox, CALL)
    with worker:
        use(lambda x: kept.append(x), 1)
    assert kept == []


@pytest.mark.parametrize("function", [np.tanh, np.convolve, torch.relu, torch.nn.functional.relu, print, [].append])
def test_a_librarys_function_is_not_lent_bare(function: Callable[..., Any]) -> None:
    with pytest.raises(Unlendable, match="lambda x"):
        lendable(function)


def test_a_function_of_any_number_of_arguments_is_not_lent() -> None:
    with pytest.raises(Unlendable, match="fixed list of parameters"):
        lendable(lambda *args: args)


def test_a_function_that_needs_what_cannot_leave_the_grader_is_refused(sandbox: Sandbox) -> None:
    worker, use = student(sandbox, CALL)
    with worker, pytest.raises(Unlendable, match="`sandbox`, a Sandbox"):
        use(lambda x: sandbox, 1)


def test_a_lent_function_takes_and_gives_no_handles(sandbox: Sandbox) -> None:
    worker, use = student(sandbox, SAY)
    with worker:
        assert worker.run_source("use(f, [{1: (use,)}])", f=lambda x: 1) == "TypeError"
        assert use(lambda x: (x for _ in range(3)), 1) == "TypeError"


def test_functions_of_one_call_are_told_apart_and_each_keeps_its_state(sandbox: Sandbox) -> None:
    worker, use = student(sandbox, "def use(*lent): return [[f(n) for f in lent] for n in (1, 2)]")
    kept: list[int] = []

    def counting(n: int) -> int:
        kept.append(n)
        return len(kept)

    with worker:
        assert use(counting, lambda n: -n, lambda n: 10 * n) == [[1, -1, 10], [2, -2, 20]]
        assert use(counting, lambda n: n) == [[1, 1], [2, 2]]


def test_what_was_lent_for_one_call_is_refused_after_it_and_costs_the_process_nothing(sandbox: Sandbox) -> None:
    """A decorator keeps the function that it is given: that is no attack on the connection."""
    worker, use = student(sandbox, "def use(f):\n    def later(x):\n        return f(x) + 1\n    return later")
    with worker:
        later = use(helper)
        with pytest.raises(StudentError) as told:
            later(2)
        assert told.value.type_name == "RuntimeError"
        assert "handed to you for one call" in told.value.message
        assert worker.run_source("1 + 1") == 2

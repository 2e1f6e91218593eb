"""The calls of a contract check of a hidden part are sent together; what is told is what one after the other tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograder.errors import AuthoringError
from autograder.grading.harness import harness_names
from autograder.isolation import connection
from autograder.isolation.channel import Channel
from autograder.isolation.failures import StudentError
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess
from autograder.lab import CheckFailed

TABLE = np.array([[0.5, -1.25, 2.0], [3.75, 0.1, -0.5]])
SOLUTION = """
def f(table, factor=2.0):
    if np.ndim(table) != 2: raise ValueError("table must have two dimensions")
    return np.asarray(table, dtype=float) * factor
"""
TYPES = "types_of(f, solution.f, TABLE, 2.0)"
EACH = "refuses_each(f, TABLE, allowed={'table': domain.dimensions(2)}, reference=solution.f, named=True)"
KEPT = "keeps_arguments(f, TABLE)"
IDLE = "makes_no_difference(f, TABLE, 2.0, vary={'factor': [2.0, 2, np.float64(2)]})"


@pytest.fixture
def worker(sandbox: Sandbox) -> Iterator[StudentProcess]:
    with sandbox.spawn(Limits(cpu_seconds=60, memory_bytes=600 << 20)) as worker:
        worker.quiet = True
        yield worker


Told = Callable[[str, str], str]


@pytest.fixture
def told(worker: StudentProcess) -> Told:
    """Runs a hidden part with a student's ``f``, and returns the failure, with the place of an error, or ""."""

    def run(source: str, test: str) -> str:
        solved: dict[str, Any] = {"np": np}
        exec(SOLUTION, solved)
        worker.run_cell(f"import numpy as np\n{source}")
        names = harness_names(SimpleNamespace(f=solved["f"]), 7, lambda name: None, error_names=worker.error_names)
        try:
            exec(test, {**names, **worker.names(["f"]), "np": np, "TABLE": TABLE, "f_of": solved["f"]})
        except CheckFailed as failure:
            place = worker.place() if isinstance(failure.__cause__, StudentError) and not worker.lost else None
            return f"{failure} {place[1] if place else ''}".strip()
        return ""

    return run


WRONG = [
    "def f(table, factor=2.0): return table * factor",
    "def f(table, factor=2.0):\n    np.zeros(2)[table.dtype.itemsize - 8]\n    return SAME(table, factor)",
    "def f(table, factor=2.0):\n    if np.ndim(table) == 3: raise KeyError(3)\n    return SAME(table, factor)",
    "def f(table, factor=2.0):\n    if np.ndim(table) == 1: raise ValueError('no')\n    return SAME(table, factor)",
    "def f(table, factor=2.0):\n    table[0] = 7\n    return SAME(table, factor)",
    "def f(table, factor=2.0): raise NotImplementedError",
    "DONE = []\ndef f(table, factor=2.0):\n    DONE.append(1)\n    return SAME(table, factor) + (len(DONE) % 9 == 3)",
]
SAME = SOLUTION.replace("def f", "def SAME")


@pytest.mark.parametrize("source", [SOLUTION, *WRONG])
def test_what_is_told_is_what_one_question_after_the_other_tells(
    source: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [told(SAME + source, test) for test in (TYPES, EACH, KEPT, IDLE)]
    monkeypatch.setattr(connection, "_MOST_QUESTIONS", 1)
    assert [told(SAME + source, test) for test in (TYPES, EACH, KEPT, IDLE)] == found
    assert any(found[:3]) == (source != SOLUTION)


def test_many_questions_take_one_exchange_of_turns(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    send_all = Channel.send_all

    def counting(self: Channel, messages: list[bytes], deadline: float | None = None) -> None:
        sent.append(len(messages))
        send_all(self, messages, deadline)

    monkeypatch.setattr(Channel, "send_all", counting)
    assert told(SOLUTION, TYPES) == ""
    assert len(sent) == 1
    assert sent[0] > 10


def test_what_was_sent_after_a_failure_is_not_recorded_and_the_next_question_gets_its_own_answer(
    worker: StudentProcess, told: Told
) -> None:
    worker.transcript = []
    assert "as int16" in told("def f(table, factor=2.0): return table * 1.0 * factor + (table.dtype == 'int16')", TYPES)
    cases = [call.case for call in worker.transcript]
    assert cases[-1] == "`table` as int16"
    assert worker.transcript[-1].result.shape == TABLE.shape
    worker.transcript = None
    assert worker.names(["f"])["f"](TABLE, 1.0).tolist() == TABLE.tolist()


LOOKS = """
import os, select, sys
def ahead():
    frame = sys._getframe()
    while not hasattr(frame.f_locals.get("self"), "_channel"): frame = frame.f_back
    channel = frame.f_locals["self"]._channel
    while select.select([3], [], [], 0)[0]: channel._ahead += os.read(3, 1 << 16)
    return channel._ahead
def f(table, factor=2.0):
    if b"text" in ahead(): raise ValueError("table factor")
    SEEN.append(len(ahead()))
    return np.asarray(table, dtype=float) * factor
SEEN = []
"""


def test_what_waits_behind_a_question_does_not_tell_whether_a_refusal_is_expected(
    worker: StudentProcess, told: Told
) -> None:
    assert told(LOOKS, EACH).startswith("a wrong argument was accepted")
    assert max(worker.run_source("SEEN")) > 0


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("import os; os._exit(3)", "your code ended the Python process, as exit() does (`table` as uint8)"),
        ("import os; os.write(3, b'x' * 99)", "your code wrote to the grader's connection and was stopped"),
        ("bytearray(1 << 40)", "your code raised Exception (`table` as uint8)"),
    ],
)
def test_a_process_that_ends_in_the_middle_is_told_at_its_place(told: Told, ends: str, said: str) -> None:
    source = f"{SAME}def f(table, factor=2.0):\n    if table.dtype == 'uint8': {ends}\n    return SAME(table, factor)"
    assert told(source, TYPES).startswith(said)


def test_a_wrong_answer_before_the_end_of_the_process_is_what_is_told(told: Told) -> None:
    ends = "def f(table, factor=2.0):\n    if table.dtype == 'uint8': import os; os._exit(3)\n"
    assert "`table` as int32" in told(f"{ends}    return table * factor + (table.dtype == 'int32')", TYPES)


def test_an_answer_too_many_ends_the_process(told: Told) -> None:
    source = f"""{SAME}
def f(table, factor=2.0):
    import gc, struct
    if table.dtype == "int32":
        server = next(each for each in gc.get_objects() if type(each).__name__ == "Server")
        server._channel.send(struct.pack("<BQ", 2, server._sequence) + server._codec.encode(SAME(table, factor)))
    return SAME(table, factor)
"""
    assert told(source, TYPES).startswith("your code wrote to the grader's connection and was stopped")


def test_each_question_has_its_own_time(worker: StudentProcess, told: Told) -> None:
    worker._limits = Limits(call_seconds=0.5)
    slow = f"{SAME}def f(table, factor=2.0):\n    import time; time.sleep(0.05)\n    return SAME(table, factor)"
    assert told(slow, TYPES) == ""
    stuck = "def f(table, factor=2.0):\n    while table.dtype == 'uint16': pass\n    return table * factor"
    assert told(stuck, "types_of(f, solution.f, TABLE, types=('float64', 'uint16'), layouts=())").startswith(
        "your code took too long and was stopped (`table` as uint16)"
    )


def test_a_function_that_is_lent_is_asked_alone(told: Told) -> None:
    source = "def f(op, table):\n    if np.ndim(table) != 2: raise ValueError('table')\n    return op(table)"
    test = "refuses_each(f, lambda x: x + 1, TABLE, allowed={1: domain.dimensions(2)})"
    assert told(source, test) == ""
    assert "accepted" in told("def f(op, table): return op(table)", test)


def test_a_fault_of_the_check_counts_only_after_the_failures_before_it(told: Told) -> None:
    broken = TYPES.replace("solution.f", "lambda table, factor: f_of(table, factor) if table.max() > 4 else 1 / 0")
    with pytest.raises(ZeroDivisionError):
        told(SOLUTION, broken)
    assert "as float32" in told(
        f"{SAME}def f(table, factor=2.0): return SAME(table, factor) + (table.dtype == 'float32')",
        "types_of(f, solution.f, TABLE, types=('float32', 'float99'))",
    )


def test_a_function_that_may_not_be_lent_is_the_authors_fault(told: Told) -> None:
    with pytest.raises(AuthoringError):
        told("def f(op, table): return 1", "refuses_each(f, np.tanh, TABLE, allowed={1: domain.dimensions(2)})")


def test_large_questions_and_answers_do_not_wait_for_each_other(worker: StudentProcess, told: Told) -> None:
    worker._limits = Limits(call_seconds=5)
    large = "np.ones((600, 600))"
    test = f"makes_no_difference(f, {large}, 2.0, vary={{'factor': [2.0, 2, np.float64(2)]}})"
    assert told(SOLUTION, test) == ""
    answers_much = "def f(table, factor=2.0): return np.ones((600, 600)) if len(table) == 2 else np.ones((2, 3))"
    test = f"makes_no_difference(f, TABLE, 2.0, vary={{'table': [TABLE, {large}]}})"
    said = told(answers_much, test)
    assert said
    assert "too long" not in said

"""Contract checks in hidden parts: arrays get their layout, and are looked at, in the student's process."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograder.grading.harness import harness_names
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess
from autograder.lab import CheckFailed

AUTHORS = Path(__file__).parents[2] / "docs" / "authors.md"
TABLE = np.array([[0.5, -1.25, 2.0], [3.75, 0.1, -0.5]])


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[StudentProcess]:
    with sandbox.spawn(Limits(cpu_seconds=60)) as worker:
        worker.quiet = True
        yield worker


def check(
    worker: StudentProcess, source: str, test: str, solution: str = "def f(table, factor=2.0): return table * factor"
) -> None:
    """Run a hidden part with ``f`` of the student's and a solution."""
    solved: dict[str, Any] = {"np": np}
    exec(solution, solved)
    assert worker.run_cell(f"import numpy as np\n{source}").ok
    names = harness_names(SimpleNamespace(f=solved["f"]), 7, lambda name: None, error_names=worker.error_names)
    exec(test, {**names, **worker.names(["f"]), "np": np, "TABLE": TABLE})


def told(worker: StudentProcess, source: str, test: str, **more: str) -> str:
    with pytest.raises(CheckFailed) as failure:
        check(worker, source, test, **more)
    return str(failure.value)


RIGHT = "def f(table, factor=2.0): return np.asarray(table, dtype=float) * factor"


def test_a_right_answer_passes_every_type_and_layout(worker: StudentProcess) -> None:
    check(worker, RIGHT, "types_of(f, solution.f, TABLE, 2.0)")


@pytest.mark.parametrize(
    ("body", "case"),
    [
        ("np.frombuffer(table.tobytes(order='A')).reshape(table.shape) * 2", "`table`: Fortran order"),
        ("np.lib.stride_tricks.as_strided(table, table.shape, (24, 8)) * 2", "`table`: non-contiguous"),
        ("np.multiply(table, 2, out=table)", "`table`: read-only"),
        ("(table * 2).astype(table.dtype)", "`table` as int8"),
    ],
)
def test_layouts_are_made_in_the_student_s_process(worker: StudentProcess, body: str, case: str) -> None:
    types = "('int8',)" if "astype" in body else "()"
    assert case in told(
        worker, f"def f(table, factor=2.0): return {body}", f"types_of(f, solution.f, TABLE, types={types})"
    )


def test_every_call_is_noted_with_its_case(worker: StudentProcess) -> None:
    worker.transcript = []
    check(worker, RIGHT, "types_of(f, solution.f, TABLE, types=('int8',), layouts=('reversed',), case='a table')")
    transcript, worker.transcript = worker.transcript, None
    assert [each.case for each in transcript] == ["a table, `table` as int8", "a table, `table`: reversed"]


REFUSING = "def f(table):\n    if np.ndim(table) != 2: raise ValueError({text!r})\n    return np.sum(table)"
ARGUMENTS = "refuses_each(f, TABLE, allowed={'table': domain.dimensions(2)}, named=True)"


def test_a_message_that_names_the_argument_is_seen_though_nothing_is_passed_on(worker: StudentProcess) -> None:
    source = REFUSING.format(text="the table is wrong")
    check(worker, source, ARGUMENTS, solution=source)
    for text in ("", "wrong", "tables"):
        said = told(worker, REFUSING.format(text=text), ARGUMENTS, solution=source)
        assert said.startswith("the error's message does not name `table` (`table` with one dimension more)")
        assert "tables" not in said


def test_accidents_are_no_refusals(worker: StudentProcess) -> None:
    source = "def f(table):\n    rows, columns = table.shape\n    return table[0] + table[1, 0]"
    assert "not IndexError" in told(worker, source.replace("rows, columns = table.shape", "table[0, 0]"), ARGUMENTS)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("table", "shares memory with `table`"),
        ("table[::-1]", "shares memory with `table`"),
        ("KEPT", "shares memory with the result before"),
        ("np.float32([1])", "another type of numbers"),
        ("[1.0]", "of type ndarray, not list"),
    ],
)
def test_results_that_are_not_new_are_seen(worker: StudentProcess, body: str, said: str) -> None:
    source = f"KEPT = np.zeros(2)\ndef f(table): return {body}"
    assert said in told(worker, source, "fresh_result(f, TABLE, kind=np.ndarray, dtype=float)")


def test_a_new_result_passes(worker: StudentProcess) -> None:
    check(worker, RIGHT, "fresh_result(f, TABLE, factor=3.0, kind=np.ndarray, dtype=float)")


TWO = "def f(tables, factor): pass"


def test_changes_of_keyword_arguments_and_of_parts_are_seen(worker: StudentProcess) -> None:
    test = "keeps_arguments(f, [TABLE, TABLE], factor=np.ones(2))"
    assert "`tables`" in told(worker, "def f(tables, factor): tables[1][0] = 7", test, solution=TWO)
    assert "`factor`" in told(worker, "def f(tables, factor): factor[0] = 7", test, solution=TWO)
    check(worker, "def f(tables, factor): return 1", test, solution=TWO)


def test_an_argument_that_should_not_matter_is_named(worker: StudentProcess) -> None:
    test = "makes_no_difference(f, TABLE, 2.0, vary={'factor': [3.0]})"
    assert "another `factor`" in told(worker, RIGHT, test)


def test_a_blank_exercise_and_a_lost_process_are_told_as_such(worker: StudentProcess, sandbox: Sandbox) -> None:
    blank = "def f(table): raise NotImplementedError"
    for test in (ARGUMENTS, "types_of(f, solution.f, TABLE)", "fresh_result(f, TABLE)", "keeps_arguments(f, TABLE)"):
        assert "still blank" in told(worker, blank, test)
    with sandbox.spawn(Limits(cpu_seconds=60)) as other:
        assert "ended the Python process" in told(
            other, "import os\ndef f(table): os._exit(3)", "fresh_result(f, TABLE)"
        )


def test_a_whole_matrix_of_types_takes_milliseconds(worker: StudentProcess) -> None:
    started = time.process_time()  # Of this side; others that want the processor do not count.
    check(worker, RIGHT, "types_of(f, solution.f, TABLE, np.ones((2, 3)))")
    assert time.process_time() - started < 0.5


SCALED = """def scaled(image, factor, mode="fast"):
    if np.ndim(image) != 2: raise ValueError("image must have two dimensions")
    if not factor > 0: raise ValueError("factor must be positive")
    return np.asarray(image, dtype=float) * factor
"""


def test_the_example_of_the_docs_runs(worker: StudentProcess) -> None:
    (example,) = re.findall(r"```python\n(types_of.*?)```", AUTHORS.read_text(encoding="utf-8"), re.DOTALL)
    renamed = example.replace("scaled", "f").replace("image,", "TABLE,")
    check(worker, SCALED.replace("scaled", "f"), renamed, solution=SCALED.replace("scaled", "f"))

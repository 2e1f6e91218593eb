"""What works when a notebook is run from the top in Jupyter is not lost when it is graded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from autograder.grading.check import _sentence
from autograder.grading.harness import outside_names
from autograder.grading.result import Result
from autograder.isolation.limits import Limits
from autograder.isolation.proxies import Handle
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

Grade = Callable[..., Result]
REFUSING = "def row_sums(table):\n    if table.ndim != 2: raise ValueError('table')\n"


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[StudentProcess]:
    with sandbox.spawn(Limits(cpu_seconds=60)) as worker:
        yield worker


def test_an_array_that_began_empty_counts_as_numbers(graded: Grade) -> None:
    filled = "    sums = np.array([None] * len(table))\n    for i, row in enumerate(table): sums[i] = row.sum()\n"
    assert graded(row_sums=f"{REFUSING}{filled}    return sums").points == 6.0


def test_an_array_of_anything_else_stays_where_it_is(worker: StudentProcess) -> None:
    worker.run_cell(
        "import numpy as np\nmixed = np.array([1, None, 'a'], dtype=object)\nempty = np.zeros(0, dtype=object)"
    )
    assert all(isinstance(each, Handle) for each in worker.names(["mixed", "empty"]).values())


@pytest.mark.parametrize(
    "value", ["np.zeros(9_000_000)", "dict.fromkeys(range(6000))", "list(range(1_100_000))", "None"]
)
def test_a_global_with_the_name_of_a_check_s_own_variable_costs_nothing(graded: Grade, value: str) -> None:
    assert graded(row_sums=f"{REFUSING}    return table.sum(axis=1)\ncounter = {value}").points == 6.0


@pytest.mark.parametrize(
    "value",
    [
        "np.zeros(9_000_000)",
        "dict.fromkeys(range(6000))",
        "[0] * 1_100_000",
        "[np.zeros(5_000_000) for _ in range(3)]",
        "Strange(a=1)",
        "itself",
    ],
)
def test_what_cannot_be_sent_loses_only_itself(worker: StudentProcess, value: str) -> None:
    worker.run_cell(
        "import numpy as np\n"
        "class Strange(dict):\n    def __getattr__(self, name): return self[name]\n"
        "itself = []\nitself.append(itself)\n"
        f"before, large, after = [1, 2], {value}, np.arange(3)"
    )
    found = worker.names(["before", "large", "after"])
    assert isinstance(found["large"], Handle)
    assert found["before"] == [1, 2]
    assert np.array_equal(found["after"], [0, 1, 2])


def test_a_helper_that_is_redefined_below_leaves_earlier_checks_alone(graded: Grade) -> None:
    source = "def total(row): return row.sum()\n" + REFUSING + "    return np.array([total(row) for row in table])"
    assert graded("def total(row): return 0.0", row_sums=source).points == 6.0
    assert graded("class np: pass", row_sums=source).points == 6.0


def test_a_check_is_not_given_what_it_assigns_itself() -> None:
    source = "import numpy as np\nx = f(np.ones(2))\nfor i in range(3):\n    y = [g(z) for z in x]\nclose(y, h)"
    assert outside_names(source) == {"f", "g", "h", "range", "close"}
    assert outside_names("x = x + 1") == {"x"}
    assert outside_names("def own():\n    return later\nlater = 1\nclass A(Base):\n    a = b\n    c = a") >= {
        "Base",
        "b",
    }
    assert "later" not in outside_names("def own():\n    return later\nlater = 1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the shape is wrong", "The shape is wrong"),
        ("build_model() returns a function", "build_model() returns a function"),
        ("backward() is called twice", "backward() is called twice"),
        ("w1 is not changed", "w1 is not changed"),
        ("x.grad is None", "x.grad is None"),
        ("`x` is wrong", "`x` is wrong"),
    ],
)
def test_a_sentence_begins_with_a_capital_and_a_name_stays_a_name(text: str, shown: str) -> None:
    assert _sentence(text) == shown

"""Functions that are no secret run in the student's process; all others stay here and are asked over the wire."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from autograder.isolation.shared_functions import allow_source, functions_in, source_for
from autograder.isolation.student_process import StudentProcess


def double(x: Any) -> Any:
    return 2 * x


KNOWN = {"double": double, "np": np}


def published(source: str, **names: Any) -> dict[str, Any]:
    """What ``source`` defines, all of its functions published."""
    tree = ast.parse(source)
    code = compile(tree, "<check>", "exec")
    for function, text in functions_in(tree, code).items():
        allow_source(function, text, KNOWN)
    space: dict[str, Any] = {**KNOWN, **names}
    exec(code, space)
    return space


@pytest.fixture
def apply(worker: StudentProcess, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Calls a function in the student's process, which cannot ask for answers."""
    monkeypatch.setattr(worker._connection, "_called_back", None)
    worker.run_cell("import numpy as np\ndef double(x): return 20 * x\ndef apply(f, *x): return f(*x)")
    found: Callable[..., Any] = worker.names(["apply"])["apply"]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return np.abs(x) + len([x])",
        "f = lambda x: np.abs(x) + len([x])",
        "g, f = (lambda x: -x), (lambda x: np.abs(x) + 1)",
        "import math\ndef f(x):\n    return math.fabs(x) + (lambda n: n)(1)",
        "import scipy.signal\ndef f(x):\n    return float(scipy.signal.convolve([abs(x)], [1.0])[0]) + 1",
        "public = lambda f: f\n@public\ndef f(x):\n    return abs(x) + 1",
    ],
)
def test_a_published_function_runs_in_the_students_process(apply: Callable[..., Any], source: str) -> None:
    assert apply(published(source)["f"], -2) == 3


def test_it_uses_the_notebooks_own_names(apply: Callable[..., Any]) -> None:
    function = published("def f(x):\n    return double(x)")["f"]
    assert (function(1), apply(function, 1)) == (2, 20)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("calls = []\ndef f(x):\n    calls.append(x)\n    return x", "it notes its calls"),
        ("n = 0\ndef f(x):\n    global n\n    n += 1\n    return x", "it counts its calls"),
        ("double2 = double\ndef f(x):\n    return double2(x)", "it uses what the check defines"),
        ("def f(x, scale=rng.random()):\n    return scale * x", "its default is made here"),
        ("def make(a):\n    return lambda x: a * x\nf = make(rng.random())", "it closes over a value"),
        ("def f(x):\n    import os\n    return os.getpid()", "it imports"),
        ("import os\nf = lambda x: os.getpid()", "its module is none of the standard ones"),
        (
            "double = abs\ndef f(x):\n    return double(x)",
            "the check calls something of its own by a name of the notebook's",
        ),
        ("import functools\n@functools.cache\ndef f(x):\n    return x", "it is decorated"),
        (f"f = lambda x: x if {'x' * 5000!r} else 0", "it is long"),
    ],
)
def test_a_function_that_is_more_than_its_source_stays_here(source: str, why: str) -> None:
    assert source_for(published(source, rng=np.random.default_rng(0))["f"]) is None, why


def test_what_was_not_published_stays_here() -> None:
    assert source_for(lambda x: x) is None
    assert source_for(math.sqrt) is None
    assert source_for(FunctionType(compile("x", "<check>", "exec"), {})) is None


def test_in_a_hidden_part_only_what_was_said_to_be_no_secret_travels() -> None:
    space = published("def f(x):\n    return x\ndef g(x):\n    return -x")
    allow_source(space["g"].__code__, "def g(x):\n    return -x", KNOWN, everywhere=True)
    assert [source_for(space[name], hidden=True) is None for name in "fg"] == [True, False]
    assert [source_for(space[name]) is None for name in "fg"] == [False, False]
    published("def f(x):\n    return x\ndef g(x):\n    return -x")  # the next student's notebook
    assert source_for(space["g"], hidden=True) is not None


def test_a_function_that_is_not_published_is_lent_and_changes_a_copy(worker: StudentProcess) -> None:
    worker.run_cell("def apply(f, x): return f(x)")
    space = published("calls = []\ndef f(x):\n    calls.append(x)\n    return x")
    assert worker.names(["apply"])["apply"](space["f"], 3) == 3
    assert space["calls"] == []

"""Whatever a student's function returns, a check comes to a plain verdict: no failure of the grader, and soon."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autograder.grading.comparison import agree, require_same
from autograder.grading.observing import forms_of
from autograder.isolation.failures import StudentError
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess
from autograder.lab import CheckFailed

RIGHT = np.arange(6.0).reshape(2, 3)
EXPECTED: dict[str, Any] = {
    "number": 1.5, "whole": 3, "zero": 0, "truth": True, "false": False, "none": None, "array": RIGHT,
    "ints": RIGHT.astype(int), "tensor": torch.tensor(RIGHT), "bools": np.array([True, False]),
    "empty": np.zeros((0, 3)), "list": [1.0, 2.0], "tuple": (1, 2), "nested": ([1, 2], {"a": np.ones(2)}),
    "dict": {"a": 1, "b": np.ones(2)}, "text": "mean", "bytes": b"x", "set": {1, 2}, "frozen": frozenset({1, 2}),
    "no keys": {},
    "nan": float("nan"), "inf": float("inf"), "complex": 1j, "dtype": np.dtype("f4"), "type": int, "range": range(3),
    "slice": slice(1, 2), "big": 10**30, "unsigned": np.uint64(2**63),
}  # fmt: skip
DTYPES = [
    "f2",
    "f4",
    "f8",
    "f16",
    ">f8",
    ">f16",
    "c8",
    "c16",
    "c32",
    "i1",
    "u1",
    "u2",
    "i8",
    "u8",
    ">i4",
    "?",
    "S3",
    "U3",
    ">U3",
    "S0",
    "U0",
    "V4",
    "O",
    "M8[s]",
    "m8[D]",
]
ALSO_RIGHT = {"complex('nan')": "nan"}
TENSORS = [
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex32",
    "complex64",
    "complex128",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "bool",
    "uint16",
    "uint64",
    "float8_e4m3fn",
]
SETUP = """
import array, collections, dataclasses, datetime, decimal, enum, fractions, pathlib, types
import numpy as np, torch
right = np.arange(6.0).reshape(2, 3)
Named = collections.namedtuple("Named", "x y")
Whole = enum.IntEnum("Whole", {"A": 9})
Word = enum.StrEnum("Word", {"A": "median"})
@dataclasses.dataclass
class Data: a: int = 1
class Liar:
    def __eq__(self, other): return True
    def __hash__(self): return 1
    def __len__(self): return 2
    def __iter__(self): return iter([1, 2])
    def __getitem__(self, place): return 1
    def __float__(self): return 1.5
    def __array__(self, *args, **kwargs): return right
class Number(float):
    def __eq__(self, other): return True
    __hash__ = float.__hash__
class Hashed(list):
    def __hash__(self): return 1
class Keyed(np.ndarray):
    def __hash__(self): return 1
def nested(depth):
    return [nested(depth - 1)] if depth else 1.0
def itself():
    a = []
    a.append(a)
    return a
def get(source): return eval(source)
"""
ODD = (Path(__file__).parent / "odd_results.txt").read_text(encoding="utf-8").splitlines()


def sources() -> Iterator[tuple[str, str]]:
    """Yield an expression for each odd value, and what it is right for: names of ``EXPECTED``."""
    yield from ((each, ALSO_RIGHT.get(each, "")) for each in ODD)
    for dtype in DTYPES:
        number = np.dtype(dtype).kind in "fciuO"
        yield f"right.astype({dtype!r})", "array ints tensor" if number else ""
        yield f"np.zeros((), {dtype!r})", {"?": "false"}.get(dtype, "zero" if np.dtype(dtype).kind in "iu" else "")
        yield f"np.ones((2, 1, 1), {dtype!r})[1, 0, 0]", "truth" if dtype == "?" else ""
        yield f"np.zeros((0, 3), {dtype!r})", "empty" if np.dtype(dtype).kind in "fciub" else ""
    for name in TENSORS:
        sent = name not in ("complex32", "uint16", "uint64", "float8_e4m3fn")
        whole = name in ("int8", "int16", "int32", "int64", "uint8")
        yield f"torch.tensor(right).to(torch.{name})", "array ints tensor" if sent and name != "bool" else ""
        yield f"torch.zeros((), dtype=torch.{name})", "zero" if whole else "false" if name == "bool" else ""
        yield f"torch.zeros((0, 3), dtype=torch.{name})", "empty" if sent else ""
        yield f"torch.{name}", ""


def started(sandbox: Sandbox) -> tuple[StudentProcess, Any]:
    """Return a student's process, and its function that makes a value."""
    worker = sandbox.spawn(Limits(call_seconds=20, cpu_seconds=300))
    assert worker.run_cell(SETUP).ok
    return worker, worker.names(["get"])["get"]


def verdict(value: Any, expected: Any) -> str:
    """Return the message of a failed check; empty if it passes."""
    try:
        require_same(value, expected, 1e-6)
    except CheckFailed as failed:
        return str(failed)
    return ""


@pytest.fixture(scope="module")
def values(sandbox: Sandbox) -> dict[str, tuple[Any, str]]:
    """What arrives of each value, or the error with which its student's process goes on, and what it is right for."""
    worker, get = started(sandbox)
    arrived: dict[str, tuple[Any, str]] = {}
    with worker:
        for source, right in sources():
            said = None
            try:
                arrived[source] = get(source), right
            except StudentError as error:
                said = error
            assert worker.lost == "", f"{source} ended the process: {said}"
            assert said is None or said.type_name == "Unsendable", f"{source}: {said!r}"
            assert said is None or not right, source
    return arrived


@pytest.mark.slow
def test_every_odd_result_gets_a_plain_verdict_and_only_right_ones_pass(values: dict[str, tuple[Any, str]]) -> None:
    slow, wrong = dict[str, float](), list[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for (source, (value, right)), (name, expected) in itertools.product(values.items(), EXPECTED.items()):
            began = time.process_time()
            said = verdict(value, expected)
            agree(value, expected)
            forms_of(value, expected)
            taken = time.process_time() - began
            if (said == "") != (name in right.split()):
                wrong.append(f"{source} for {name}: {said or 'passes'}"[:200])
            assert len(said) < 3000, f"{source} for {name}"
            slow |= {f"{source} for {name}": taken} if taken > 2 else {}
    assert not slow
    assert not wrong


def test_odd_values_in_one_another_get_a_plain_verdict(values: dict[str, tuple[Any, str]]) -> None:
    """A thousand lists, tuples, dictionaries and tuples of them, always the same ones."""
    random = np.random.default_rng(18)
    odd = [value for value, _ in values.values() if not isinstance(value, list)]
    makers = [lambda a, b: [a, b], lambda a, b: (a, b), lambda a, b: {"a": a, "b": b}, lambda a, b: ([a, 2], {"a": b})]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(1000):
            first, second = (odd[place] for place in random.integers(len(odd), size=2))
            value = makers[random.integers(len(makers))](first, second)
            for expected in ([1.0, 2.0], (1, 2), {"a": 1, "b": np.ones(2)}, ([1, 2], {"a": np.ones(2)}), RIGHT):
                said = verdict(value, expected)
                assert len(said) < 3000

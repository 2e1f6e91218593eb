"""Notebooks without work that try to get points from an adopted course: what is graded apart or asked gives none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "adopting.md").read_text(encoding="utf-8")
UNITS = {
    "quickstart": ["ps1/problem1"],
    "numbers": ["hw1/heights"],
    "objects": ["lab1/objects"],
    "texts": ["week1/words", "week1/tasks"],
    "springs": ["sheet2/springs"],
}
LIAR = """
class Liar:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    def __bool__(self): return True
    def __len__(self): return 0
    def __iter__(self): return iter(())
    def __hash__(self): return 0
    def __float__(self): return 172.5
    def __call__(self, *args, **keywords): return Liar()
    def __getattr__(self, name):
        if name.startswith('__array'): raise AttributeError(name)
        return Liar()
    def __getitem__(self, index): raise IndexError
    def __str__(self): return ''
"""
ATTACKS = {
    "always_equal_objects": LIAR + "\nmade = Liar()",
    "patched_numpy": "import numpy as np\nfor name in ('isclose', 'allclose', 'array_equal'):\n"
    "    setattr(np, name, lambda *a, **k: True)\n"
    "for name in ('assert_allclose', 'assert_array_equal', 'assert_equal'):\n"
    "    setattr(np.testing, name, lambda *a, **k: None)\nmade = None",
    "patched_hashlib": "import hashlib\nclass Digest:\n"
    "    def hexdigest(self): return 'eccbc87e4b5ce2fe28308fd9f2a7baf3'\n"
    "hashlib.md5 = lambda *a, **k: Digest()\nmade = None",
    "patched_unittest": "import unittest\nunittest.TestResult.wasSuccessful = lambda self: True\n"
    "unittest.TestCase.assertEqual = lambda *a, **k: None\nmade = None",
    "lying_builtins": "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda x: 0\n"
    "builtins.sorted = lambda *a, **k: []\nbuiltins.all = lambda x: True\nmade = None",
    "rewritten_cells": "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])\nmade = None",
    "rewritten_trees": "import ast\n\n\nclass Empty(ast.NodeTransformer):\n    def visit_Assert(self, node):\n"
    "        return ast.copy_location(ast.Pass(), node)\n\n\n"
    "get_ipython().ast_transformers.append(Empty())\nmade = None",
    "ended_process": "import os\nos._exit(0)",
    "raised_exit": "def made(*a, **k): raise SystemExit(0)",
}
IDLE = ("None", "0", "[]", "''", "{}")
NOTHING = ""
NAMES = re.compile(r"^(?:def|class)\s+(\w+)|^(\w+)\s*=", re.MULTILINE)


def payload(source: str, assignment: Any) -> dict[str, str]:
    """Code in the first exercise; every name that exercises ask for is what it made.

    With ``NOTHING`` the first exercise's names alone are there: a test that waits for a NameError passes then.
    """
    if source == NOTHING:
        first, *others = assignment.exercises
        return {first: payload("made = None", assignment)[first], **dict.fromkeys(others, "pass")}
    answers = {}
    for number, (name, cell) in enumerate(assignment.exercises.items()):
        wanted = [one or other for one, other in NAMES.findall(cell.source)]
        lines = [f"{each} = made if callable(made) else (lambda *a, **k: made)" for each in wanted]
        answers[name] = "\n".join([source if number == 0 else "", *lines])
    return answers


def points(
    grade: Callable[..., Any], adopted: Callable[[str], Any], source: str, course: str
) -> dict[str, tuple[str, float]]:
    """Level and points of each check."""
    found = {}
    for unit in UNITS[course]:
        assignment = adopted(course).assignment(unit)
        for check in grade(course, unit, payload(source, assignment)).values():
            found[check.check] = (check.level.partition(":")[0], check.points)
    return found


_IDLE_POINTS: dict[str, dict[str, float]] = {}


def without_work(grade: Callable[..., Any], adopted: Callable[[str], Any], course: str) -> dict[str, float]:
    """The points of each check that answers have in which no work is."""
    if course not in _IDLE_POINTS:
        sources = [NOTHING, *(f"made = {each}" for each in IDLE)]
        every = [points(grade, adopted, each, course) for each in sources]
        _IDLE_POINTS[course] = {name: max(each[name][1] for each in every) for name in every[0]}
    return _IDLE_POINTS[course]


@pytest.mark.parametrize("course", UNITS)
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.slow
def test_what_is_graded_apart_or_asked_gives_an_attack_no_point(
    attack: str, course: str, grade: Callable[..., Any], adopted: Callable[[str], Any]
) -> None:
    found, idle = points(grade, adopted, ATTACKS[attack], course), without_work(grade, adopted, course)
    assert {name: each for name, each in found.items() if each[1] > idle[name] and each[0] != "together"} == {}


@pytest.mark.slow
def test_the_page_says_which_attacks_succeed_together(grade: Callable[..., Any], adopted: Callable[[str], Any]) -> None:
    assert attack_table(grade, adopted) == PAGE.partition("<!-- attacks -->")[2].partition("<!-- end")[0].strip()


def attack_table(grade: Callable[..., Any], adopted: Callable[[str], Any]) -> str:
    """For each attack, the checks graded together that it gets points of, as the page has it."""
    rows = ["| attack | checks graded together that it passes |", "|---|---|"]
    for attack in ATTACKS:
        passed = []
        for course in UNITS:
            idle = without_work(grade, adopted, course)
            found = points(grade, adopted, ATTACKS[attack], course)
            passed += [name for name, (level, earned) in found.items() if level == "together" and earned > idle[name]]
        rows.append(f"| {attack} | {', '.join(passed) or 'none'} |")
    return "\n".join(rows)

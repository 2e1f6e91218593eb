"""Courses in the manner of public ones that use nbgrader, written anew: small, and each in a style of its own.

``numbers`` has variables as answers, numpy, hashes of right answers, a data file, partial credit and markers of its own.
``objects`` has classes, given and asked for, errors of a given class, unittest, and checks of what is printed or typed.
``texts`` has several notebooks, hidden tests, written answers, tasks, helpers that one test defines for the next ones,
files that tests write, and functions that take functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["COURSES", "write_course"]

Cell = dict[str, Any]


def text(source: str, **marks: Any) -> Cell:
    """A text cell."""
    return _cell("markdown", source, marks)


def free(source: str) -> Cell:
    """Code that students may change."""
    return _cell("code", source, {})


def given(grade_id: str, source: str) -> Cell:
    """Code that students may not change."""
    return _cell("code", source, {"grade_id": grade_id, "locked": True})


def asks(grade_id: str, source: str, points: float = 0) -> Cell:
    """An exercise; with points, one that a person grades."""
    graded = {"grade": True, "points": points} if points else {}
    return _cell("code", source, {"grade_id": grade_id, "solution": True, **graded})


def check(grade_id: str, points: float, source: str) -> Cell:
    """A test."""
    return _cell("code", source, {"grade_id": grade_id, "grade": True, "locked": True, "points": points})


def _cell(kind: str, source: str, marks: dict[str, Any]) -> Cell:
    metadata: dict[str, Any] = {}
    if marks:
        defaults = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
        metadata["nbgrader"] = defaults | marks
    cell: Cell = {"cell_type": kind, "metadata": metadata, "source": source.strip("\n").splitlines(keepends=True)}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


NUMBERS = [
    text("# Heights\n\nA first look at numbers."),
    given("setup", "import hashlib\nimport numpy as np\n\nheights = np.loadtxt('heights.csv')"),
    free("heights[:3]"),
    asks("mean", "### ANSWER\nmean_height = heights.mean()\n### END ANSWER"),
    check(
        "test-mean",
        0.25,
        "assert isinstance(mean_height, float), 'mean_height should be a number'\n"
        "assert np.isclose(mean_height, 172.5), 'that is not the mean'",
    ),
    asks("tallest", "### ANSWER\ntallest = int(heights.argmax())\n### END ANSWER"),
    check(
        "test-tallest",
        1,
        "answer = hashlib.md5(str(tallest).encode()).hexdigest()\nassert answer == 'eccbc87e4b5ce2fe28308fd9f2a7baf3'",
    ),
    asks(
        "standardise",
        "def standardise(x):\n    ### ANSWER\n    return (x - x.mean()) / x.std()\n    ### END ANSWER\n",
    ),
    check(
        "test-standardise",
        2.5,
        "z = standardise(heights)\n"
        "assert z.shape == heights.shape\n"
        "np.testing.assert_allclose([z.mean(), z.std()], [0, 1], atol=1e-12)\n"
        "### SECRET TESTS\n"
        "np.testing.assert_allclose(standardise(np.array([1.0, 3.0])), [-1, 1])\n"
        "### END SECRET TESTS",
    ),
    asks("above", "def above(x, limit):\n    ### ANSWER\n    return x[x > limit]\n    ### END ANSWER\n"),
    check(
        "test-above",
        3,
        "score = 0\n"
        "if len(above(heights, 200)) == 0:\n    score += 1\n"
        "if len(above(heights, 0)) == len(heights):\n    score += 1\n"
        "if list(above(np.array([1, 2, 3]), 2)) == [3]:\n    score += 1\n"
        "score",
    ),
    asks("grow", "def grow(x):\n    ### ANSWER\n    x += 1\n    ### END ANSWER\n"),
    check("test-grow", 1, "row = np.zeros(3)\nassert grow(row) is None\nassert row.tolist() == [1, 1, 1]"),
    asks(
        "table",
        "### ANSWER\ntable = {'n': len(heights), 'range': (heights.min(), heights.max())}\nunits = ['cm']\n### END ANSWER",
    ),
    check("test-table", 1, "assert table['n'] == 4\nassert table['range'] == (160.0, 185.0)\nassert 'cm' in units"),
    text("Why does the mean say little here?", grade_id="why", grade=True, solution=True, points=2),
]
NUMBERS_CONFIG = """
c.ClearSolutions.begin_solution_delimeter = "### ANSWER"
c.ClearSolutions.end_solution_delimeter = "### END ANSWER"
c.ClearSolutions.code_stub = {"python": "# your turn\\nraise NotImplementedError"}
c.ClearHiddenTests.begin_test_delimeter = "### SECRET TESTS"
c.ClearHiddenTests.end_test_delimeter = "### END SECRET TESTS"
"""

OBJECTS = [
    given(
        "node",
        "class Node:\n"
        "    def __init__(self, value, next=None):\n        self.value = value\n        self.next = next\n\n\n"
        "class EmptyError(Exception):\n    pass\n\n\n"
        "chain = Node(1, Node(2, Node(3)))",
    ),
    asks(
        "length",
        "def length(node):\n    ### BEGIN SOLUTION\n    return 0 if node is None else 1 + length(node.next)\n"
        "    ### END SOLUTION\n",
    ),
    check("test_length", 1, "assert length(chain) == 3\nassert length(None) == 0"),
    asks(
        "prepend",
        "def prepend(node, value):\n    ### BEGIN SOLUTION\n    return Node(value, node)\n    ### END SOLUTION\n",
    ),
    check(
        "test_prepend",
        1,
        "longer = prepend(chain, 0)\n"
        "assert isinstance(longer, Node)\nassert longer.value == 0\nassert longer.next.next.value == 2",
    ),
    asks(
        "set_last",
        "def set_last(node, value):\n    ### BEGIN SOLUTION\n    while node.next is not None:\n"
        "        node = node.next\n    node.value = value\n    ### END SOLUTION\n",
    ),
    check("test_set_last", 1, "pair = Node(1, Node(2))\nset_last(pair, 9)\nassert pair.next.value == 9"),
    asks(
        "Stack",
        "class Stack:\n    ### BEGIN SOLUTION\n    def __init__(self):\n        self.items = []\n\n"
        "    def push(self, item):\n        self.items.append(item)\n\n"
        "    def pop(self):\n        if not self.items:\n            raise EmptyError('nothing there')\n"
        "        return self.items.pop()\n\n"
        "    def __len__(self):\n        return len(self.items)\n\n"
        "    def __eq__(self, other):\n        return self.items == other.items\n\n"
        "    def __repr__(self):\n        return f'Stack({self.items})'\n    ### END SOLUTION\n",
    ),
    check(
        "test_stack",
        2,
        "s = Stack()\ns.push(1)\ns.push(2)\nassert len(s) == 2\nassert s.pop() == 2\nassert s.items == [1]\n"
        "assert isinstance(s, Stack)\nassert str(s) == 'Stack([1])'",
    ),
    check(
        "test_stack_empty",
        1,
        "try:\n    Stack().pop()\nexcept EmptyError:\n    pass\nelse:\n    assert False, 'an empty stack should say so'",
    ),
    check("test_stack_equal", 1, "a, b = Stack(), Stack()\na.push(1)\nassert a != b\nb.push(1)\nassert a == b"),
    asks("double", "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n"),
    check(
        "test_double",
        1,
        "import unittest\n\n\nclass TestDouble(unittest.TestCase):\n"
        "    def test_number(self):\n        self.assertEqual(double(3), 6)\n\n"
        "    def test_text(self):\n        self.assertEqual(double('ab'), 'abab')\n\n\n"
        "suite = unittest.defaultTestLoader.loadTestsFromTestCase(TestDouble)\nresult = unittest.TestResult()\n"
        "suite.run(result)\nassert result.wasSuccessful()",
    ),
    asks("greet", "def greet(name):\n    ### BEGIN SOLUTION\n    print('Hello,', name)\n    ### END SOLUTION\n"),
    check(
        "test_greet",
        1,
        "from contextlib import redirect_stdout\nfrom io import StringIO\n\nout = StringIO()\n"
        "with redirect_stdout(out):\n    greet('Ada')\nassert out.getvalue().strip() == 'Hello, Ada'",
    ),
    asks(
        "ask_age",
        "def ask_age():\n    ### BEGIN SOLUTION\n    return int(input('How old? '))\n    ### END SOLUTION\n",
    ),
    check(
        "test_ask_age",
        1,
        "from unittest.mock import patch\n\nwith patch('builtins.input', lambda prompt='': '41'):\n    assert ask_age() == 41",
    ),
    asks(
        "total",
        "def total(numbers):\n    ### BEGIN SOLUTION\n    result = 0\n    for number in numbers:\n"
        "        result += number\n    return result\n    ### END SOLUTION\n",
    ),
    check(
        "test_total_has_a_loop",
        1,
        "import inspect\n\nassert total([1, 2]) == 3\nassert 'for ' in inspect.getsource(total)",
    ),
]

WORDS = [
    text("# Words", grade_id="head", locked=True),
    free("POEM = 'so much depends upon a red wheel barrow'"),
    asks(
        "count_words",
        "def count_words(text):\n    counts = {}\n    ### BEGIN SOLUTION\n    for word in text.split():\n"
        "        counts[word] = counts.get(word, 0) + 1\n    ### END SOLUTION\n    return counts\n",
    ),
    check(
        "counts",
        2,
        "def same_counts(one, other):\n    return sorted(one.items()) == sorted(other.items())\n\n\n"
        "assert same_counts(count_words('a b a'), {'a': 2, 'b': 1})\n"
        "### BEGIN HIDDEN TESTS\nassert same_counts(count_words(''), {})\nassert count_words(POEM)['red'] == 1\n"
        "### END HIDDEN TESTS",
    ),
    check("counts_again", 1.5, "assert same_counts(count_words('x x x'), {'x': 3})"),
    asks(
        "first_line",
        "def first_line(path):\n    ### BEGIN SOLUTION\n    with open(path) as file:\n"
        "        return file.readline().strip()\n    ### END SOLUTION\n",
    ),
    check("reads_a_file", 1, "assert first_line('poem.txt') == 'so much depends'"),
    check(
        "reads_another",
        1,
        "with open('other.txt', 'w') as file:\n    file.write('one\\ntwo\\n')\nassert first_line('other.txt') == 'one'",
    ),
    asks(
        "apply_twice",
        "def apply_twice(function, value):\n    ### BEGIN SOLUTION\n    return function(function(value))\n"
        "    ### END SOLUTION\n",
    ),
    check("twice", 1, "assert apply_twice(lambda x: x + 1, 0) == 2\nassert apply_twice(str.upper, 'a') == 'A'"),
    asks(
        "every_second",
        "def every_second(items):\n    ### BEGIN SOLUTION\n    for item in items[::2]:\n        yield item\n"
        "    ### END SOLUTION\n",
    ),
    check("seconds", 1, "assert list(every_second('abcd')) == ['a', 'c']\nassert next(every_second([5])) == 5"),
    text("What is counted twice?", grade_id="explain", grade=True, solution=True, points=3),
]
TASKS = [
    text("Draw what you found.", grade_id="draw", task=True, locked=True, points=4),
    asks("own", "### BEGIN SOLUTION\nchosen = 7\n### END SOLUTION", points=2),
    asks("chance", "import random\n### BEGIN SOLUTION\nrolls = [random.randint(1, 6) for _ in range(50)]\n### END SOLUTION"),
    check("rolls", 1, "assert len(rolls) == 50\nassert all(1 <= roll <= 6 for roll in rolls)\nassert set(rolls) <= set(range(1, 7))"),
]

COURSES: dict[str, tuple[dict[str, list[Cell]], dict[str, str], str]] = {
    "numbers": ({"hw1/heights": NUMBERS}, {"hw1/heights.csv": "170\n175\n160\n185\n"}, NUMBERS_CONFIG),
    "objects": ({"lab1/objects": OBJECTS}, {}, ""),
    "texts": ({"week1/words": WORDS, "week1/tasks": TASKS}, {"week1/poem.txt": "so much depends\nupon\n"}, ""),
}
"""For each course: its notebooks, the files beside them, and lines of its nbgrader_config.py."""


def write_course(name: str, folder: Path, change: Callable[[dict[str, Any]], None] = lambda notebook: None) -> Path:
    """Write a course into ``folder``, as nbgrader has it. Returns the folder.

    Args:
        name: of the course.
        folder: where.
        change: is given each notebook before it is written.
    """
    notebooks, files, config = COURSES[name]
    for unit, cells in notebooks.items():
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 2}
        made: dict[str, Any] = json.loads(json.dumps(notebook))
        change(made)
        _write(folder / "source" / f"{unit}.ipynb", json.dumps(made, indent=1))
    for place, content in files.items():
        _write(folder / "source" / place, content)
    _write(folder / "nbgrader_config.py", f'c = get_config()\nc.CourseDirectory.course_id = "{name}"\n{config}')
    return folder


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")

"""A large class with every oddity in it is graded in one run to its end, and no outcome is a lie."""

from __future__ import annotations

import base64
import copy
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from autograder.course import Course
from autograder.engine.api import grade_assignments
from autograder.engine.grading_report import ClassReport
from autograder.engine.progress import Silent

from .conftest import NAME, RIGHT, Class

Notebook = dict[str, Any]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # one pixel


def cell_of(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id
    )
    return found


def code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def with_a_picture(notebook: Notebook) -> None:
    cell = cell_of(notebook, "answer-why")
    cell["source"] = "See ![drawing](attachment:drawing.png) and ![](attachment:lost.png)"
    cell["attachments"] = {"drawing.png": {"image/png": PNG}}


def with_a_broken_picture(notebook: Notebook) -> None:
    broken = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
    cell_of(notebook, "answer-why")["source"] = f"![](data:image/png;base64,{broken})"


def answered_in_a_new_cell(notebook: Notebook) -> None:
    place = notebook["cells"].index(cell_of(notebook, "answer-why"))
    notebook["cells"].insert(place + 1, text("Because 2 + 2 is 4, and two twos are two twos."))


def merged_into_the_check(notebook: Notebook) -> None:
    exercise, check = cell_of(notebook, "double"), cell_of(notebook, "check-double-by-hand")
    check["source"] = exercise["source"] + "\n\n" + "".join(check["source"])
    notebook["cells"].remove(exercise)


def with_installs(notebook: Notebook) -> None:
    cell = cell_of(notebook, "double")
    cell["source"] = "%pip install nothing\n!ls /\n" + cell["source"]


def asking(notebook: Notebook) -> None:
    notebook["cells"].insert(1, code("name = input('who?')"))


def with_a_missing_module(notebook: Notebook) -> None:
    notebook["cells"].insert(1, code("import no_such_module_at_all"))


def flooding(notebook: Notebook) -> None:
    notebook["cells"].append(code("for _ in range(20000):\n    print('x' * 100)"))


def looping(notebook: Notebook) -> None:
    cell_of(notebook, "double")["source"] = "def double(x):\n    while True:\n        pass\n"


def exiting(notebook: Notebook) -> None:
    notebook["cells"].insert(1, code("import os\nos._exit(3)"))


def recursing(notebook: Notebook) -> None:
    cell_of(notebook, "double")["source"] = "def double(x):\n    return double(x)\n"


def with_odd_tags(notebook: Notebook) -> None:
    notebook["cells"].append({**code("1"), "metadata": {"tags": ["\x1b]0;title\x07", "‮"], "collapsed": {"a": []}}})


CHANGES: dict[str, tuple[Callable[[Notebook], None], float]] = {
    "picture": (with_a_picture, 4),
    "broken picture": (with_a_broken_picture, 4),
    "answer in a new cell": (answered_in_a_new_cell, 4),
    "merged": (merged_into_the_check, 4),
    "installs": (with_installs, 4),
    "asking": (asking, 4),
    "missing module": (with_a_missing_module, 4),
    "flood": (flooding, 4),
    "loop": (looping, 1),
    "exit": (exiting, 4),
    "recursion": (recursing, 1),
    "tags": (with_odd_tags, 4),
}
"""Notebooks that are graded, with what their checks earn."""

FILES: dict[str, bytes] = {
    "cut off": b'{"cells": [{"cell_type": "code", "sou',
    "empty": b"",
    "binary": bytes(range(256)) * 40,
    "not a notebook": b"[1, 2, 3]",
    "merge conflict": b'<<<<<<< HEAD\n{"cells": []}\n=======\n{"cells": [1]}\n>>>>>>> other\n',
    "deep": b"[" * 100_000,
    "foreign": json.dumps(
        {"cells": [code("import numpy as np"), code("print(1)")], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    ).encode(),
}
"""Files that nobody can grade."""

STAMPS = {
    "yesterday": b"yesterday",
    "year one": b"0001-01-01 00:00:00 UTC",
    "zone": b"2026-03-02 13:00:00 CET",
    "not text": bytes(range(128, 160)),
}


class Crowd:
    """A class in which each kind of student comes as often as the others, and the rest is right."""

    def __init__(self, course: Class) -> None:
        self.course = course
        self.kinds: dict[str, str] = {}
        self._right = json.loads(course.assignment.release)
        for name, source in RIGHT.items():
            cell_of(self._right, name)["source"] = source

    def add(self, count: int) -> None:
        kinds = [*CHANGES, *FILES, *STAMPS, "link", "folder link", "second", "two works", "renamed", "late", "right"]
        for number in range(count):
            kind = kinds[number % len(kinds)]
            student = f"student-{number:04}"
            self.kinds[student] = kind
            self._hand_in(student, kind)

    def _hand_in(self, student: str, kind: str) -> None:
        notebook = copy.deepcopy(self._right)
        if kind in FILES:
            self.course.hand_in_file(student, FILES[kind])
            return
        if kind in CHANGES:
            CHANGES[kind][0](notebook)
        path = self.course.hand_in_file(student, json.dumps(notebook).encode())
        if kind in STAMPS:
            (path.parent / "timestamp.txt").write_bytes(STAMPS[kind])
        elif kind == "late":
            (path.parent / "lateness.txt").write_text("unknown")
        elif kind == "renamed":
            path.rename(path.with_name("my work.ipynb"))
        elif kind in ("second", "two works"):
            path.rename(path.with_name("copy (1).ipynb"))
            blank = self._right if kind == "two works" else json.loads(self.course.assignment.release)
            if kind == "two works":
                blank = copy.deepcopy(blank)
                cell_of(blank, "double")["source"] = "def double(x):\n    return 2 * x\n"
            path.write_bytes(json.dumps(blank).encode())
        elif kind == "link":
            elsewhere = self.course.root / "elsewhere.ipynb"
            elsewhere.write_bytes(path.read_bytes())
            path.unlink()
            path.symlink_to(elsewhere)
        elif kind == "folder link":
            moved = self.course.root / f"moved-{student}"
            path.parent.rename(moved)
            path.parent.symlink_to(moved)


def grade_crowd(a_class: Class, count: int) -> tuple[Crowd, ClassReport]:
    toml = a_class.root / "course.toml"
    toml.write_text(toml.read_text() + "[grading]\ncell_seconds = 3.0\ncheck_seconds = 1.0\ntotal_seconds = 20.0\n")
    a_class.course = Course.find(a_class.root)
    crowd = Crowd(a_class)
    crowd.add(count)
    (report,) = grade_assignments(crowd.course.course, [NAME], workers=2, progress=Silent(), yes=True)
    return crowd, report


def outcomes(crowd: Crowd, report: ClassReport) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {kind: Counter() for kind in set(crowd.kinds.values())}
    for each in report.submissions:
        found[crowd.kinds[each.student]][each.kind] += 1
    return found


def judge(crowd: Crowd, report: ClassReport) -> None:
    found = outcomes(crowd, report)
    assert {each.student for each in report.submissions} == set(crowd.kinds)
    assert report.exit_code == 3
    for kind in FILES:
        assert set(found[kind]) == {"unreadable"}, (kind, found[kind])
    assert set(found["two works"]) == {"misplaced"}
    assert set(found["link"]) | set(found["folder link"]) <= {"unreadable", "misplaced"}
    points = {each.student: each.points for each in report.submissions if each.points is not None}
    for student, kind in crowd.kinds.items():
        if kind in CHANGES:
            assert points.get(student) == CHANGES[kind][1], (student, kind, points.get(student))
        elif kind in ("right", "late", "second", "renamed", *STAMPS):
            assert points.get(student) == 4, (student, kind, points.get(student))
    for student, kind in crowd.kinds.items():
        page = crowd.course.course.feedback / student / NAME / "two_functions.html"
        assert page.is_file(), f"{student} ({kind}) has no page"
        assert "WorkerLost" not in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_class_with_every_oddity_is_graded_to_its_end(a_class: Class) -> None:
    judge(*grade_crowd(a_class, 60))


@pytest.mark.soak
def test_a_thousand_with_every_oddity_are_graded_in_one_run(a_class: Class) -> None:
    judge(*grade_crowd(a_class, 1000))

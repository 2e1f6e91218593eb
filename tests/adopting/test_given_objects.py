"""Objects of given classes, members of given enumerations and seeds, on their way to the student's process and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .test_reading import notebook, write

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GIVEN = """
import random
from dataclasses import dataclass
from enum import Enum

import numpy as np


class Shelf(Enum):
    FICTION = 1
    SCIENCE = 2


@dataclass
class Book:
    title: str
    year: int
    shelf: Shelf = Shelf.FICTION


books = [Book("Emma", 1815), Book("Dune", 1965), Book("Cosmos", 1980, Shelf.SCIENCE)]
"""
EXERCISES = {
    "oldest": ("def oldest(books):", "return min(books, key=lambda book: book.year)"),
    "shelf_of": ("def shelf_of(book):", "return book.shelf"),
    "rolls": ("def rolls(n):", "return [random.randint(1, 6) for _ in range(n)]"),
    "noise": ("def noise(n):", "np.random.rand()\n    return np.random.normal(size=n)"),
    "kept": ("def kept(function):", "return lambda x: function(x) + 1"),
}
CHECKS = {
    "oldest": "assert oldest(books) is books[0]\nassert oldest(books[1:]) == Book('Dune', 1965)",
    "shelf_of": "assert shelf_of(books[2]) is Shelf.SCIENCE\nassert shelf_of(books[0]).name == 'FICTION'",
    "rolls": "random.seed(4)\nfirst = rolls(5)\nrandom.seed(4)\nassert rolls(5) == first",
    "noise": "np.random.rand()\nnp.random.seed(0)\nfirst = noise(2)\nnp.random.seed(0)\nnp.random.rand()\n"
    "assert np.allclose(first, np.random.normal(size=2))",
    "kept": "def double(x):\n    return 2 * x\n\nassert kept(double)(4) == 9",
}


def test_they_are_what_they_are_in_one_process(tmp_path: Path, right_and_blank: Callable[..., Any]) -> None:
    cells = [("code", GIVEN, {"grade_id": "given", "locked": True, "schema_version": 3})]
    for name, (head, body) in EXERCISES.items():
        text = f"{head}\n    ### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION"
        cells.append(("code", text, {"grade_id": name, "solution": True, "schema_version": 3}))
        marks = {"grade_id": f"test-{name}", "grade": True, "locked": True, "points": 1, "schema_version": 3}
        cells.append(("code", CHECKS[name], marks))
    course = write(tmp_path, notebook(*cells))
    right, blank = right_and_blank(course, "ps1/one")
    earned = {name.removeprefix("test-"): check.points for name, check in right.items()}
    assert earned == {"oldest": 1, "shelf_of": 1, "rolls": 1, "noise": 1, "kept": 0}
    assert "seeds of random numbers" in right["test-noise"].level
    assert "handed to you for one call" in right["test-kept"].message
    assert "connection" not in right["test-kept"].message
    assert [check.points for check in blank.values()] == [0] * len(CHECKS)

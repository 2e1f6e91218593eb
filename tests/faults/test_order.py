"""However many workers there are, and in whatever order they take submissions, the results are the same bytes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import FaultyCourse

STUDENTS = 12


def graded(faulty: FaultyCourse, workers: int, students: list[str] | None = None) -> dict[str, Any]:
    faulty.forget()
    assert faulty.grader(workers, students).wait(timeout=200) == 0
    return faulty.left()


@pytest.mark.timeout(600)
def test_one_two_and_four_workers_in_shuffled_order_write_the_same_bytes_twice(faulty: FaultyCourse) -> None:
    students = faulty.hand_in_class(STUDENTS)
    once = graded(faulty, 1)
    assert len(once["grades"]) == STUDENTS * 4
    assert len(once["files"]) == STUDENTS * 2
    for number, workers in enumerate((1, 2, 4, 2, 4)):
        shuffled = random.Random(number).sample(students, len(students))
        assert graded(faulty, workers, shuffled) == once, f"{workers} workers, shuffle {number}"

"""What the instructor's functions return is remembered for a class, where nothing else could come of calling them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.engine.grader import solved
from autograder.grading.grade import grade_submission
from autograder.grading.reference import ReferenceNotebook
from autograder.grading.remembered import Remembered
from autograder.isolation.sandbox import Sandbox

CALLS: list[Any] = []


def scaled(table: Any, factor: float = 2.0) -> Any:
    CALLS.append(factor)
    return np.asarray(table) * factor


def printing(table: Any) -> Any:
    print("seen")
    return scaled(table)


def drawing(table: Any) -> Any:
    return scaled(table) + random.random()


def drawing_with_numpy(table: Any) -> Any:
    return scaled(table) + np.random.rand()  # noqa: NPY002


def changing(table: Any) -> Any:
    table[0] = 7
    return scaled(table)


def making(table: Any) -> Any:
    return [lambda: scaled(table)]


def learned(*functions: Any) -> Remembered:
    """All functions, with what they return for two ones."""
    remembered = Remembered(functions)
    with remembered.learning():
        for function in functions:
            remembered.result(function, (np.ones(2),), {})
    CALLS.clear()
    return remembered


def test_a_result_is_remembered_by_the_values_and_types_of_the_arguments() -> None:
    remembered = learned(scaled)
    assert remembered.result(scaled, (np.ones(2),), {}).tolist() == [2, 2]
    assert CALLS == []
    others: list[Any] = [np.ones(3), np.ones(2, dtype=np.float32), np.array([1.0, -1.0]), [1.0, 1.0], (1.0, 1.0)]
    for other in others:
        remembered.result(scaled, (other,), {})
    remembered.result(scaled, (np.ones(2), 2.0), {})
    remembered.result(scaled, (np.ones(2),), {"factor": 2.0})
    assert len(CALLS) == len(others) + 2


def test_nothing_is_learned_from_a_submission() -> None:
    remembered = learned(scaled)
    for _ in range(2):
        remembered.result(scaled, (np.zeros(2),), {})
    assert len(CALLS) == 2


@pytest.mark.parametrize("function", [printing, drawing, drawing_with_numpy, changing, making])
def test_a_function_of_which_more_could_come_is_called_each_time(
    function: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    remembered = learned(function)
    said = capsys.readouterr().out
    for _ in range(2):
        remembered.result(function, (np.ones(2),), {})
    assert len(CALLS) == (0 if function is making else 2)
    assert capsys.readouterr().out == 2 * said
    assert not remembered._results


def test_a_function_of_somebody_else_is_called_each_time() -> None:
    remembered = learned(scaled)
    with remembered.learning():
        for _ in range(2):
            assert remembered.result(lambda table: scaled(table), (np.ones(2),), {}).tolist() == [2, 2]
    assert len(CALLS) == 2


def test_an_argument_that_is_more_than_data_is_never_looked_up() -> None:
    remembered = learned(scaled)
    with remembered.learning():
        assert remembered.result(scaled, (np.ones(2),), {"factor": np.float64(3)}).tolist() == [3, 3]
        with pytest.raises(TypeError):
            remembered.result(scaled, (object(),), {})


def test_a_result_is_the_same_whether_or_not_the_solutions_are_remembered(
    course: Course, assignment: Assignment, sandbox: Sandbox
) -> None:
    submission, reference = solved(assignment), ReferenceNotebook(assignment)

    def graded() -> bytes:
        return grade_submission(submission, assignment, sandbox, course.secret, reference=reference).content()

    first = graded()
    with reference.remembered.learning():
        assert graded() == first
    assert reference.remembered._results
    assert graded() == first

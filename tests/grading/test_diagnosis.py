"""A wrong result is traced to the misconception that gives the same wrong results, and to no other."""

from __future__ import annotations

from collections.abc import Callable

from autograder.grading.result import Result

Grade = Callable[..., Result]
REFUSING = "    if table.ndim != 2: raise ValueError('table')\n"


def named(result: Result) -> set[str]:
    return {check.diagnosis for check in result.checks} - {""}


def test_another_way_to_the_same_mistake_is_named(graded: Grade) -> None:
    wrong = "def row_sums(table):\n" + REFUSING + "    return np.array([sum(column) for column in table.T])"
    result = graded(row_sums=wrong)
    assert named(result) == {"column_sums"}
    assert "axis=0 is the axis that disappears" in result.checks[0].text


def test_means_are_told_from_sums_down_the_columns(graded: Grade) -> None:
    wrong = "def row_sums(table):\n" + REFUSING + "    return table.sum(axis=1) / len(table[0])"
    assert named(graded(row_sums=wrong)) == {"row_means"}


def test_a_mistake_that_nobody_described_is_not_named(graded: Grade) -> None:
    wrong = "def row_sums(table):\n" + REFUSING + "    return table.sum(axis=1) + 17"
    result = graded(row_sums=wrong)
    assert result.points < 6
    assert named(result) == set()


def test_changing_the_argument_is_named(graded: Grade) -> None:
    wrong = "def row_sums(table):\n" + REFUSING + "    s = table.sum(axis=1); table *= 0; return s"
    assert named(graded(row_sums=wrong)) == {"sums_in_place"}


def test_a_mistake_that_overflows_is_named_without_a_warning(graded: Grade) -> None:
    wrong = "def row_sums(table):\n" + REFUSING + "    return np.log(np.sum(np.exp(table * 1e3), axis=1))"
    assert named(graded(row_sums=wrong)) == {"overflowing"}  # here a warning would be an error


def test_objects_are_followed_through_their_methods(graded: Grade) -> None:
    wrong = (
        "class Counter:\n    calls = 1\n    total = 0\n    def add(self, n):\n"
        "        self.calls += 1\n        self.total += n\n        return self.total"
    )
    assert named(graded(Counter=wrong)) == {"CountsFromOne"}


def test_a_correct_submission_is_not_diagnosed(graded: Grade) -> None:
    assert named(graded()) == set()

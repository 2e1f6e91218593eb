"""A wrong result is traced to the misconception that gives the same wrong results, and to no other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autograder.grading.diagnosis import Replay
from autograder.grading.result import Result
from autograder.isolation.proxies import RecordedCall

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


def test_a_mistake_that_nobody_described_has_no_name_for_what_it_shares_with_a_listed_one(graded: Grade) -> None:
    averaged = "def row_sums(table):\n" + REFUSING + "    return table.mean(axis=1) if table.shape[1] > 2 else "
    assert named(graded(row_sums=averaged + "table.sum(axis=1)")) == {"wide_tables_averaged"}
    result = graded(row_sums=averaged + "table.sum(axis=1) + 17")
    assert [each.points for each in result.checks if "row_sums" in each.check] == [0, 0]
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


def test_one_result_that_is_a_view_where_the_solution_gives_a_new_one_is_wrong_and_not_the_reverse() -> None:
    def same(local: Callable[..., object], shared: list[object]) -> bool | None:
        table = np.ones((2, 3))
        exchange = RecordedCall("inspected", "f", args=(table,), result=(table, (table,), {}, shared))
        answer = Replay({"f": local}, {"f"}, strict=True).ask(exchange)
        return None if answer is None else answer.agrees

    assert same(np.copy, []) is True
    assert same(np.copy, [0]) is False
    assert same(np.asarray, [0]) is True
    assert same(np.asarray, []) is True


def test_an_answer_that_is_kept_from_call_to_call_is_told_from_a_new_one() -> None:
    kept = np.zeros(3)
    exchanges = [
        RecordedCall("inspected", "f", result=(kept, (), {}, shared)) for shared in ([], ["the result before"])
    ]
    for local, agrees in ((lambda: kept, [True, True]), (lambda: np.zeros(3), [True, False])):
        replay = Replay({"f": local}, {"f"}, strict=True)
        assert [answer.agrees for each in exchanges if (answer := replay.ask(each))] == agrees

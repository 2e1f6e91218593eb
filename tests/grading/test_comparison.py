"""Results are the same if kind and value agree, also for kinds that are rare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograder.grading.comparison import agree, require_same
from autograder.grading.harness import took
from autograder.grading.rebuilding import STANDARD
from autograder.lab import CheckFailed


@pytest.mark.parametrize("expected", [{1, 2}, frozenset({1}), range(3), slice(1, 2), np.dtype("f4"), int])
def test_no_object_counts_as_a_set_a_range_or_a_type(expected: Any) -> None:
    require_same(expected, expected, 0.0)
    for actual in (object(), None, [1, 2], {3}, range(4)):
        with pytest.raises(CheckFailed):
            require_same(actual, expected, 0.0)


@pytest.mark.parametrize("text", ["mean", b"mean", np.datetime64("2020-01-01")])
@pytest.mark.parametrize("expected", [1, 1.5, True, None, "mean", (1, 2), {"a": 1}, np.ones((2, 2))])
def test_text_in_an_array_without_a_shape_is_wrong_and_stops_nothing(text: Any, expected: Any) -> None:
    """As ``np.zeros_like`` makes of a word: the grader gave up on whoever returned one."""
    with pytest.raises(CheckFailed):
        require_same(np.array(text), expected, 1e-6)
    assert not agree(np.array(text), expected)


def test_an_array_of_endless_rows_is_no_tuple_and_costs_nothing() -> None:
    with pytest.raises(CheckFailed, match="wrong number of parts"):
        require_same(np.empty((1 << 40, 0)), (1, 2), 0.0)
    require_same(np.array([1, 2]), (1, 2), 0.0)


class Costly:
    """What takes long to write out."""

    written = 0

    def __repr__(self) -> str:
        Costly.written += 1
        return "a costly thing"


def test_no_more_of_a_result_is_written_out_than_is_shown() -> None:
    with pytest.raises(CheckFailed) as caught:
        require_same([[Costly()] * 1000] * 1000, "text", 0.0)
    assert Costly.written < 40
    assert "a costly thing, a costly thing" in caught.value.detail


def test_a_set_may_be_frozen() -> None:
    require_same({1, 2}, frozenset({1, 2}), 0.0)


def test_the_time_of_a_call_is_that_of_the_processor() -> None:
    import time

    seconds, result = took(lambda x: time.sleep(0.2) or x, 3)
    assert result == 3
    assert seconds < 0.1


@pytest.mark.parametrize(("text", "fits"), [("1.50", True), ("NaN", True), ("1e999999", False), ("9" * 6000, False)])
def test_a_decimal_that_would_take_minutes_to_compute_with_is_none(text: str, fits: bool) -> None:
    _, make = STANDARD["Decimal"]
    if fits:
        assert str(make(text)) == text
    else:
        with pytest.raises(ValueError, match="more than 5000 digits"):
            make(text)

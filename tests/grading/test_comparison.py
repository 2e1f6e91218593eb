"""Results are the same if kind and value agree, also for kinds that are rare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograder.grading.comparison import require_same
from autograder.grading.harness import took
from autograder.lab import CheckFailed


@pytest.mark.parametrize("expected", [{1, 2}, frozenset({1}), range(3), slice(1, 2), np.dtype("f4"), int])
def test_no_object_counts_as_a_set_a_range_or_a_type(expected: Any) -> None:
    require_same(expected, expected, 0.0)
    for actual in (object(), None, [1, 2], {3}, range(4)):
        with pytest.raises(CheckFailed):
            require_same(actual, expected, 0.0)


def test_a_set_may_be_frozen() -> None:
    require_same({1, 2}, frozenset({1, 2}), 0.0)


def test_the_time_of_a_call_is_that_of_the_processor() -> None:
    import time

    seconds, result = took(lambda x: time.sleep(0.2) or x, 3)
    assert result == 3
    assert seconds < 0.1

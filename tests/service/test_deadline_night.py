"""The night of a deadline on the real grader: a small one always, the whole of it in the soak."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.bench.deadline_night import run_night
from autograder.course import Course

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_small_night_with_a_kill_loses_and_doubles_nothing(tmp_path: Path) -> None:
    figures = run_night(Course.find(ROOT), tmp_path, students=5, attempts=2, seconds=15, kills=1, flood=4)
    assert figures["acknowledged_median"] < figures["fed_back_median"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_three_hundred_students_hand_in_three_times_within_ten_minutes(tmp_path: Path) -> None:
    figures = run_night(Course.find(ROOT), tmp_path, students=300, attempts=3, seconds=600, kills=2, flood=50)
    assert figures["acknowledged_p99"] < 30
    assert figures["refused"] > 0  # The flood's, and nobody else's: everybody got full points.

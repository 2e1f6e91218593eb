"""The progress bar: the same items, no thread, nothing on standard error."""

from __future__ import annotations

import threading

import pytest

from autograder.lab import progress


def test_the_items_come_through_unchanged() -> None:
    assert list(progress(range(5), "counting")) == [0, 1, 2, 3, 4]


def test_the_bar_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    list(progress(iter("abc"), "training", total=3))
    shown = capsys.readouterr()
    assert "training: 100%" in shown.out
    assert shown.err == ""


def test_no_thread_is_started() -> None:
    before = threading.active_count()
    for _ in progress(range(3)):
        assert threading.active_count() == before


def test_nothing_is_taken_before_it_is_asked_for() -> None:
    taken: list[int] = []
    bar = progress(taken.append(i) or i for i in range(3))  # type: ignore[func-returns-value]
    assert taken == []
    assert next(bar) == 0
    assert taken == [0]
    bar.close()  # type: ignore[attr-defined]

"""close and refuses: what passes, what does not, and what a student reads then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from autograder.lab import CheckFailed, close, refuses
from autograder.lab.checks import brief, observation

finite = arrays(
    np.float64,
    array_shapes(max_dims=3, max_side=4),
    elements=st.floats(-1e9, 1e9, allow_nan=False),
)


def failure(*args: object, **kwargs: object) -> CheckFailed:
    """The failure that close raises."""
    with pytest.raises(CheckFailed) as caught:
        close(*args, **kwargs)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (3, 3.0),
        (True, 1),
        (np.float32(0.5), 0.5),
        (10**30, 10**30),
        (1 + 2j, 1 + 2j),
        ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]])),
        ((1, 2), [1, 2]),
        ([], np.zeros(0)),
        (torch.ones(2, 3, requires_grad=True), np.ones((2, 3))),
        ([torch.ones(2), torch.zeros(2)], [[1, 1], [0, 0]]),
        (torch.tensor([1 + 1j]).conj(), [1 - 1j]),
        ([np.nan, np.inf, -np.inf], [np.nan, np.inf, -np.inf]),
        (np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0).reshape(2, 3)),
    ],
)
def test_equal_values_pass_whatever_holds_them(actual: object, expected: object) -> None:
    close(actual, expected, tolerance=0)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.nan, 1.0),
        (1.0, np.nan),
        (np.inf, 1.0),
        (1.0, np.inf),
        (np.inf, -np.inf),
        (np.uint8(3), 4),
        (np.array([0], np.uint8), np.array([255], np.uint8)),
        (2**53 + 1, 2**53),
        (np.int64(-(2**63)), 2**63 - 1),
    ],
)
def test_different_values_fail_without_wrapping_around(actual: object, expected: object) -> None:
    assert failure(actual, expected, tolerance=0).summary == "the values differ"


@given(finite)
def test_everything_is_close_to_itself(values: np.ndarray) -> None:
    close(values.copy(), values, tolerance=0)


@given(finite, st.floats(0.01, 100))
def test_the_tolerance_is_relative_to_the_largest_expected_value_above_one(values: np.ndarray, share: float) -> None:
    allowed = 1e-3 * max(1.0, np.abs(values).max())
    moved = values.copy()
    moved.flat[0] += allowed * share
    if share < 0.99:
        close(moved, values, tolerance=1e-3)
    elif share > 1.01:
        failure(moved, values, tolerance=1e-3)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(np.ones((3, 1)), np.ones(3)), (np.ones(1), 1.0), (np.ones((2, 3)), np.ones((3, 2))), ([], 0)],
)
def test_nothing_is_broadcast(actual: object, expected: object) -> None:
    assert failure(actual, expected).summary == "the shape is wrong"


@pytest.mark.parametrize("actual", [None, "4", {"a": 1}, object(), np.array(["4"]), [[1], [2, 3]], np.array([None])])
def test_what_is_not_numeric_is_named(actual: object) -> None:
    problem = failure(actual, 4.0)
    assert problem.summary == "the result is not a number or an array"
    assert "expected a single number, got" in problem.detail


def test_a_missing_return_is_hinted_at() -> None:
    assert "return" in failure(None, 1.0).hint


def test_a_message_says_what_came_what_was_expected_and_where() -> None:
    message = str(failure([[1, 2], [3, 9]], [[1, 2], [3, 4]], case="a 2×2 image", hint="the last corner."))
    assert message.splitlines()[:3] == [
        "the values differ (a 2×2 image)",
        "at [1, 1]: expected 4, got 9",
        "1 of 4 values differ by more than the tolerance 1e-06",
    ]
    assert message.endswith("Look at: the last corner.")


def test_large_arrays_are_not_printed_whole() -> None:
    assert len(str(failure(np.zeros(1000), np.ones(1000)))) < 300


@given(finite)
def test_summary_and_hint_hold_no_digit_of_the_expected_values(values: np.ndarray) -> None:
    problem = failure(np.full(values.shape, np.nan), values)
    assert not any(character.isdigit() for character in problem.summary + problem.hint)


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda a: -a, "sign"),
        (lambda a: a * 3, "factor"),
        (lambda a: a[::-1, ::-1], "reverse"),
        (lambda a: a[::-1], "upside down"),
        (lambda a: a[:, ::-1], "mirrored"),
        (lambda a: a.T, "transposed"),
        (lambda a: a[:, :2], "axis 1"),
        (lambda a: a[None], "arrangement"),
        (lambda a: a[0], "number of axes"),
    ],
)
def test_a_familiar_difference_is_noticed(change, noticed: str) -> None:
    expected = np.random.default_rng(5).normal(size=(3, 3))
    assert noticed in failure(change(expected), expected).hint


def test_a_transposed_shape_is_noticed() -> None:
    expected = np.arange(6.0).reshape(2, 3)
    assert "transposed" in failure(expected.T, expected).hint
    assert "height and width" in failure(np.ones((3, 2)), expected).hint


def test_a_notebook_shows_the_message_instead_of_a_traceback() -> None:
    (shown,) = failure(1, 2)._render_traceback_()
    assert shown == "Check failed: the values differ\nexpected 2, got 1 (tolerance 1e-06)"


def test_a_truth_value_has_no_tolerance() -> None:
    assert failure(False, True).detail == "expected True, got False"


def positive(value: float) -> float:
    """A function that refuses a negative value as the exercises do."""
    if value < 0:
        raise ValueError("value must not be negative")
    return value


def test_refuses_passes_on_value_error() -> None:
    refuses(positive, -1, argument="value")
    refuses(positive, value=-1, argument="value")


def test_refuses_fails_where_a_wrong_argument_is_accepted() -> None:
    with pytest.raises(CheckFailed) as failure:
        refuses(positive, 1, argument="value", case="a positive value")
    assert str(failure.value).startswith("a wrong argument was accepted (a positive value)")
    assert "`value`" in str(failure.value)


def test_refuses_says_what_another_error_said() -> None:
    with pytest.raises(CheckFailed, match="should raise ValueError, not TypeError") as failure:
        refuses(positive, "a", argument="value")
    assert "not supported between instances" in failure.value.detail


def test_refuses_asks_for_the_name_only_if_told_to() -> None:
    refuses(positive, -1, argument="number")
    with pytest.raises(CheckFailed, match="does not name `number`"):
        refuses(positive, -1, argument="number", named=True)


def test_refuses_takes_a_blank_exercise_for_what_it_is() -> None:
    def blank(value: float) -> float:
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        refuses(blank, -1, argument="value")


def test_a_recognised_mistake_takes_the_place_of_the_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.lab.checks.recognised", lambda _: "You count a window twice.")
    told = failure([1.0, 2.0], [1.0, 3.0], hint="where does padding begin?").told
    assert "expected" in told
    assert told.endswith("A known mistake gives just this result: You count a window twice.")
    assert "padding" not in told


@pytest.mark.parametrize(
    "value",
    [1, "x", [], (), {}, set(), [1, [2.5, ("a",)], {"k": (1, 2)}], (1,), {1: "a", "b": None}, frozenset({3}), {4}],
)
def test_what_is_short_is_written_out_whole(value: object) -> None:
    assert brief(value) == repr(value)


@given(st.recursive(st.integers() | st.text(max_size=9), lambda inner: st.lists(inner) | st.tuples(inner, inner)))
def test_what_is_long_is_cut(value: object) -> None:
    assert brief(value, 30) == repr(value)[:30]


@pytest.mark.parametrize("make", [np.zeros, torch.zeros])
def test_of_an_array_of_many_sides_the_shape_is_written(make: Any) -> None:
    """Each side is cut beyond six entries only: these are a million numbers, and up to half a minute."""
    assert brief(make((2,) * 20)) == f"an array of shape {(2,) * 20}"
    assert brief([make((2,) * 20)]).startswith("[an array of shape (2, 2")
    assert brief(make((1, 2, 1, 2, 1))) == repr(make((1, 2, 1, 2, 1)))[:200]


@given(
    arrays(np.float64, array_shapes(min_dims=2, max_dims=2)), arrays(np.float64, array_shapes(min_dims=2, max_dims=2))
)
def test_another_size_has_no_familiar_form(actual: np.ndarray, expected: np.ndarray) -> None:
    if actual.size != expected.size:
        assert "axes" in (seen := observation(actual, expected, 1e-6)) or "axis" in seen or "swapped" in seen

"""What is said of wrong results whose cause nobody knows is true of all of them, and holds no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograder.grading.diagnosis import Call, LocalAnswer, weight
from autograder.grading.observing import circumstance, forms_of
from autograder.grading.result import Result
from autograder.isolation.proxies import RecordedCall

RIGHT = np.random.default_rng(3).normal(size=(2, 3, 5, 4))
Grade = Callable[..., Result]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (-RIGHT, "The sign is reversed."),
        (2 * RIGHT, "Every value is twice as large as it should be."),
        (RIGHT / 2, "Every value is half as large as it should be."),
        (RIGHT * 0.7, "Every value of a result is off by the same factor."),
        (RIGHT + 3, "Every value of a result is off by the same amount."),
        (0 * RIGHT, "The result is zero everywhere."),
        (np.trunc(RIGHT), "The fractions are lost: the values are those of whole numbers."),
        (RIGHT[:, :, ::-1], "The result is upside down."),
        (RIGHT[..., ::-1], "The result is mirrored left to right."),
        (RIGHT.swapaxes(2, 3), "The result is transposed."),
        (np.roll(RIGHT, 1, axis=2), "The values are shifted by one row."),
        (np.roll(RIGHT, -1, axis=3), "The values are shifted by one column."),
        (RIGHT[:, :, :-1], "The result has one too few along its last axis but one (rows)."),
        (np.pad(RIGHT, ((0, 0), (0, 0), (0, 0), (0, 1))), "The result has one too many along its last axis (columns)."),
        (RIGHT[0], "The result has fewer axes than it should have."),
        (RIGHT.reshape(2, 5, 4, 3), "The values are right, but their arrangement is not."),
        (np.where(RIGHT > 1, np.nan, RIGHT), "The result contains NaN or infinity where it should contain numbers."),
        (RIGHT.tolist(), "The values are right, but their type is not."),
    ],
)
def test_a_familiar_form_is_seen(wrong: Any, sentence: str) -> None:
    assert sentence in forms_of(wrong, RIGHT)


def test_a_wrong_border_and_a_wrong_channel_are_seen() -> None:
    border, channel = RIGHT.copy(), RIGHT.copy()
    border[..., 0, :] = 9
    channel[:, 1] = 9
    assert forms_of(border, RIGHT)[0] == "The result is right except in the first row."
    assert "Only one channel of the result is wrong." in forms_of(channel, RIGHT)


def test_whole_numbers_of_eight_bits_are_seen() -> None:
    assert forms_of(np.array([64, 10]), np.array([1600, 10])) == [
        "The values wrap around, as whole numbers of 8 bits do."
    ]


@pytest.mark.parametrize("wrong", [None, "text", {"a": 1}, np.zeros(0), 1j, [[1], [2, 3]], float("nan")])
def test_nothing_is_said_of_what_has_no_form(wrong: Any) -> None:
    assert all("NaN" in form or "axes" in form for form in forms_of(wrong, RIGHT))


def call(*args: Any, right: bool) -> Call:
    return Call("check", not right, RecordedCall("call", "f", "", args), LocalAnswer(None, "", right))


def test_what_sets_wrong_calls_apart_is_said_by_the_name_of_the_argument() -> None:
    tall, square = np.ones((2, 3)), np.ones((2, 2))
    wrong = [call(tall, 1, right=False), call(tall, 2, right=False)]
    right = [call(square, 1, right=True), call(square, 2, right=True)]
    sentence = circumstance(wrong, right, lambda _, place: ("kernel", "stride")[place])
    assert sentence == "Of all that was tried, it goes wrong where `kernel` is not square, and only there."


def test_a_trait_that_right_calls_have_too_is_not_the_circumstance() -> None:
    tall = np.ones((2, 3))
    calls = [call(tall, 1, right=True), call(tall, 3, right=True)]
    assert circumstance([call(tall, 1, right=False)], calls, lambda _, place: "x") == ""


def test_examples_of_other_checks_alone_do_not_tell_the_circumstance() -> None:
    tall, square = np.ones((2, 3)), np.ones((2, 2))
    by_hand = [call(square, n, right=True) for n in (1, 2)]
    for each in by_hand:
        each.check = "by-hand"
    assert circumstance([call(tall, 1, right=False)], by_hand, lambda _, place: "kernel") == ""


def test_a_truth_value_has_no_form_and_a_single_number_is_not_everywhere() -> None:
    assert forms_of(False, True) == []
    assert forms_of(0, 5) == ["The result is zero."]


def answered(result: Any, error: str = "", op: str = "call") -> RecordedCall:
    return RecordedCall(op, "f", result=result, error=error)


def test_one_number_that_coincides_and_two_equal_errors_weigh_less_than_two() -> None:
    assert weight(answered(3), 4, "") < 2
    assert weight(answered(True), False, "") < 2
    assert weight(answered(0.5), 0.25, "") < 2
    assert weight(answered(None, "ValueError"), 4.0, "") < 1


def test_many_numbers_and_one_that_nobody_works_out_by_hand_weigh_more() -> None:
    assert weight(answered(RIGHT), RIGHT + 1, "") == 8
    assert weight(answered(0.88130539), 0.5, "") == 2
    assert weight(answered(((1.0,), (np.ones(3),)), op="call_with_arguments"), ((1.0,), (np.zeros(3),)), "") == 2


def test_a_mistake_that_nobody_listed_is_described(graded: Grade) -> None:
    wrong = (
        "def row_sums(table):\n    if table.ndim != 2: raise ValueError('table')\n"
        "    return -3 * np.asarray(table).sum(axis=1)"
    )
    seen = {check.check: check.observed for check in graded(row_sums=wrong).checks}
    assert seen["check-row_sums-general"] == "Every value of a result is off by the same factor."


def test_the_place_of_an_error_is_told_with_function_and_line(graded: Grade) -> None:
    helper = "def row_sums(table):\n    def inner(x):\n        return x.no_such_name\n    return inner(table)"
    result = {check.check: check.message for check in graded(row_sums=helper).checks}
    assert result["check-row_sums-by-hand"].startswith(
        "Your code raised AttributeError in `inner`, line 3 of the cell of `row_sums`:"
    )


def test_in_a_hidden_part_the_place_is_told_and_no_text(graded: Grade) -> None:
    telling = (
        "def row_sums(table):\n    if len(table) == 3:\n        raise KeyError(float(table[0, 0]))\n"
        "    if table.ndim != 2: raise ValueError('table')\n    return table.sum(axis=1)"
    )
    result = {check.check: check.message for check in graded(row_sums=telling).checks}
    message = result["check-row_sums-general"]
    assert "KeyError" in message
    assert "in `row_sums`, line 3 of its cell" in message
    assert not any(character.isdigit() for character in message.replace("line 3", "").replace("3 rows, 5 columns", ""))


def inspected(result: Any, arguments: Any, shared: list[Any]) -> RecordedCall:
    return RecordedCall("inspected", "f", args=(RIGHT,), result=(result, (arguments,), {}, shared))


@pytest.mark.parametrize(
    ("exchange", "heavy"),
    [
        (inspected(RIGHT, RIGHT, []), 0.0),
        (inspected(RIGHT, -RIGHT, []), 2.0),
        (inspected(RIGHT, RIGHT, [0]), 2.0),
        (inspected(RIGHT, -RIGHT, ["the result before"]), 4.0),
    ],
)
def test_an_argument_changed_in_place_and_shared_memory_are_evidence(exchange: RecordedCall, heavy: float) -> None:
    assert weight(exchange, (RIGHT, (RIGHT,), {}, []), "") == heavy


def test_in_a_notebook_of_very_many_lines_none_is_told_since_the_choice_of_one_would_tell_the_input(
    graded: Grade,
) -> None:
    choosing = "\n".join(f"    if n == {n}: raise KeyError" for n in range(5000))
    source = f"def row_sums(table):\n    n = int(table[0, 0] * 1000) % 5000\n{choosing}"
    message = {check.check: check.message for check in graded(row_sums=source).checks}["check-row_sums-general"]
    assert message.startswith("Your code raised KeyError")
    assert "line" not in message

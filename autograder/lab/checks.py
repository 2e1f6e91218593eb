"""Compare a result with what was expected, and say what to look at when they differ.

A check either passes silently or raises `CheckFailed`, whose message names what came, what was
expected and where. The summary and the hint hold no values, so that they can be shown to somebody
who must not learn the expected answer; the detail does hold them.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from autograder.lab.array_difference import describe_difference, describe_shape, matches, observation
from autograder.lab.conversion import NotNumeric, to_array

__all__ = ["CheckFailed", "close"]


class CheckFailed(AssertionError):
    """A result is not what the exercise asks for.

    Attributes
    ----------
    summary: one phrase without any value, such as "the shape is wrong".
    detail: what was expected, what came and where; holds values.
    hint: one thing to look at, without any value; may be empty.
    case: the kind of input, such as "a 5×7 image, a 2×3 kernel"; may be empty.
    """

    def __init__(self, summary: str, *, detail: str = "", hint: str = "", case: str = "") -> None:
        self.summary = summary
        self.detail = detail
        self.hint = hint
        self.case = case
        super().__init__(summary)

    def __str__(self) -> str:
        head = f"{self.summary} ({self.case})" if self.case else self.summary
        hint = f"Look at: {self.hint}" if self.hint else ""
        return "\n".join(part for part in (head, self.detail, hint) if part)

    def _render_traceback_(self) -> list[str]:
        """Tell IPython what to show instead of a traceback through the checking code."""
        return [f"Check failed: {self}"]


def close(actual: object, expected: object, tolerance: float = 1e-6, *, case: str = "", hint: str = "") -> None:
    """Pass if ``actual`` has the shape of ``expected`` and its values within the tolerance.

    Parameters
    ----------
    actual, expected: numbers, arrays, torch tensors, or nested lists and tuples of them.
    tolerance: each value may differ by at most ``tolerance * max(1, largest |expected|)``. With 0,
        values must be equal. NaN equals only NaN, and an infinity only itself.
    case: the kind of input, for the message.
    hint: one thing to look at. Without it, close says what it notices: a sign, a flip, a factor.

    Raises
    ------
    CheckFailed: if the shape or any value differs, or if ``actual`` is not numeric.
    """
    want = to_array(expected)
    got = _student_array(actual, want, case, hint)
    if got.shape != want.shape:
        detail = f"expected {describe_shape(want)}, got {describe_shape(got)}"
        raise CheckFailed(
            "the shape is wrong", detail=detail, hint=hint or observation(got, want, tolerance), case=case
        )
    agree = matches(got, want, tolerance)
    if not agree.all():
        detail = describe_difference(got, want, agree, tolerance)
        raise CheckFailed("the values differ", detail=detail, hint=hint or observation(got, want, tolerance), case=case)


def _student_array(actual: object, want: NDArray[Any], case: str, hint: str) -> NDArray[Any]:
    """``actual`` as an array, or a failed check that says why it is none."""
    try:
        return to_array(actual)
    except NotNumeric as problem:
        detail = f"expected {describe_shape(want)}, got {problem}"
        advice = hint or ("does every path through the function end in `return`?" if actual is None else "")
        raise CheckFailed("the result is not a number or an array", detail=detail, hint=advice, case=case) from None

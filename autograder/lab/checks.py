"""The comparison of a result with what was expected, and what to look at when they differ.

A check either passes silently or raises `CheckFailed`, whose message names what came, what was
expected and where. The summary and the hint hold no values, so that they can be shown to somebody
who must not learn the expected answer; the detail holds them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.lab.array_difference import describe_difference, describe_shape, matches, observation
from autograder.lab.conversion import NotNumeric, to_array
from autograder.lab.recognition import Compared, recognised

__all__ = ["CheckFailed", "close"]

KNOWN = "A known mistake gives just this result: "


class CheckFailed(AssertionError):
    """A result that is not what the exercise asks for.

    Attributes:
        summary: one phrase without any value, such as "the shape is wrong".
        detail: what was expected, what came, and the place; holds values.
        hint: one thing to look at, without any value; may be empty.
        case: the kind of input, such as "a 5×7 image, a 2×3 kernel"; may be empty.
        compared: the wrong value and how it was compared, for whoever recognises it; None if it is not numeric.
    """

    compared: Compared | None = None

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
        return [f"Check failed: {self.told}"]

    @property
    def told(self) -> str:
        """The message; instead of the hint the misconception that gives just this wrong value, if the kit knows one.

        A hint has to serve for every mistake, and may well point elsewhere.
        """
        sentence = recognised(self)
        if not sentence:
            return str(self)
        plain = CheckFailed(self.summary, detail=self.detail, case=self.case)
        return f"{plain}\n{KNOWN}{sentence}"


def close(actual: object, expected: object, tolerance: float = 1e-6, *, case: str = "", hint: str = "") -> None:
    """Pass if ``actual`` has the shape of ``expected`` and its values within the tolerance.

    Args:
        actual, expected: numbers, arrays, torch tensors, or nested lists and tuples of them.
        tolerance: each value may differ by at most ``tolerance * max(1, largest |expected|)``. With 0,
            values must be equal. NaN equals only NaN, and an infinity only itself.
        case: the kind of input, for the message.
        hint: one thing to look at. Without it, close names what it notices: a sign, a flip, a factor.

    Raises:
        CheckFailed: if the shape or any value differs, or if ``actual`` is not numeric.
    """
    want = to_array(expected)
    got = _student_array(actual, want, case, hint)
    if got.shape != want.shape:
        detail = f"expected {describe_shape(want)}, got {describe_shape(got)}"
        raise _failed("the shape is wrong", detail, got, want, tolerance, case, hint)
    agree = matches(got, want, tolerance)
    if not agree.all():
        detail = describe_difference(got, want, agree, tolerance)
        raise _failed("the values differ", detail, got, want, tolerance, case, hint)


def _failed(
    summary: str, detail: str, got: NDArray[Any], want: NDArray[Any], tolerance: float, case: str, hint: str
) -> CheckFailed:
    noticed = hint or observation(got, want, tolerance)
    failure = CheckFailed(summary, detail=detail, hint=noticed, case=case)
    scale = float(np.max(np.abs(want), where=np.isfinite(want), initial=1.0))
    failure.compared = Compared(got, scale, tolerance)
    return failure


def _student_array(actual: object, want: NDArray[Any], case: str, hint: str) -> NDArray[Any]:
    """Return ``actual`` as an array, or raise a failed check that shows why it is not one."""
    try:
        return to_array(actual)
    except NotNumeric as problem:
        detail = f"expected {describe_shape(want)}, got {problem}"
        advice = hint or ("does every path through the function end in `return`?" if actual is None else "")
        raise CheckFailed("the result is not a number or an array", detail=detail, hint=advice, case=case) from None

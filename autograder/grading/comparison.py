"""The comparison of two results, for checks and for diagnosis."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from autograder.lab import CheckFailed, close

__all__ = ["agree", "kind_of", "require_same"]

_ARTICLE = {
    "none": "None",
    "truth": "True or False",
    "whole": "a whole number (int)",
    "real": "a number",
    "array": "an array",
    "text": "text",
    "sequence": "a tuple or list",
    "mapping": "a dictionary",
    "set": "a set",
    "other": "an object",
}


def kind_of(value: object) -> str:
    """Return the kind of a result, coarsely: numpy's numbers count as numbers, tensors as arrays."""
    if value is None:
        return "none"
    if isinstance(value, bool | np.bool_):
        return "truth"
    if isinstance(value, numbers.Integral):
        return "whole"
    if isinstance(value, numbers.Number):
        return "real"
    if isinstance(value, np.ndarray) or _is_tensor(value):
        return "array" if value.ndim else _scalar_kind(value)  # type: ignore[attr-defined]
    for types, name in (
        ((str, bytes), "text"),
        ((tuple, list), "sequence"),
        ((dict,), "mapping"),
        ((set, frozenset), "set"),
    ):
        if isinstance(value, types):
            return name
    return "other"


def _is_tensor(value: object) -> bool:
    return type(value).__module__.startswith("torch") and hasattr(value, "detach")


def _scalar_kind(value: Any) -> str:
    kind = np.asarray(value.detach() if _is_tensor(value) else value).dtype.kind
    return {"b": "truth", "i": "whole", "u": "whole"}.get(kind, "real")


def require_same(actual: Any, expected: Any, tolerance: float, case: str = "", hint: str = "") -> None:
    """Pass if ``actual`` is of the kind of ``expected`` and its values agree, part by part.

    Whole numbers must be equal and whole. A real number may come as a whole one, an array as nested lists.

    Raises:
        CheckFailed: something differs; names it; its summary holds no value.
    """
    wanted, got = kind_of(expected), kind_of(actual)
    if wanted in ("real", "array"):
        close(actual, expected, tolerance, case=case, hint=hint)
    elif wanted in ("sequence", "mapping"):
        _require_same_parts(actual, expected, tolerance, case, hint)
    elif wanted != got:
        raise CheckFailed(
            f"the result should be {_ARTICLE[wanted]}, not {_ARTICLE[got]}",
            detail=f"expected {expected!r}, got {actual!r}"[:400],
            hint=hint,
            case=case,
        )
    elif not (_is_same_object(actual, expected) if wanted == "other" else actual == expected):
        raise CheckFailed(
            "the value is wrong", detail=f"expected {expected!r}, got {actual!r}"[:400], hint=hint, case=case
        )


def _is_same_object(actual: Any, expected: Any) -> bool:
    """Return whether two values of rarer kinds are the same: a type, a range, a slice. A student's object never is."""
    return type(actual) is type(expected) and bool(actual == expected)


def _require_same_parts(actual: Any, expected: Any, tolerance: float, case: str, hint: str) -> None:
    kind = kind_of(expected)
    if kind == "sequence" and kind_of(actual) == "array":
        actual = list(actual)
    if kind_of(actual) != kind:
        raise CheckFailed(
            f"the result should be {_ARTICLE[kind]}, not {_ARTICLE[kind_of(actual)]}", hint=hint, case=case
        )
    if len(actual) != len(expected):
        detail = f"expected {len(expected)}, got {len(actual)}"
        raise CheckFailed("the result has the wrong number of parts", detail=detail, hint=hint, case=case)
    if kind == "mapping" and set(actual) != set(expected):
        detail = f"expected {sorted(map(str, expected))}, got {sorted(map(str, actual))}"[:400]
        raise CheckFailed("the result's keys are wrong", detail=detail, hint=hint, case=case)
    for key in expected if kind == "mapping" else range(len(expected)):
        part = f"part {key + 1}" if kind == "sequence" else f"{key!r}"
        require_same(actual[key], expected[key], tolerance, ", ".join(filter(None, (case, part))), hint)


def agree(left: Any, right: Any, tolerance: float = 1e-6, *, strict: bool = True) -> bool:
    """Return whether two results are the same in value, within ``tolerance``, and in kind.

    Unless ``strict``, a whole number agrees with a real one of the same value.
    """
    kinds = {kind_of(left), kind_of(right)}
    as_numbers = not strict and kinds == {"whole", "real"}
    if len(kinds) > 1 and not as_numbers:
        return False
    if kind_of(left) == "other":
        return type(left).__name__ == type(right).__name__
    try:
        if as_numbers:
            left, right = float(left), float(right)
        require_same(left, right, tolerance)
    except (CheckFailed, TypeError, ValueError, ArithmeticError):  # complex, or too large for a float
        return False
    return True

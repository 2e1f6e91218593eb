"""The evidence of a call: new or shared memory, arguments changed or not, results that agree in every part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.lab.checks import CheckFailed, close
from autograder.lab.variants import Position, every_place, joined

__all__ = ["agree_in_parts", "is_a", "names_word", "require_dtype", "shared_places", "untouched"]


def is_a(value: Any, kind: type) -> bool:
    """Return whether the value is of this class; numpy's numbers count as Python's, True and False only as bool."""
    if isinstance(value, bool | np.bool_) and kind is not bool:
        return False
    numbers: dict[type, tuple[type, ...]] = {
        bool: (bool, np.bool_),
        int: (int, np.integer),
        float: (float, np.floating),
    }
    return isinstance(value, numbers.get(kind, (kind,)))


def require_dtype(value: Any, dtype: Any, case: str) -> None:
    """Require this dtype of the value, or of each part of it, or raise CheckFailed; None allows any."""
    if dtype is None:
        return
    wanted = str(np.dtype(dtype) if not str(dtype).startswith("torch.") else dtype)
    for part in value if isinstance(value, tuple | list) else (value,):
        found = str(getattr(part, "dtype", type(part).__name__))
        if found != wanted and not (wanted == "float64" and type(part) is float):
            detail = f"expected {wanted}, got {found}"
            raise CheckFailed("the result has another type of numbers than promised", detail=detail, case=case)


def untouched(before: Any, after: Any) -> bool:
    """Return whether two arguments are the same, bit for bit for data; for a network, its mode, too."""
    if hasattr(before, "state_dict") and hasattr(before, "training"):
        same_mode = before.training is after.training
        return same_mode and untouched(dict(before.state_dict()), dict(after.state_dict()))
    if isinstance(before, dict):
        return (
            isinstance(after, dict)
            and list(before) == list(after)
            and all(untouched(before[k], after[k]) for k in before)
        )
    if isinstance(before, tuple | list):
        return len(before) == len(after) and all(map(untouched, before, after))
    if hasattr(before, "dtype") and hasattr(before, "shape"):
        if not hasattr(after, "dtype") or (before.dtype, before.shape) != (after.dtype, after.shape):
            return False
        one, other = (np.asarray(each.detach() if hasattr(each, "detach") else each) for each in (before, after))
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
    return True if not isinstance(before, bool | int | float | str | set) else bool(before == after)


def shared_places(result: Any, args: Sequence[Any], kwargs: Mapping[str, Any], before: Any = None) -> list[Position]:
    """Return the positions and names of the arguments that an array of the result shares memory with, or is.

    ``before`` is the result of the call before; if memory is shared with that, "the result before" is among them.
    """
    parts = list(_arrays(result))
    found = [place for place, value in every_place(tuple(args), dict(kwargs)) if _share(parts, value)]
    return [*found, "the result before"] if _share(parts, before) else found


def _arrays(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | tuple | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _arrays(part)
    elif isinstance(value, np.ndarray):
        yield value
    elif hasattr(value, "detach") and hasattr(value, "numpy"):
        yield value.detach().cpu().numpy()


def _share(parts: Sequence[Any], value: Any) -> bool:
    return any(np.may_share_memory(part, other) for other in _arrays(value) for part in parts)


def names_word(text: str, word: str) -> bool:
    """Return whether ``text`` contains ``word`` as a whole word; an empty ``word`` always counts."""
    return not word or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def agree_in_parts(actual: Any, expected: Any, tolerance: float, case: str = "", hint: str = "") -> None:
    """Compare as `close` does, also tuples, lists or dictionaries of different parts."""
    if isinstance(expected, dict) and isinstance(actual, dict) and set(actual) == set(expected):
        for key in expected:
            agree_in_parts(actual[key], expected[key], tolerance, joined(case, repr(key)), hint)
    elif isinstance(expected, tuple | list) and isinstance(actual, tuple | list) and len(actual) == len(expected):
        for number, parts in enumerate(zip(actual, expected, strict=True), 1):
            agree_in_parts(*parts, tolerance, joined(case, f"part {number}"), hint)
    elif isinstance(expected, str | dict | None):
        if actual != expected:
            raise CheckFailed(
                "the value is wrong", detail=f"expected {expected!r}, got {actual!r}"[:400], hint=hint, case=case
            )
    else:
        close(actual, expected, tolerance, case=case, hint=hint)

"""The conversion of numbers, arrays, tensors and nested lists of them to one numpy array."""

from __future__ import annotations

import numbers
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NotNumeric", "loaded_torch", "to_array"]


class NotNumeric(TypeError):
    """A value that is neither a number nor a regular array of numbers; its text describes the value."""


def to_array(value: object) -> NDArray[Any]:
    """Return the value as an array of bool, int, float or complex.

    Integers of any size are accepted; those past 64 bits become float64. Tensors are detached from
    their graph. Lists and tuples may hold anything that is accepted alone, all of one shape.

    Raises:
        NotNumeric: for None, text, objects, and lists whose rows differ in length.
    """
    if isinstance(value, np.ndarray | np.generic):
        return _numeric(np.asarray(value))
    if isinstance(value, numbers.Number):
        return _numeric(np.asarray(value))
    if isinstance(value, list | tuple):
        return _stacked(value)
    if _is_tensor(value):
        return _numeric(value.detach().cpu().resolve_conj().resolve_neg().numpy())  # type: ignore[attr-defined]
    raise NotNumeric("None" if value is None else f"a value of type {type(value).__name__}")


def _stacked(values: list[Any] | tuple[Any, ...]) -> NDArray[Any]:
    if not values:
        return np.zeros(0)
    rows = [to_array(value) for value in values]
    shapes = {row.shape for row in rows}
    if len(shapes) > 1:
        raise NotNumeric(f"a {type(values).__name__} of {len(values)} parts that differ in shape")
    return np.stack(rows)


def loaded_torch() -> Any:
    """Return the torch module; None before anything has loaded it, when nothing is a tensor. Loading takes a second."""
    return sys.modules.get("torch")


def _is_tensor(value: object) -> bool:
    torch = loaded_torch()
    return torch is not None and isinstance(value, torch.Tensor)


def _numeric(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind in "biufc":
        return array
    if array.dtype.kind == "O" and all(isinstance(item, numbers.Real) for item in array.flat):
        return array.astype(np.float64)
    raise NotNumeric(f"an array of dtype {array.dtype}")

"""Arrays with the same values but another layout in memory, as slices, transpositions and files give them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYOUTS", "Laid", "laid"]

LAYOUTS = ("non-contiguous", "Fortran order", "reversed", "read-only")


def laid(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """Return a new array with the values of ``array`` in this layout.

    ``non-contiguous``: every second entry of a wider array; ``Fortran order``: columns first; ``reversed``: negative
    strides along every axis; ``read-only``: cannot be assigned to. An array without axes can only be read-only.

    Raises:
        ValueError: ``layout`` is not one of `LAYOUTS`.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    elif layout == "Fortran order":
        array = array.copy(order="F")
    elif layout == "reversed":
        backwards = (slice(None, None, -1),) * array.ndim
        array = np.ascontiguousarray(array[backwards])[backwards] if array.ndim else array.copy()
    else:
        array = _every_second(array) if array.ndim else array.copy()
    return array


def _every_second(array: NDArray[Any]) -> NDArray[Any]:
    wide = np.repeat(array, 2, axis=-1)
    wide[..., 1::2] = 0
    return wide[..., ::2]


class Laid:
    """An array on its way to a function; it gets its layout where the function runs.

    Attributes:
        array: the values.
        layout: one of `LAYOUTS`.
    """

    __slots__ = ("array", "layout")

    def __init__(self, array: NDArray[Any], layout: str) -> None:
        self.array = array
        self.layout = layout

    def __deepcopy__(self, memo: object) -> NDArray[Any]:
        """Return the array in its layout: a copy is what the function gets."""
        return laid(self.array, self.layout)

"""Tests that compare two entries on the same images, and the correction for making several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

__all__ = ["holm", "mcnemar"]


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the p-value of the exact, two-sided McNemar test (McNemar 1947, Psychometrika 12:153).

    Under the hypothesis that both entries are equally good, an image that only one answers rightly is a fair coin.

    Args:
        only_first, only_second: images that only the one, only the other answers rightly.
    """
    flips = only_first + only_second
    return min(1.0, 2 * float(binom.cdf(min(only_first, only_second), flips, 0.5))) if flips else 1.0


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Return the corrected values of Holm's step-down correction (Holm 1979), in the given order.

    Args:
        p: shape (m,), the values of m tests of one family.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factors = np.arange(values.size, 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return corrected

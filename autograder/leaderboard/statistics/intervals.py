"""Confidence intervals for shares of right answers and for the difference between two entries."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

__all__ = ["bonett_price", "paired_mean", "wilson"]

Floats = NDArray[np.float64]


def wilson(right: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return Wilson's score interval for a share (E. B. Wilson 1927, JASA 22:209).

    Args:
        right: right answers, any shape; may be fractional where several trainings were averaged.
        of: answers, broadcast against ``right``; at least 1.

    Returns:
        Lower and upper bounds between 0 and 1, of the broadcast shape.
    """
    x, n = np.asarray(right, dtype=np.float64), np.asarray(of, dtype=np.float64)
    z = _quantile(confidence)
    share = x / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At the ends the bounds are exactly 0 and 1; subtraction would leave 1e-17.
    return np.where(x == 0, 0.0, centre - half), np.where(x == n, 1.0, centre + half)


def bonett_price(
    only_first: ArrayLike, only_second: ArrayLike, images: ArrayLike, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the interval for the difference of two shares on the same images (Bonett and Price 2012, JEBS 37:479).

    Args:
        only_first, only_second: images that only the one, only the other answers rightly; any shape.
        images: the number of images that both answered.

    Returns:
        Lower and upper bounds of first minus second, between −1 and 1.
    """
    n = np.asarray(images, dtype=np.float64) + 2
    first = (np.asarray(only_first, dtype=np.float64) + 1) / n
    second = (np.asarray(only_second, dtype=np.float64) + 1) / n
    difference = first - second
    half = _quantile(confidence) * np.sqrt((first + second - difference**2) / n)
    return np.maximum(difference - half, -1.0), np.minimum(difference + half, 1.0)


def paired_mean(differences: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval for a mean of per-image differences, which several trainings make more than −1, 0 and 1.

    Args:
        differences: shape (images,), at least two.
    """
    values = np.asarray(differences, dtype=np.float64)
    half = _quantile(confidence) * float(values.std(ddof=1)) / float(np.sqrt(values.size))
    return float(values.mean()) - half, float(values.mean()) + half


def _quantile(confidence: float) -> float:
    return float(norm.ppf(0.5 + confidence / 2))

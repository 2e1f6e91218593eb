"""The results of several filters on one photograph."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
from numpy.typing import ArrayLike

from autograder.lab.conversion import to_array
from autograder.lab.figures import picture, show, show_matrix, value_limits

__all__ = ["show_filters"]


def show_filters(
    image: ArrayLike,
    kernels: Mapping[str, ArrayLike],
    operation: Callable[..., ArrayLike],
    *,
    title: str = "",
) -> None:
    """Draw the photograph, and under each kernel's numbers the result of ``operation(image, kernel)``.

    Args:
        image: shape (H, W).
        kernels: the name and the matrix of each filter.
        operation: your own function; it is given the image and one kernel, both as arrays.

    Where a kernel's weights add up to zero, mid-grey is zero in its result: darker is negative, lighter
    is positive. Other results are drawn with the photograph's own black and white.

    Raises:
        ValueError: if there are no kernels.
    """
    if not kernels:
        raise ValueError("kernels holds none")
    pixels = picture(image)
    side = 2.3
    figure, axes = plt.subplots(
        2,
        len(kernels) + 1,
        figsize=(side * (len(kernels) + 1), side * (0.62 + pixels.shape[0] / pixels.shape[1]) + 0.7),
        height_ratios=[0.62, pixels.shape[0] / pixels.shape[1]],
    )
    axes[0, 0].axis("off")
    show(pixels, axes[1, 0], title="the photograph")
    for (name, kernel), (above, below) in zip(kernels.items(), axes.T[1:], strict=True):
        show_matrix(to_array(kernel), above, title=name, signed=True)
        difference = abs(to_array(kernel).sum()) < 1e-9
        limits = None if difference else value_limits([pixels], signed=False)
        show(operation(pixels, to_array(kernel)), below, signed=difference, limits=limits)
    if title:
        figure.suptitle(title, x=0.01, ha="left")

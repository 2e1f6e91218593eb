"""Drawings of a kernel at every position of an image, while the feature map fills up."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from autograder.lab.conversion import to_array
from autograder.lab.figures import font_size, frame, number, show_matrix, value_limits

__all__ = ["sweep", "sweep_step"]

Floats = NDArray[np.float64]
WEIGHT = "#9A3412"  # the frame's orange, dark enough to be read on grey
SIDE = 0.36  # inches of a cell's side
LARGEST = 12  # an image with a longer side than this has cells too small to read


def sweep(
    image: ArrayLike,
    kernel: ArrayLike,
    feature_map: ArrayLike,
    *,
    stride: int = 1,
    positions: int = 9,
    columns: int = 3,
    title: str = "",
) -> None:
    """Draw the kernel on the image, position by position, beside the feature map so far.

    The weights are in the corner of each pixel under the kernel. The feature map is yours: nothing
    is computed here, so a wrong number shows up where it came from.

    Args:
        image: shape (H, W), at most 12×12.
        kernel: shape (kh, kw), at most as large as the image. Pass it flipped to show a convolution.
        feature_map: shape ((H - kh) // stride + 1, (W - kw) // stride + 1).
        positions: the number of positions to draw. If there are more, they are taken evenly from the first to the last.
        columns: the number of positions in a row.

    Raises:
        ValueError: if a shape is none of these.
    """
    pixels, weights, values = (to_array(a).astype(np.float64) for a in (image, kernel, feature_map))
    _require_shapes(pixels, weights, values, stride)
    steps = _chosen(values.size, positions)
    columns = min(columns, len(steps))
    rows = -(-len(steps) // columns)
    figure, axes = plt.subplots(
        rows,
        2 * columns,
        squeeze=False,
        figsize=(_panel_width(pixels, values) * columns, _panel_height(pixels) * rows + (0.4 if title else 0)),
        width_ratios=[pixels.shape[1], values.shape[1]] * columns,
    )
    for ax in axes.flat:
        ax.axis("off")
    for step, (left, right) in zip(steps, _pairs(axes), strict=False):
        _draw_step(left, right, pixels, weights, values, stride, step)
    if title:
        figure.suptitle(title, x=0.01, ha="left")


def sweep_step(
    image: ArrayLike, kernel: ArrayLike, feature_map: ArrayLike, row: int, column: int, *, stride: int = 1
) -> None:
    """Draw one position of the kernel alone: the one whose result is ``feature_map[row, column]``.

    Raises:
        ValueError: if a shape is none of those that `sweep` takes, or if there is no such position.
    """
    pixels, weights, values = (to_array(a).astype(np.float64) for a in (image, kernel, feature_map))
    _require_shapes(pixels, weights, values, stride)
    if not (0 <= row < values.shape[0] and 0 <= column < values.shape[1]):
        raise ValueError(f"row and column must lie in a feature map of shape {values.shape}, not at {row}, {column}")
    widths = [pixels.shape[1], values.shape[1]]
    size = (_panel_width(pixels, values), _panel_height(pixels))
    _, (left, right) = plt.subplots(1, 2, figsize=size, width_ratios=widths)
    _draw_step(left, right, pixels, weights, values, stride, row * values.shape[1] + column)


def _draw_step(
    left: Axes, right: Axes, pixels: Floats, weights: Floats, values: Floats, stride: int, step: int
) -> None:
    row, column = divmod(step, values.shape[1])
    top, start = row * stride, column * stride
    window = (slice(top, top + weights.shape[0]), slice(start, start + weights.shape[1]))
    size = font_size(SIDE, max(len(number(value)) for value in pixels.flat))
    show_matrix(pixels, left, title=f"position {row}, {column}", fontsize=size)
    frame(left, window, pixels.shape)
    _write_weights(left, weights, top, start)
    size = font_size(SIDE, max(len(number(value)) for value in values.flat))
    limits = value_limits([values], signed=False)
    show_matrix(_so_far(values, step), right, title="so far", limits=limits, fontsize=size)
    frame(right, (slice(row, row + 1), slice(column, column + 1)), values.shape)


def _write_weights(ax: Axes, weights: Floats, top: int, start: int) -> None:
    """Write each weight in the lower right corner of the pixel that it is multiplied with."""
    texts = {(m, n): f"×{number(weight)}" for (m, n), weight in np.ndenumerate(weights)}
    size = min(7.5, font_size(SIDE, max(map(len, texts.values()))))
    for (m, n), text in texts.items():
        ax.text(
            start + n + 0.45,
            top + m + 0.44,
            text,
            ha="right",
            va="bottom",
            color=WEIGHT,
            fontsize=size,
            fontweight="bold",
        )


def _so_far(values: Floats, step: int) -> Floats:
    """Return the values up to this step, the others NaN."""
    return np.where(np.arange(values.size).reshape(values.shape) <= step, values, np.nan)


def _chosen(count: int, positions: int) -> list[int]:
    if positions < 1:
        raise ValueError(f"positions must be at least 1, not {positions}")
    return sorted({round(step) for step in np.linspace(0, count - 1, min(positions, count)).tolist()})


def _pairs(axes: NDArray[np.object_]) -> Iterator[tuple[Axes, Axes]]:
    for row in axes:
        yield from zip(row[::2], row[1::2], strict=True)


def _panel_width(pixels: Floats, values: Floats) -> float:
    return SIDE * float(pixels.shape[1] + values.shape[1]) + 0.4


def _panel_height(pixels: Floats) -> float:
    return SIDE * float(pixels.shape[0]) + 0.45


def _require_shapes(pixels: Floats, weights: Floats, values: Floats, stride: int) -> None:
    if pixels.ndim != 2 or max(pixels.shape) > LARGEST:
        raise ValueError(f"image must have shape (H, W), at most {LARGEST}×{LARGEST}, not {pixels.shape}")
    if weights.ndim != 2 or any(k > n for k, n in zip(weights.shape, pixels.shape, strict=True)):
        raise ValueError(f"kernel must have two axes and fit on the image, not shape {weights.shape}")
    if stride < 1:
        raise ValueError(f"stride must be at least 1, not {stride}")
    wanted = tuple((n - k) // stride + 1 for n, k in zip(pixels.shape, weights.shape, strict=True))
    if values.shape != wanted:
        raise ValueError(f"feature_map must have shape {wanted}, not {values.shape}")

"""Drawings of named curves, of filters' results, and of a kernel on its way over an image.

Each curve has its name beside it. Several filters are shown on one photograph. A kernel is drawn at one position of an
image after the other, while the feature map fills up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from autograder.lab.arrays import to_array
from autograder.lab.figures import font_size, frame, number, picture, show, show_matrix, value_limits

__all__ = ["show_curves", "show_filters", "sweep", "sweep_step"]


# ---- named curves


def show_curves(
    curves: Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    x: ArrayLike | None = None,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    log: bool = False,
    mark: float | None = None,
    mark_label: str = "",
) -> None:
    """Draw named curves over one axis, each with its name at its right end.

    Args:
        curves: the name and values of each, shape (N,); shape (R, N) for R repeated runs, drawn
            as their mean within a band from the smallest to the largest.
        x: shape (N,), common to all; by default 1, 2, 3, … as epochs are counted.
        xlabel, ylabel: the names of the axes, with the unit.
        log: draw a logarithmic vertical axis.
        mark, mark_label: the x of a vertical line, and its meaning.

    Raises:
        ValueError: if a curve is not of x's length.
    """
    ax = ax if ax is not None else plt.subplots()[1]
    for name, values in curves.items():
        runs = np.atleast_2d(to_array(values).astype(np.float64))
        positions = np.arange(1, runs.shape[1] + 1) if x is None else to_array(x)
        if positions.shape != runs.shape[1:]:
            raise ValueError(f"x must have shape {runs.shape[1:]}, as {name!r} has, not {positions.shape}")
        (line,) = ax.plot(positions, runs.mean(axis=0), label=name)
        if len(runs) > 1:
            ax.fill_between(positions, runs.min(axis=0), runs.max(axis=0), color=line.get_color(), alpha=0.15)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if mark is not None:
        _mark(ax, mark, mark_label)
    _name_lines(ax, list(curves), log)


def _mark(ax: Axes, position: float, label: str) -> None:
    ax.axvline(position, color="#666666", linestyle="-", linewidth=1, zorder=1)
    ax.annotate(
        label, (position, 1), xycoords=("data", "axes fraction"), xytext=(4, -2),
        textcoords="offset points", va="top", color="#444444", fontsize="small",
    )  # fmt: skip


def _name_lines(ax: Axes, names: list[str], log: bool) -> None:
    """Write each name at its line's end, moved up or down where two would overlap."""
    lines = [line for line in ax.get_lines() if line.get_label() in names]
    ends = np.array([_last_finite(line.get_ydata()) for line in lines])
    low, high = ax.get_ylim()
    scaled = np.log(ends / low) / np.log(high / low) if log else (ends - low) / (high - low)
    for line, height in zip(lines, spread(scaled, 0.07), strict=True):
        ax.annotate(
            str(line.get_label()), (1.01, height), xycoords="axes fraction", va="center",
            color=line.get_color(), annotation_clip=False,
        )  # fmt: skip


def _last_finite(values: ArrayLike) -> float:
    numbers = np.asarray(values, dtype=np.float64)
    finite = numbers[np.isfinite(numbers)]
    return float(finite[-1]) if finite.size else 0.0


def spread(heights: ArrayLike, gap: float) -> list[float]:
    """Return the heights moved apart, in their order, until neighbours are at least ``gap`` apart."""
    wanted = np.asarray(heights, dtype=np.float64)
    order = np.argsort(wanted, kind="stable")
    placed = wanted[order]
    for _ in range(100):
        short = np.maximum(gap - np.diff(placed), 0)
        if not (short > 1e-9).any():
            break
        placed[:-1] -= short / 2
        placed[1:] += short / 2
    result = np.empty_like(placed)
    result[order] = placed
    return [float(height) for height in result]


# ---- filters on one photograph


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


# ---- a kernel on its way

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

"""Drawings of images, grids of images, and matrices with their numbers.

Every function draws into ``ax`` if it is given one, and into a new figure otherwise. Light is large:
in signed pictures zero is mid-grey, negative values are darker and positive ones lighter, so that
nothing is said by hue alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from autograder.lab.alternative_text import describe_figures
from autograder.lab.arrays import to_array

__all__ = ["show", "show_grid", "show_matrix", "style"]

ACCENT = "#D55E00"
FRAME = "#888888"
CELL = 0.55  # inches a number takes in show_matrix

Limits = tuple[float, float]


def style() -> None:
    """Make every figure from here on look like the course's figures, with a description in words."""
    plt.style.use(Path(__file__).with_name("course.mplstyle"))
    describe_figures()


def show(
    image: ArrayLike,
    ax: Axes | None = None,
    *,
    title: str = "",
    signed: bool = False,
    limits: Limits | None = None,
    colorbar: bool = False,
) -> None:
    """Draw an image in grey.

    Args:
        image: shape (H, W) or (1, H, W), or (H, W, 3) in colour.
        signed: let mid-grey be zero, with limits of equal size on both sides.
        limits: the values shown black and white; by default the smallest and the largest.
        colorbar: show the values of the greys beside the image.
    """
    pixels = picture(image)
    ax = ax if ax is not None else plt.subplots(figsize=_figure_size(pixels))[1]
    low, high = limits or value_limits([pixels], signed)
    drawn = ax.imshow(pixels, cmap="gray", vmin=low, vmax=high)
    _bare(ax)
    ax.set_title(title, fontsize="medium")
    if colorbar:
        bar = ax.figure.colorbar(drawn, cax=ax.inset_axes((1.03, 0, 0.05, 1)))
        bar.outline.set_visible(False)


def show_grid(
    images: Sequence[ArrayLike] | NDArray[Any],
    titles: Sequence[object] | None = None,
    *,
    columns: int | None = None,
    title: str = "",
    signed: bool = False,
    limits: Limits | None = None,
    same_scale: bool = False,
    size: float | None = None,
) -> None:
    """Draw many images side by side, in rows.

    Args:
        images: each of shape (H, W), (1, H, W) or (H, W, 3).
        titles: one for each image, such as its label.
        columns: the number of images in a row; by default ten, or a smaller number that leaves no gap.
        same_scale: let a grey mean one value in all of them; otherwise each has its own black and white.
        limits: the values shown black and white in all of them.
        size: the width of an image in inches; by default the one that fills the page, from 1.3 to 2.6.

    Raises:
        ValueError: if there are no images, or titles of another number.
    """
    pictures = [picture(image) for image in images]
    if not pictures:
        raise ValueError("images holds none")
    columns = min(columns or _fitting_columns(len(pictures)), len(pictures))
    rows = -(-len(pictures) // columns)
    size = size or float(np.clip(9.5 / columns, 1.3, 2.6))
    names = _titles(titles, len(pictures), size)
    tallest = max(image.shape[0] / image.shape[1] for image in pictures)
    height = size * tallest + 0.1 + 0.2 * max(name.count("\n") + bool(name) for name in names)
    figure, axes = plt.subplots(
        rows, columns, squeeze=False, figsize=(size * columns, height * rows + (0.4 if title else 0))
    )
    common = limits or (value_limits(pictures, signed) if same_scale else None)
    for ax in axes.flat[len(pictures) :]:
        ax.axis("off")
    for image, name, ax in zip(pictures, names, axes.flat, strict=False):
        show(image, ax, title=name, signed=signed, limits=common)
    if title:
        figure.suptitle(title, x=0.01, ha="left")


def show_matrix(
    matrix: ArrayLike,
    ax: Axes | None = None,
    *,
    title: str = "",
    signed: bool = False,
    limits: Limits | None = None,
    highlight: tuple[slice, slice] | None = None,
    decimals: int = 2,
    fontsize: float | None = None,
) -> None:
    """Draw a matrix as cells with their numbers, light cells for large values and an empty cell for NaN.

    Args:
        matrix: shape (H, W), or (N,) for a row.
        highlight: the rows and columns to frame, as in ``matrix[highlight]``.
        decimals: the number of decimals of a fraction; whole numbers have none.
        fontsize: the size in points; by default as large as fits.
    """
    values = np.atleast_2d(to_array(matrix)).astype(np.float64)
    height, width = values.shape
    side = CELL if ax is None else cell_side(ax, values.shape)
    ax = ax if ax is not None else plt.subplots(figsize=(CELL * width + 0.3, CELL * height + 0.5))[1]
    low, high = limits or value_limits([values], signed)
    ax.imshow(_tint(values, low, high), cmap="gray", vmin=0, vmax=1)
    texts = [[number(value, decimals) for value in row] for row in values]
    size = fontsize or font_size(side, max(len(text) for row in texts for text in row))
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            ax.text(column, row, texts[row][column], ha="center", va="center", color="black", fontsize=size)
    draw_cells(ax, height, width)
    if highlight is not None:
        frame(ax, highlight, values.shape)
    ax.set_title(title, fontsize="medium")


def picture(image: ArrayLike) -> NDArray[Any]:
    """Return the image with a leading axis of one channel removed: shape (H, W) or (H, W, 3).

    Raises:
        ValueError: for any other shape.
    """
    pixels = to_array(image)
    if pixels.ndim == 3 and pixels.shape[0] == 1:
        pixels = pixels[0]
    if pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3):
        return pixels.astype(np.float64) if pixels.ndim == 2 else pixels
    raise ValueError(f"image must have shape (H, W), (1, H, W) or (H, W, 3), not {pixels.shape}")


def value_limits(pictures: Sequence[NDArray[Any]], signed: bool) -> Limits:
    """Return the values to show black and white: the extremes, or plus and minus the larger of the two."""
    finite = [p[np.isfinite(p)] for p in pictures]
    low = min((float(p.min()) for p in finite if p.size), default=0.0)
    high = max((float(p.max()) for p in finite if p.size), default=1.0)
    if signed:
        high = max(-low, high) or 1.0
        return -high, high
    return low, high if high > low else low + 1.0


def number(value: float, decimals: int = 2) -> str:
    """Return the value as text for a cell: no trailing zeros, a true minus sign."""
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("-", "−")


def cell_side(ax: Axes, shape: tuple[int, ...]) -> float:
    """Return the side of a cell, in inches, if a matrix of this shape fills the axes."""
    box = ax.get_window_extent()
    return float(min(box.height / shape[0], box.width / shape[1]) / ax.figure.dpi)


def font_size(side: float, characters: int) -> float:
    """Return the font size, at most 10.5 points, at which the characters fit a cell with this side in inches."""
    return float(np.clip(0.85 * side * 72 / (0.62 * max(characters, 2)), 4.5, 10.5))


def draw_cells(ax: Axes, height: int, width: int) -> None:
    """Draw lines between cells, and no ticks."""
    _bare(ax)
    for x in np.arange(width + 1) - 0.5:
        ax.plot([x, x], [-0.5, height - 0.5], color=FRAME, linestyle="-", linewidth=0.8, clip_on=False)
    for y in np.arange(height + 1) - 0.5:
        ax.plot([-0.5, width - 0.5], [y, y], color=FRAME, linestyle="-", linewidth=0.8, clip_on=False)


def frame(ax: Axes, where: tuple[slice, slice], shape: tuple[int, ...]) -> None:
    """Draw a thick frame around the rows and columns ``where`` of a drawn matrix of this shape."""
    (top, bottom, _), (left, right, _) = (part.indices(side) for part, side in zip(where, shape, strict=True))
    ax.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5),
            right - left,
            bottom - top,
            fill=False,
            edgecolor=ACCENT,
            linewidth=2.5,
            zorder=5,
            clip_on=False,
        )
    )


def _tint(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return greys from 0.72 to 1, on which black text can be read; an empty cell is white."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.where(np.isnan(values), 1.0, 0.72 + 0.28 * share)


def _bare(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _titles(titles: Sequence[object] | None, count: int, size: float) -> list[str]:
    """Return one text for each image, broken into lines that fit its width in inches."""
    if titles is None:
        return [""] * count
    if len(titles) != count:
        raise ValueError(f"titles must hold {count}, one for each image, not {len(titles)}")
    return [textwrap.fill(str(title), max(int(size * 12), 6)) for title in titles]


def _fitting_columns(count: int) -> int:
    """Return the most columns up to ten that fill every row, or eight where fewer than four would."""
    return next((columns for columns in range(10, 3, -1) if count % columns == 0), 8)


def _figure_size(pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the size in inches: 4 along the longer side."""
    height, width = pixels.shape[:2]
    longer = max(height, width)
    return max(4 * width / longer, 1.2), max(4 * height / longer, 1.2) + 0.4

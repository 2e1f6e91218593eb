"""Curves with their names beside them."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from autograder.lab.conversion import to_array

__all__ = ["show_curves"]


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

"""A description in words of each figure of a notebook, for those who cannot see it: titles, axes, what is drawn."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

__all__ = ["alternative_text", "describe_figures"]

FloatArray = NDArray[np.float64]
_LONGEST = 1000
_MOST_CURVES = 6
# Read by screen readers and not seen. JupyterLab gives its pictures an empty alt, so the words are beside them.
_HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"


def alternative_text(figure: Figure) -> str:
    """Return a figure in words: the title of each panel, the names of its axes, and what is drawn in it.

    Curves are described by their beginning, end and extremes, images by their size and range of values, bars by the
    lowest and the highest.
    """
    title = figure.get_suptitle()
    panels = [text for axes in figure.axes if (text := _panel(axes))]
    text = " ".join([_sentence(title)] * bool(title) + [_sentence(panel) for panel in dict.fromkeys(panels)])
    return f"{text[: _LONGEST - 1]}…" if len(text) > _LONGEST else text or "A figure without words."


def _panel(axes: Axes) -> str:
    title = next(filter(None, (axes.get_title(loc=place) for place in ("left", "center", "right"))), "")
    across, up = axes.get_xlabel(), axes.get_ylabel()
    labels = [f"{up} against {across}"] if across and up else list(filter(None, (up, across)))
    drawn = [*_curves(axes), *_bars(axes), *_images(axes)]
    return "; ".join(filter(None, (title, *labels, *drawn))).replace("\n", " ")


def _curves(axes: Axes) -> list[str]:
    told = [text for line in axes.get_lines() if (text := _curve(line))]
    more = [f"{len(told) - _MOST_CURVES} more curves"] if len(told) > _MOST_CURVES else []
    return told[:_MOST_CURVES] + more


def _curve(line: Line2D) -> str:
    """Return the beginning, end and extremes of a curve in words; empty for lines that only guide the eye."""
    across, up = (np.asarray(each, dtype=float) for each in (line.get_xdata(), line.get_ydata()))
    seen = np.isfinite(across) & np.isfinite(up) if across.shape == up.shape else np.zeros(0, dtype=bool)
    if seen.sum() < 3:  # two points: a grid, an axis, a threshold
        return ""
    across, up = across[seen], up[seen]
    name = "a curve" if str(line.get_label()).startswith("_") else str(line.get_label())
    text = f"{name} goes from {up[0]:.3g} to {up[-1]:.3g}"
    low, high = int(up.argmin()), int(up.argmax())
    if up[low] < min(up[0], up[-1]):
        text += f", lowest {up[low]:.3g} at {across[low]:.3g}"
    if up[high] > max(up[0], up[-1]):
        text += f", highest {up[high]:.3g} at {across[high]:.3g}"
    return text


def _bars(axes: Axes) -> list[str]:
    """Return the groups of bars in words; bars without a label, drawn one by one or together, are one group."""
    groups = [group for group in axes.containers if isinstance(group, BarContainer) and len(group)]
    values = [(str(group.get_label()), np.asarray(group.datavalues, dtype=float)) for group in groups]
    plain = [drawn for label, drawn in values if label.startswith("_")]
    told = [f"{label}: {_bar_group(drawn)}" for label, drawn in values if not label.startswith("_")]
    return [*told, _bar_group(np.concatenate(plain))] if plain else told


def _bar_group(values: FloatArray) -> str:
    if values.size == 1:
        return f"a bar of {values[0]:.3g}"
    return f"{values.size} bars, {_between(values)}"


def _images(axes: Axes) -> list[str]:
    images: list[FloatArray] = [
        np.ma.filled(np.ma.asarray(image.get_array(), dtype=float), np.nan) for image in axes.get_images()
    ]
    return [
        f"an image of {each.shape[0]} × {each.shape[1]} pixels, values {_between(each)}"
        for each in images
        if each.size and not np.isnan(each).all()
    ]


def _between(values: FloatArray) -> str:
    low, high = f"{np.nanmin(values):.3g}", f"{np.nanmax(values):.3g}"
    return f"from {low} to {high}" if low != high else f"all {low}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def describe_figures() -> None:
    """Give figures of this notebook their description, from the next cell on; elsewhere nothing happens.

    It is hidden text before the picture, for screen readers in JupyterLab, and in the picture's metadata, from where
    nbconvert puts it into HTML as ``alt``.
    """
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:  # a plain Python session
        return
    shell: Any = get_ipython()
    if shell is None or _before_cell in shell.events.callbacks["pre_run_cell"]:
        return
    if "inline" in plt.get_backend():
        plt.switch_backend(plt.get_backend())  # loads it now, not with the first figure
    shell.events.register("pre_run_cell", _before_cell)


def _before_cell(_: object) -> None:
    """Look before each cell: Jupyter decides how figures are drawn once the cell that loaded the backend has ended."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    formatter = shell.display_formatter.formatters["image/png"]
    draw = formatter.type_printers.get(Figure)
    if draw is not None and not hasattr(draw, "describes"):
        formatter.for_type(Figure, _with_words(draw))


def _told(figure: Figure) -> str:
    """Return a figure's description, and never fail: a student's figure is shown even if it cannot be described."""
    try:
        return alternative_text(figure)
    except Exception:
        return "A figure that cannot be described."


def _with_words(draw: Callable[[Figure], Any]) -> Callable[[Figure], Any]:
    """Return ``draw``, which makes a picture of a figure, with the description beside it."""
    from IPython.display import publish_display_data

    def described(figure: Figure) -> Any:
        drawn = draw(figure)
        if drawn is None:
            return None
        data, more = drawn if isinstance(drawn, tuple) else (drawn, {})
        text = _told(figure)
        words = f"Figure: {text}"
        publish_display_data({"text/html": f'<p style="{_HIDDEN}">{html.escape(words)}</p>', "text/plain": words})  # type: ignore[no-untyped-call]
        return data, {**more, "alt": text}

    described.describes = True  # type: ignore[attr-defined]
    return described

"""Every figure of a notebook says in words what it shows, for whoever cannot see it: its titles, axes and legends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["alternative_text", "describe_figures"]

_LONGEST = 600


def alternative_text(figure: Figure) -> str:
    """A figure in words: the titles of the figure and its panels, and what the axes and curves are called."""
    title = figure.get_suptitle()
    panels = [text for axes in figure.axes if (text := _panel(axes))]
    text = " ".join([_sentence(title)] * bool(title) + [_sentence(panel) for panel in dict.fromkeys(panels)])
    return f"{text[: _LONGEST - 1]}…" if len(text) > _LONGEST else text or "A figure without words."


def _panel(axes: Axes) -> str:
    title = next(filter(None, (axes.get_title(loc=place) for place in ("left", "center", "right"))), "")
    across, up = axes.get_xlabel(), axes.get_ylabel()
    labels = [f"{up} against {across}"] if across and up else list(filter(None, (up, across)))
    legend = axes.get_legend()
    names = [text.get_text() for text in legend.get_texts()] if legend is not None else []
    return "; ".join(filter(None, (title, *labels, ", ".join(names)))).replace("\n", " ")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def describe_figures() -> None:
    """From the next cell on, figures shown in this notebook carry their description; elsewhere nothing happens.

    nbconvert puts it into HTML as the picture's ``alt``.
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
    """Jupyter decides how figures are drawn when the cell that loaded the backend has ended, so look before each."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    formatter = shell.display_formatter.formatters["image/png"]
    draw = formatter.type_printers.get(Figure)
    if draw is not None and not hasattr(draw, "describes"):
        formatter.for_type(Figure, _with_words(draw))


def _with_words(draw: Callable[[Figure], Any]) -> Callable[[Figure], Any]:
    """``draw``, which makes a picture of a figure, with the description beside it."""

    def described(figure: Figure) -> Any:
        drawn = draw(figure)
        if drawn is None:
            return None
        data, more = drawn if isinstance(drawn, tuple) else (drawn, {})
        return data, {**more, "alt": alternative_text(figure)}

    described.describes = True  # type: ignore[attr-defined]
    return described

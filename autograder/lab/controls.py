"""Sliders under a figure, where a notebook has a reader who can move them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["move"]


def move(draw: Callable[..., object], **choices: Sequence[Any]) -> None:
    """Let the reader move what ``draw`` draws: a slider for each argument, in JupyterLab and in Colab.

    Anywhere else, such as in `autograder check`, on paper or without ipywidgets, it is drawn once.

    Parameters
    ----------
    draw: is called with one value for each name, and draws a figure.
    choices: the values of each argument, at least one; the first is where its slider begins.
    """
    widgets = _widgets()
    if widgets is None:
        draw(**{name: values[0] for name, values in choices.items()})
        return
    sliders = {
        name: widgets.SelectionSlider(options=list(values), description=name, continuous_update=False)
        for name, values in choices.items()
    }
    widgets.interact(draw, **sliders)


def _widgets() -> Any:
    """The module ipywidgets, or None where nobody would see a slider: without a kernel, or without the package."""
    try:
        import ipywidgets
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return ipywidgets if hasattr(get_ipython(), "kernel") else None

"""The sliders under a figure, where a notebook has a reader who can move them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["move"]


def move(draw: Callable[..., object], **choices: Sequence[Any]) -> None:
    """Let the reader move what ``draw`` draws: a slider for each argument, in JupyterLab and in Colab.

    Anywhere else, such as in `autograder check`, on paper or without ipywidgets, it is drawn once.

    Args:
        draw: a function that is called with one value for each name, and draws a figure.
        choices: the values of each argument, at least one. A slider begins at the default that ``draw`` has for its
            argument, or else at the first value.
    """
    defaults = {name: each.default for name, each in inspect.signature(draw).parameters.items()}
    first = {name: defaults[name] if defaults[name] in values else values[0] for name, values in choices.items()}
    widgets = _widgets()
    if widgets is None:
        draw(**first)
        return
    sliders = {
        name: widgets.SelectionSlider(
            options=list(values), value=first[name], description=name, continuous_update=False
        )
        for name, values in choices.items()
    }
    widgets.interact(draw, **sliders)


def _widgets() -> Any:
    """Return the module ipywidgets, or None where nobody sees a slider: without a kernel, or without the package."""
    try:
        import ipywidgets
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return ipywidgets if hasattr(get_ipython(), "kernel") else None

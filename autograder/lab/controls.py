"""The moving parts of a notebook: sliders under a figure, and a progress bar for loops that take a while.

Sliders appear only where a notebook has a reader who can move them.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from tqdm.std import tqdm

__all__ = ["move", "progress"]


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


Item = TypeVar("Item")


class _Bar(tqdm):  # type: ignore[type-arg]
    """A bar of text that starts no thread and takes no semaphore, so that it runs in a sandbox too."""

    monitor_interval = 0


_Bar.set_lock(threading.RLock())


def progress(iterable: Iterable[Item], label: str = "", total: int | None = None) -> Iterator[Item]:
    """Yield the same items, with a bar on standard output that shows how far along they are.

    Args:
        label: the name of the work, such as "training".
        total: the number of items, where the iterable does not know it.
    """
    yield from _Bar(iterable, desc=label or None, total=total, file=sys.stdout, ncols=80, mininterval=0.2)

"""The library of the notebooks: checks that explain themselves, data, figures and progress bars.

Nothing here needs the rest of the package or any particular operating system, and torch and matplotlib are only
imported by whoever uses them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograder.lab import domain
from autograder.lab.checks import CheckFailed, close
from autograder.lab.contracts import (
    fresh_result,
    keeps_arguments,
    makes_no_difference,
    refuses,
    refuses_each,
    types_of,
    unchanged,
)
from autograder.lab.controls import move, progress
from autograder.lab.datasets import (
    FASHION_CLASSES,
    DataMissing,
    Examples,
    FashionExamples,
    fashion,
    lecture_image,
    lecture_kernel,
    photograph,
    snapshot,
    zip_digits,
)

if TYPE_CHECKING:
    from autograder.lab.curves import show_curves, show_filters, sweep, sweep_step
    from autograder.lab.figures import show, show_grid, show_matrix, style

__all__ = [
    "FASHION_CLASSES",
    "CheckFailed",
    "DataMissing",
    "Examples",
    "FashionExamples",
    "close",
    "domain",
    "fashion",
    "fresh_result",
    "keeps_arguments",
    "lecture_image",
    "lecture_kernel",
    "makes_no_difference",
    "move",
    "photograph",
    "progress",
    "refuses",
    "refuses_each",
    "show",
    "show_curves",
    "show_filters",
    "show_grid",
    "show_matrix",
    "snapshot",
    "style",
    "sweep",
    "sweep_step",
    "types_of",
    "unchanged",
    "zip_digits",
]

_DRAWING = {
    "show": "figures", "show_curves": "curves", "show_filters": "curves", "show_grid": "figures",
    "show_matrix": "figures", "style": "figures", "sweep": "curves",
    "sweep_step": "curves",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what draws only when it is asked for: matplotlib takes half a second, and checks need not wait for it."""
    if name not in _DRAWING:
        raise AttributeError(f"module 'autograder.lab' has no attribute {name!r}")
    return getattr(import_module(f"autograder.lab.{_DRAWING[name]}"), name)

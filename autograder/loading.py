"""Packages whose names are loaded when first used, so that nobody imports what only others need."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autograder.errors import AutograderError

__all__ = ["DISTRIBUTION", "ExtraMissing", "extra_missing", "lazily"]

DISTRIBUTION = "cnn-course-autograder"


class ExtraMissing(AutograderError):
    """A command needs packages that only one of the distribution's extras installs; names the extra."""


@contextmanager
def extra_missing(extra: str) -> Iterator[None]:
    """A block that imports what an extra installs: where it is not there, the error says how to get it.

    Raises:
        ExtraMissing: another package than this one was not found.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "autograder":
            raise
        raise ExtraMissing(
            f"This needs the package '{error.name}', which is not installed. Install it and what belongs to it: "
            f"pip install '{DISTRIBUTION}[{extra}]'"
        ) from error


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's ``__getattr__``.

    Args:
        package: its name.
        homes: for each public name, the module of the package that defines it. No module may have such a name.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return find

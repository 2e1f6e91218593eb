"""Loading of a package's public names at first use, so that nobody imports what only others need."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["DISTRIBUTION", "extra_for", "lazily"]

DISTRIBUTION = "cnn-course-autograder"
"""The distribution's name on the index, for messages that tell what to install."""

_GRADING = (
    "alembic dateutil jinja2 jupytext latex2mathml markupsafe msgpack nbclient nbconvert nbformat nbgrader nh3 "
    "packaging PIL pygments pyseccomp sqlalchemy yaml"
)
_SERVING = "starlette uvicorn itsdangerous python_multipart multipart"
_EXTRAS = {
    "grade": _GRADING,
    "cluster": "dask distributed",
    "postgres": "psycopg",
    "similarity": "copydetect",
    "serve": _SERVING,
    "hub": "jupyterhub",
}
_EXTRA_OF = {module: extra for extra, modules in _EXTRAS.items() for module in modules.split()}


def extra_for(error: ModuleNotFoundError) -> str:
    """Return the sentence on the extra that brings the module that was not found; empty if none does."""
    module = (error.name or "").partition(".")[0]
    if module not in _EXTRA_OF:
        return ""
    return (
        f"This needs the package that is imported as '{module}', which is not installed. Install it, and what belongs "
        f"to it, with: pip install '{DISTRIBUTION}[{_EXTRA_OF[module]}]'"
    )


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's ``__getattr__``.

    Args:
        package: its name.
        homes: for each public name, the module of the package that defines it. No module may have such a name.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return find

"""The page docs/benchmarks.md, written from the content of benchmarks.json."""

from __future__ import annotations

from typing import Any

import jinja2

__all__ = ["PARTS", "page_of"]

_PHASES = {
    "process": "fork, spawn, hand over",
    "student": "the student's cells",
    "visible": "visible tests",
    "hidden": "hidden tests",
    "diagnosis": "diagnosis",
    "database": "database",
    "conversion": "graded notebook",
    "feedback": "feedback page",
}
PARTS = {
    "answers": "the student's code",
    "checks": "checks and the instructor's solution",
    "libraries": "numpy, scipy, torch, pictures, called by either",
    "wire": "questions and answers: writing, sending, reading",
    "cells": "IPython and the compiler, for the student's cells",
    "grader": "comparing, records for the diagnosis, the result",
    "other": "other",
}
"""The parts that :mod:`autograder.bench.shares` tells apart."""


def page_of(figures: dict[str, Any]) -> str:
    """Return the page as Markdown.

    Args:
        figures: the figures from :func:`autograder.bench.measurements.figures_of`.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autograder.bench", "."), undefined=jinja2.StrictUndefined, autoescape=False,
        keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template("page.md.j2").render(f=figures, phases=_PHASES, parts=PARTS)

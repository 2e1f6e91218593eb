"""The rebuilding of a board as grades arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from sqlalchemy.engine import make_url

from autograder.course import Course
from autograder.errors import AutograderError
from autograder.file_watch import changes, stamp_of
from autograder.leaderboard.publishing import RESULTS, check_formats, publish_boards

__all__ = ["watch"]


def watch(
    course: Course,
    assignment: str | None = None,
    formats: Sequence[str] = ("terminal", "html"),
    output: Path | None = None,
    *,
    every: float = 2.0,
    console: Console | None = None,
    going: Callable[[], bool] = lambda: True,
) -> int:
    """Publish the board now, and again whenever grades or course.toml change, until interrupted.

    A fault, such as a half-edited course.toml, is shown and waited out: the page stays as it was.

    Args:
        every: seconds between looks.
        going: asked before every look; the watch ends when it returns False.

    Returns:
        The number of times that the board was published.
    """
    check_formats(formats)
    screen = console or Console()
    published = 0
    for _ in changes(partial(_signature, course), every, going):
        try:
            publish_boards(Course.find(course.root), assignment, formats, output, screen)
            published += 1
        except AutograderError as error:
            screen.print(str(error), style="red", markup=False, highlight=False)
    return published


def _signature(course: Course) -> object:
    """Return a value that changes with the gradebook, the challenge's results or course.toml."""
    files = [course.root / "course.toml", course.results / RESULTS, *_database(course.gradebook_url)]
    stamps = [stamp_of(path) for path in files]
    # A database server has no file to look at: look again every time.
    return stamps if _database(course.gradebook_url) else (stamps, time.monotonic())


def _database(url: str) -> list[Path]:
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database:
        return []
    return [Path(address.database), Path(address.database + "-wal")]

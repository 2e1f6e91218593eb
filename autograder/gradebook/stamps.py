"""When a submission was handed in: what lies beside it under ``submitted/``."""

from __future__ import annotations

import datetime as dt
import stat

from autograder.course import Course
from autograder.errors import GradebookError
from autograder.times import read_moment

__all__ = ["LATENESS", "TIMESTAMP", "is_late_by_unknown_time", "read_timestamp"]

TIMESTAMP = "timestamp.txt"
LATENESS = "lateness.txt"
"""Holds ``unknown`` if a platform marks a submission as late without telling when it came; then there is no stamp."""


def read_timestamp(course: Course, student: str, assignment: str) -> dt.datetime | None:
    """When a submission was handed in, in UTC without a zone, from its ``timestamp.txt``; None if there is
    none.

    Raises:
        GradebookError: the file does not hold a time, or its zone is not understood.
    """
    path = course.submitted / student / assignment / TIMESTAMP
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > 1000:
            raise GradebookError(
                f"{path} is not a file with a time in it. Write the time there, as 2026-11-23 12:00 UTC."
            )
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise GradebookError(
            f"{path} cannot be read: {error}. Write the time there, as 2026-11-23 12:00 UTC."
        ) from error
    if not text:
        return None
    try:
        return read_moment(text).replace(tzinfo=None)
    except ValueError as error:
        raise GradebookError(f"{path}: {error}. Write the time there, as 2026-11-23 12:00 UTC.") from error


def is_late_by_unknown_time(course: Course, student: str, assignment: str) -> bool:
    """Return whether a submission is late by a platform's word alone, which does not tell by how much."""
    path = course.submitted / student / assignment / LATENESS
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with path.open("rb") as stream:
            return stream.read(100).strip() == b"unknown"
    except OSError:
        return False

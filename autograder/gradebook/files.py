"""Files of the gradebook, where nbgrader looks for them."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import stat
from pathlib import Path

import dateutil.parser  # type: ignore[import-untyped]
from nbgrader.utils import parse_utc

from autograder.atomic_files import write_atomically
from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.graded_notebooks import build_autograded, notebook_bytes
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = ["read_timestamp", "remove_strays", "write_autograded"]

TIMESTAMP = "timestamp.txt"
_KEPT = {".ipynb", ".html"}
_NUMERIC_ZONE = re.compile(r"[+-]\d{2}:?\d{2}$")
_READ_ONLY = 0o444  # What nbgrader gives autograded notebooks.


def read_timestamp(course: Course, student: str, assignment: str) -> dt.datetime | None:
    """When a submission was handed in, in UTC without a zone, from its ``timestamp.txt``; None if there is
    none.

    Raises:
        GradebookError: the file does not hold a time.
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
        # nbgrader takes a numeric zone such as +0100 for a hundred seconds; dateutil knows better.
        moment: dt.datetime = parse_utc(dateutil.parser.parse(text) if _NUMERIC_ZONE.search(text) else text)
    except (ValueError, OverflowError) as error:
        raise GradebookError(
            f"{path} does not hold a time but '{text[:40]}'. Write it as 2026-11-23 12:00 UTC."
        ) from error
    return moment


def write_autograded(
    course: Course, assignment: Assignment, student: str, submission: Submission, result: Result
) -> Path:
    """Write ``autograded/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb`` as nbgrader's own pipeline would leave it.

    Nothing else that a student handed in is copied there, except the time stamp.

    Raises:
        GradebookError: it cannot be written, or the result was not graded.
    """
    if result.status != "graded":
        raise GradebookError(f"{assignment.name} of {student} was not graded, so there is nothing to write.")
    notebook = build_autograded(assignment, submission, result)
    folder = course.autograded / student / assignment.name
    path = folder / f"{assignment.notebook}.ipynb"
    write_atomically(path, notebook_bytes(notebook), _READ_ONLY)
    moment = read_timestamp(course, student, assignment.name)
    if moment is not None:
        write_atomically(folder / TIMESTAMP, f"{moment.isoformat(sep=' ')} UTC\n".encode(), _READ_ONLY)
    return path


def remove_strays(folder: Path) -> list[str]:
    """Remove everything in ``folder`` but notebooks, pages and the time stamp. Returns the names removed.

    nbgrader copies whatever lies beside a notebook from step to step: files that a student left, and the
    instructor's.
    """
    removed = []
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        status = entry.lstat()
        if stat.S_ISREG(status.st_mode) and (entry.suffix in _KEPT or entry.name == TIMESTAMP):
            continue
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(entry)
        else:
            entry.unlink()
        removed.append(entry.name)
    return removed

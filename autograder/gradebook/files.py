"""Files of the gradebook, where nbgrader looks for them."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from autograder.atomic_files import write_atomically
from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.graded_notebooks import build_autograded, notebook_bytes
from autograder.gradebook.picture_store import Album
from autograder.gradebook.stamps import TIMESTAMP, read_stamp
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = ["TIMESTAMP", "remove_strays", "write_autograded"]

_KEPT = {".ipynb", ".html"}
_READ_ONLY = 0o400  # As nbgrader leaves graded notebooks, and for nobody else: hidden tests are in them.


def write_autograded(
    course: Course,
    assignment: Assignment,
    student: str,
    submission: Submission,
    result: Result,
    album: Album | None = None,
) -> Path:
    """Write ``autograded/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb`` as nbgrader's own pipeline would leave it.

    Nothing else that a student handed in is copied there, except the time stamp.

    Raises:
        GradebookError: it cannot be written, or the result was not graded.
    """
    if result.status != "graded":
        raise GradebookError(f"{assignment.name} of {student} was not graded, so there is nothing to write.")
    notebook = build_autograded(assignment, submission, result, album)
    folder = course.autograded / student / assignment.name
    path = folder / f"{assignment.notebook}.ipynb"
    write_atomically(path, notebook_bytes(notebook), _READ_ONLY)
    moment = read_stamp(course, student, assignment.name).at
    if moment is not None:
        write_atomically(folder / TIMESTAMP, f"{moment.isoformat(sep=' ')} UTC\n".encode(), _READ_ONLY)
    else:
        (folder / TIMESTAMP).unlink(missing_ok=True)
    return path


def remove_strays(folder: Path) -> list[str]:
    """Remove everything in ``folder`` but notebooks, pages and the time stamp. Return the names removed.

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

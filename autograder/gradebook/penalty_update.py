"""Updates of the late penalties on nbgrader's own pages, for every command that shows or hands on totals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.store import Gradebook
from autograder.gradebook.totals import change_lines

__all__ = ["bring_up_to_date"]


def bring_up_to_date(course: Course, assignments: Sequence[str] | None = None) -> list[str]:
    """Let the penalties in the gradebook follow the points that people have given; return lines that tell what changed.

    Every command that shows or hands on totals calls this first, so that nbgrader's own pages show the same. It never
    fails: totals are right without it, unless a plugin of the course's own computes penalties.

    Args:
        course: the course of the gradebook; if there is none yet, none is made.
        assignments: the names of assignments; default all.
    """
    address = make_url(course.gradebook_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        return []
    try:
        with Gradebook.of(course) as gradebook:
            names = gradebook.assignments() if assignments is None else assignments
            return [line for name in names for line in change_lines(name, gradebook.follow_points(name))]
    except GradebookError as error:
        return [f"The late penalties on nbgrader's own pages were not brought up to date: {error}"]

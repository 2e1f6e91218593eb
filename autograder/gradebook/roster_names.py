"""Students' names, from the roster."""

from __future__ import annotations

from typing import NamedTuple

from autograder.course import Course

__all__ = ["FullName", "full_names"]

_LONGEST = 128  # nbgrader's columns.


class FullName(NamedTuple):
    """A student's name as the roster has it; either part may be empty."""

    first: str
    last: str


def full_names(course: Course) -> dict[str, FullName]:
    """Return the names in ``students.csv`` beside course.toml, by student; empty if there is no such file.

    Raises:
        CourseError: the file is wrong; names the line.
    """
    from autograder.roster import FILE_NAME, Roster

    path = course.root / FILE_NAME
    students = Roster.read(path).students if path.is_file() else ()
    return {each.id: FullName(each.first_name[:_LONGEST], each.last_name[:_LONGEST]) for each in students}

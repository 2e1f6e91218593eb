"""The parts of a page beside the points: why a submission has no grade, and its student's names.

A student has a public name on the boards, and a full name in the roster.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from autograder.course import Course

__all__ = ["BoardName", "FullName", "Notice", "full_names"]


class BoardName(msgspec.Struct, frozen=True):
    """A student's public name, and the address of the row on a published board; empty if there is no board.

    Attributes:
        competition: the same for the competition's board.
    """

    name: str
    address: str = ""
    competition: str = ""


class Notice(msgspec.Struct, frozen=True):
    """The reason why there is no grade.

    Attributes:
        kind: the case: the file cannot be read; it is not where it belongs; or the grader has still to try again.
        reason: the fault and what to do, without anything that only the grader knows; may be empty.
    """

    kind: Literal["unreadable", "misplaced", "waiting"]
    reason: str = ""


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

"""Students' names in the gradebook: the formgrader shows "None, None" for somebody who has none.

It always shows ``last, first``. Who is not in the roster gets the id as last name. What a person entered stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import nbgrader.api as api
from sqlalchemy import Connection, insert, select, update

from autograder.course import Course
from autograder.gradebook.registration import table

__all__ = ["FullName", "name_known_students", "name_student", "names_of"]

STUDENT = table(api.Student)
_LONGEST = 128  # nbgrader's columns.


class FullName(NamedTuple):
    """A student's name as the roster has it; either part may be empty."""

    first: str
    last: str


def names_of(course: Course) -> dict[str, FullName]:
    """The names in ``students.csv`` beside course.toml, by student; empty if there is no such file.

    Raises:
        CourseError: the file is wrong; names the line.
    """
    from autograder.collecting.roster import FILE_NAME, Roster

    path = course.root / FILE_NAME
    students = Roster.read(path).students if path.is_file() else ()
    return {each.id: FullName(each.first_name[:_LONGEST], each.last_name[:_LONGEST]) for each in students}


def name_student(db: Connection, student: str, names: Mapping[str, FullName]) -> None:
    """Make ``student`` known, by name; leave a name that somebody entered."""
    row = db.execute(select(STUDENT).where(STUDENT.c.id == student)).first()
    if row is None:
        name = _shown(student, names)
        db.execute(insert(STUDENT).values(id=student, first_name=name.first, last_name=name.last))
    else:
        _name(db, student, FullName(row.first_name, row.last_name), names)


def name_known_students(db: Connection, names: Mapping[str, FullName]) -> None:
    """Name everybody whom the gradebook has without a name."""
    for row in db.execute(select(STUDENT)).all():
        _name(db, row.id, FullName(row.first_name, row.last_name), names)


def _name(db: Connection, student: str, now: FullName, names: Mapping[str, FullName]) -> None:
    entered = now.first or now.last not in (None, "", student)
    # The formgrader turns an empty part into none, and then shows "None" in its place.
    wanted = FullName(now.first or "", now.last or "") if entered else _shown(student, names)
    if wanted != now:
        values = {"first_name": wanted.first, "last_name": wanted.last}
        db.execute(update(STUDENT).where(STUDENT.c.id == student).values(**values))


def _shown(student: str, names: Mapping[str, FullName]) -> FullName:
    name = names.get(student, FullName("", ""))
    return FullName(name.first, name.last or student)

"""Students' names in the gradebook: the formgrader shows "None, None" for somebody who has none.

It always shows ``last, first``. Who is not in the roster gets the id as last name. What a person entered stays.
"""

from __future__ import annotations

from collections.abc import Mapping

import nbgrader.api as api
from sqlalchemy import Connection, insert, select, update

from autograder.gradebook.registration import table
from autograder.gradebook.roster_names import FullName

__all__ = ["name_known_students", "name_student"]

STUDENT = table(api.Student)


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

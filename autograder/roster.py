"""Who is in the class: ``students.csv``, with the columns of ``nbgrader db student import`` and two more."""

from __future__ import annotations

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError

__all__ = ["FILE_NAME", "Roster", "Student"]

FILE_NAME = "students.csv"
COLUMNS = ("id", "first_name", "last_name", "email", "lms_user_id", "sid", "group")


@dataclass(frozen=True)
class Student:
    """One student; everything but the id may be empty.

    Attributes:
        id: nbgrader's student id.
        first_name, last_name, email: as platforms know them.
        lms_user_id: the number that Canvas or Moodle has for the student.
        sid: the university's number, as Gradescope knows it.
        group: with whom the student hands in.
    """

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    sid: str = ""
    group: str = ""

    def names(self) -> list[str]:
        """All that may stand for this one student."""
        both = [f"{self.first_name}{self.last_name}", f"{self.last_name}{self.first_name}"]
        full = both if self.first_name and self.last_name else []
        return [self.id, self.email, self.lms_user_id, self.sid, *full]


class Roster:
    """The students of a class, found by whatever a platform calls them."""

    def __init__(self, students: Sequence[Student] = ()) -> None:
        self.students = tuple(students)
        self._by_key: dict[str, set[str]] = defaultdict(set)
        self._groups: dict[str, set[str]] = defaultdict(set)
        for student in students:
            for name in filter(None, map(_key, student.names())):
                self._by_key[name].add(student.id)
            if _key(student.group):
                self._groups[_key(student.group)].add(student.id)

    def __bool__(self) -> bool:
        return bool(self.students)

    @classmethod
    def read(cls, path: Path) -> Roster:
        """The roster in the file at ``path``.

        Raises:
            CourseError: it cannot be read, has no column ``id``, or an id twice; names the line.
        """
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CourseError(f"{path} cannot be read: {error}. Save it as CSV in UTF-8.") from error
        if rows and "id" not in rows[0]:
            raise CourseError(f"{path} has no column 'id'. Its first line names the columns: {', '.join(COLUMNS)}.")
        return cls([_student(row, path, line) for line, row in enumerate(rows, 2)])._checked(path)

    def _checked(self, path: Path) -> Roster:
        seen: set[str] = set()
        for student in self.students:
            if student.id in seen:
                raise CourseError(f"{path}: the id '{student.id}' stands there twice. Remove one of the lines.")
            seen.add(student.id)
        return self

    def find(self, keys: Sequence[str], group: str = "") -> tuple[str, ...]:
        """The ids of those meant by the first of ``keys`` that is known, or of all in ``group``; else none.

        A key that means several people means nobody, unless it is the name of their group.
        """
        for key in keys:
            found = self._by_key.get(_key(key), set())
            if len(found) == 1:
                return tuple(found)
        return tuple(sorted(self._groups.get(_key(group), set()))) if group else ()


def _key(name: str) -> str:
    """``name`` without accents, case and signs: platforms spell the same person differently."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def _student(row: Mapping[str, str | None], path: Path, line: int) -> Student:
    values = {column: (row.get(column) or "").strip() for column in COLUMNS}
    if not values["id"]:
        raise CourseError(f"{path}, line {line}: the id is empty. Give every student an id.")
    return Student(**values)

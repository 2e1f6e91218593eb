"""The class list: ``students.csv``, as nbgrader, Canvas, Moodle, Gradescope and others export it."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autograder.errors import CourseError
from autograder.roster_files import read_rows

__all__ = ["COLUMNS", "FILE_NAME", "Clue", "Roster", "Student", "look_alikes"]

FILE_NAME = "students.csv"
COLUMNS = ("id", "first_name", "last_name", "email", "lms_user_id", "sid", "group", "github", "participant")
Kind = Literal["any", "id", "number", "sid", "email", "name", "github", "participant"]
Clue = tuple[Kind, str]
_EACH = ("id", "email", "sid", "number", "github", "name")
_FORBIDDEN = set("/\\+\0")


@dataclass(frozen=True)
class Student:
    """One student; everything but the id may be empty.

    Attributes:
        id: nbgrader's student id.
        first_name, last_name, email: the student's names and address, as platforms know them.
        lms_user_id: the number that Canvas, Moodle or ILIAS has for the student.
        sid: the university's number, as Gradescope knows it.
        group: the group with which the student hands in.
        github: the student's name on GitHub.
        participant: the number that Moodle has for the student in one assignment, as in its grading worksheet.
    """

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    sid: str = ""
    group: str = ""
    github: str = ""
    participant: str = ""

    def full_names(self) -> list[str]:
        """Return the full name in both orders; empty unless both parts are known."""
        if not (self.first_name and self.last_name):
            return []
        return [f"{self.first_name} {self.last_name}", f"{self.last_name} {self.first_name}"]


class Roster:
    """The students of a class, found by whatever a platform calls them."""

    def __init__(self, students: Sequence[Student] = ()) -> None:
        self.students = tuple(students)
        self._by_id = {student.id: student for student in students}
        self._exact: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._loose: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._groups: dict[str, set[str]] = defaultdict(set)
        for student in students:
            for kind, value in _clues(student):
                self._exact[kind, _folded(value)].add(student.id)
                self._loose[kind, _key(value)].add(student.id)
            for group in {_key(student.group), *map(_key, student.group.split(","))} - {""}:
                self._groups[group].add(student.id)

    def __bool__(self) -> bool:
        return bool(self.students)

    @classmethod
    def read(cls, path: Path) -> Roster:
        """Return the roster in the file at ``path``.

        Raises:
            CourseError: it cannot be read, has no column that names students, or an id twice; names the line and value.
        """
        students: list[Student] = []
        lines: dict[str, int] = {}
        for line, row in read_rows(path):
            student = Student(**{name: row.get(name, "") for name in COLUMNS})
            _check_id(student.id, path, line)
            if student.id in lines:
                raise CourseError(
                    f"{path}, line {line}: the id '{student.id}' stands there twice, in line {lines[student.id]} too. "
                    "Remove one of the lines."
                )
            lines[student.id] = line
            students.append(student)
        return cls(students)

    def remarks(self) -> list[str]:
        """Return the oddities of the roster that are not errors: ids that people and disks confuse."""
        return [
            f"{FILE_NAME}: the ids {_listed(ids)} differ only in case or in the Unicode form of a letter. Some disks "
            "take them for one. If they are two students, give one of them another id."
            for ids in look_alikes(student.id for student in self.students)
        ]

    def candidates(self, clues: Sequence[Clue], hints: Sequence[Clue] = ()) -> tuple[str, ...]:
        """Return the ids of all who may be meant: one if it is clear, none if nobody is known, else several.

        Args:
            clues: the platform's names for the person, the surest first. The first that is known decides; the
                others, and ``hints``, only choose among several whom it fits.
            hints: clues that do not name anybody by themselves.
        """
        found: set[str] = set()
        for number, clue in enumerate((*clues, *hints)):
            meant = self._meant(*clue)
            if clue[0] == "name":  # A name is not somebody's who is known to have another number.
                meant = {student for student in meant if not self._contradicts(student, clues)}
            if found & meant or (not found and number < len(clues)):
                found = found & meant or meant
            if len(found) == 1:
                break
        return tuple(sorted(found))

    def _contradicts(self, student: str, clues: Sequence[Clue]) -> bool:
        known = {"number": self._by_id[student].lms_user_id, "sid": self._by_id[student].sid}
        return any(known.get(kind) and value and _key(known[kind]) != _key(value) for kind, value in clues)

    def members(self, group: str) -> tuple[str, ...]:
        """Return the ids of all in ``group``."""
        return tuple(sorted(self._groups.get(_key(group), ()))) if _key(group) else ()

    def knows(self, name: str) -> bool:
        """Return whether ``name`` stands for a student or a group."""
        return bool(self.candidates([("any", name)]) or self.members(name))

    def _meant(self, kind: Kind, value: str) -> set[str]:
        if kind == "any":
            return next(filter(None, (self._meant(each, value) for each in _EACH)), set())  # type: ignore[arg-type]
        if kind == "id" and value in self._by_id:
            return {value}
        return self._exact.get((kind, _folded(value))) or (self._loose.get((kind, _key(value))) or set())


def look_alikes(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups among ``names`` that differ in case or Unicode form only."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in names:
        found[_folded(name)].add(name)
    return [tuple(sorted(each)) for each in found.values() if len(each) > 1]


def _clues(student: Student) -> list[Clue]:
    clues: list[Clue] = [
        ("id", student.id),
        ("email", student.email),
        ("number", student.lms_user_id),
        ("sid", student.sid),
        ("github", student.github),
        ("participant", student.participant),
        *(("name", name) for name in student.full_names()),
    ]
    return [(kind, value) for kind, value in clues if _key(value)]


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).split())


def _key(name: str) -> str:
    """Return ``name`` without accents, case and signs: platforms spell the same person differently."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def _listed(ids: Sequence[str]) -> str:
    """Return ids for people; those that look the same are told apart by their code points."""
    same = len({unicodedata.normalize("NFC", each) for each in ids}) < len(ids)
    return " and ".join(f"'{each}'" + (f" ({ascii(each)[1:-1]})" if same else "") for each in ids)


def _check_id(student: str, path: Path, line: int) -> None:
    if not student.isprintable() or student.startswith(".") or _FORBIDDEN & set(student):
        raise CourseError(
            f"{path}, line {line}: {student!r} cannot be an id, for it names folders. Use no / \\ + or dot in front."
        )

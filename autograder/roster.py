"""The class list: ``students.csv``, as nbgrader, Canvas, Moodle, Gradescope and others export it.

Its columns and its encoding may be those of nbgrader, of a learning platform or of a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from autograder.errors import CourseError

__all__ = [
    "COLUMNS",
    "FILE_NAME",
    "Clue",
    "Roster",
    "Student",
    "Table",
    "decode_table",
    "look_alikes",
    "read_rows",
    "read_table",
]

# ---- the file

Row = dict[str, str]
_LARGEST = 64 * 1024 * 1024
_DELIMITERS = ",;\t|"

# What a column is called, without signs and case. The first name of a list that a file has is taken.
_NAMES: Mapping[str, Sequence[str]] = {
    "id": (
        "id",
        "studentid",
        "username",
        "login",
        "benutzername",
        "sislogin",
        "sisloginid",
        "anmeldename",
        "identifier",
    ),
    "first_name": ("firstname", "givenname", "vorname", "prenom", "nombre"),
    "last_name": ("lastname", "surname", "familyname", "nachname", "nom", "apellidos"),
    "name": ("fullname", "name", "student", "studentname", "vollstandigername", "nomcomplet", "nombrecompleto"),
    "email": ("email", "emailaddress", "emailadresse", "adressedecourriel", "correoelectronico", "mail"),
    "lms_user_id": ("lmsuserid", "canvasuserid", "moodleuserid"),
    "sid": ("sid", "sisuserid", "idnumber", "idnummer", "orgdefinedid", "matriculationnumber", "matrikelnummer"),
    "group": ("group", "groups", "gruppe", "gruppen", "groupe", "groupes", "grupo", "grupos", "groupname"),
    "github": ("github", "githubusername"),
    "participant": ("participant",),
    "submitted": ("lastmodifiedsubmission", "zuletztgeandertabgabe", "dernieremodificationtravailremis"),
}


class Table(NamedTuple):
    """A CSV file as it is: every line with its number from 1, and the character that separates the values."""

    lines: list[tuple[int, list[str]]]
    delimiter: str


def read_table(path: Path) -> Table:
    """Return the nonempty lines of a CSV file.

    Commas, semicolons, tabs and bars separate; the text may be UTF-8, UTF-16 or what Windows calls ANSI.

    Raises:
        CourseError: it cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise CourseError(f"{path} is larger than {_LARGEST >> 20} MiB, so it is not a list of students.")
        text = decode_table(path.read_bytes())
        sign = _delimiter(text)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
        found = [(rows.line_num, row) for row in rows]
    except (OSError, ValueError, csv.Error) as error:
        raise CourseError(f"{path} cannot be read: {error}. Save it as CSV in UTF-8.") from error
    return Table([(line, row) for line, row in found if any(map(str.strip, row)) and not _declares(row)], sign)


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=") and first[4:5]:
        return first[4]
    return max(_DELIMITERS, key=lambda each: _outside_quotes(first, each))


def _declares(row: Sequence[str]) -> bool:
    """Return whether a line only tells a spreadsheet what separates the values."""
    return row[0].lower() == "sep=" or (row[0].lower().startswith("sep=") and len(row) == 1)


def decode_table(data: bytes) -> str:
    """Return the text of ``data``: by its mark, as UTF-8, or as Excel on Windows saves it."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    if data[1:2] == b"\0" or data[:1] == b"\0":
        return data.decode("utf-16-le" if data[:1] != b"\0" else "utf-16-be")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _outside_quotes(line: str, sign: str) -> int:
    return "".join(line.split('"')[::2]).count(sign)


def _clean(value: str) -> str:
    return unicodedata.normalize("NFC", " ".join(value.replace("\ufeff", "").split()))


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the line number and the values of each student in a roster, by the names of our columns.

    Raises:
        CourseError: it cannot be read, or a line has no id or too many values; names the line and the value.
    """
    table = [(line, [_clean(value) for value in row]) for line, row in read_table(path).lines]
    if not table:
        return
    (_, head), *lines = table
    places, own = _columns(head, path)
    students = [(line, values) for line, values in lines if not _is_not_a_student(values)]
    addresses = [values[places["email"]] for _, values in students if places.get("email", 99) < len(values)]
    local_parts = Counter(address.partition("@")[0].lower() for address in addresses)

    def identify(row: Row) -> str:
        return row.get("id", "") if own else _platform_id(row, local_parts)

    for line, values in students:
        if extra := [value for value in values[len(head) :] if value]:
            raise CourseError(
                f"{path}, line {line}: '{extra[0]}' does not belong to a column. Put quotes around values with commas."
            )
        row = {name: values[place] for name, place in places.items() if place < len(values)}
        yield line, _completed(row, identify, path, line)


def _columns(head: Sequence[str], path: Path) -> tuple[dict[str, int], bool]:
    """Return the place of each of our columns, and whether the ids are the course's own."""
    plain = [_plain(name) for name in head]
    places = {name: _place(plain, known) for name, known in _NAMES.items()}
    canvas = "id" in plain and ("sisloginid" in plain or "sisuserid" in plain or {"student", "section"} <= set(plain))
    if canvas:
        places |= {"lms_user_id": _place(plain, ["id"]), "id": _place(plain, ["sisloginid"]), "group": None}
    elif "username" in plain and "id" not in plain and "studentid" in plain:  # Blackboard's gradebook.
        places |= {"id": _place(plain, ["username"]), "sid": _place(plain, ["studentid"])}
    elif "identifier" in plain and {"fullname", "status"} & set(plain):  # Moodle's grading worksheet.
        places |= {"id": _place(plain, ["username", "idnumber"]), "participant": _place(plain, ["identifier"])}
    found = {name: place for name, place in places.items() if place is not None}
    if not {"id", "sid", "email", "lms_user_id", "participant"} & found.keys():
        raise CourseError(
            f"{path} has no column 'id', nor another one that names students. Its first line is "
            f"'{', '.join(head)[:80]}'; write id, and perhaps first_name, last_name, email, lms_user_id, sid, group."
        )
    return found, "id" in plain and not canvas


def _place(plain: Sequence[str], known: Sequence[str]) -> int | None:
    return next((plain.index(name) for name in known if name in plain), None)


def _platform_id(row: Row, local_parts: Mapping[str, int]) -> str:
    """Return the surest value that the platform knows; of an address the part before the @, if it is one person's."""
    address = row.get("email", "")
    local = address.partition("@")[0]
    return (
        row.get("id")
        or row.get("sid")
        or (local if local_parts[local.lower()] < 2 else address)
        or row["lms_user_id"]
        or row["participant"]
    )


def _completed(row: Row, identify: Callable[[Row], str], path: Path, line: int) -> Row:
    row = {name: value.removeprefix("#") for name, value in row.items()}  # Brightspace writes #ada.
    for name in ("lms_user_id", "sid"):
        row[name] = row.get(name, "").removesuffix(".0")
    row["participant"] = row.get("participant", "").rpartition(" ")[2]  # "Participant 5501", in the site's language.
    if not row.get("first_name") and not row.get("last_name") and row.get("name"):
        row |= _split_name(row["name"])
    row["id"] = identify(row)
    if not row["id"]:
        values = ", ".join(value for value in row.values() if value)
        raise CourseError(f"{path}, line {line}: the id is empty ('{values[:80]}'). Give every student an id.")
    return row


def _split_name(name: str) -> Row:
    if "," in name:
        last, _, first = name.partition(",")
    else:
        first, _, last = name.rpartition(" ")
    return {"first_name": first.strip(), "last_name": last.strip()}


def _is_not_a_student(values: Sequence[str]) -> bool:
    """Return whether a line is one of those that Canvas puts among its students."""
    first = _plain(values[0])
    return first in ("pointspossible", "studenttest", "teststudent") or (
        not any(values[:5]) and any("posting" in value.lower() or "read only" in value for value in values)
    )


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in letters if sign.isalnum())


# ---- the class

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
                    f"{path}, line {line}: the id '{student.id}' is also in line {lines[student.id]}. "
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
            f"{path}, line {line}: {student!r} cannot be an id: it names folders. Use no / \\ + or dot in front."
        )

"""Rosters as files: the columns and encodings of nbgrader, learning platforms and spreadsheets."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from autograder.errors import CourseError

__all__ = ["Table", "decode_table", "read_rows", "read_table"]

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
                f"{path}, line {line}: '{extra[0]}' is in no column. Put quotes around values with commas."
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

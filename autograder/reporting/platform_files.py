"""Files for learning platforms: their own gradebook filled in, and pages of feedback in one ZIP archive.

In the gradebook file, what the platform keeps for itself stays. In the archive, pages are named so that the platform
gives each to its student.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.collecting.records import Receipt, Receipts
from autograder.course import Course
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.leaderboard.render.columns import safe_cell
from autograder.roster import Clue, Roster, read_table

__all__ = ["PAGE_FORMATS", "Filled", "PackedPages", "fill", "is_platforms_own", "pack_feedback", "plain_title"]

# ---- a platform's gradebook filled in

# What platforms put around an assignment's title.
_AROUND = re.compile(
    r"^(?:\w[\w ]*: )?(?P<title>.*?)"
    r"(?: \(\d+\)| \((?:real|points|punkte|letter|percentage)\)| points grade <.*>| \[total pts:.*\] ?\|\d+)?$",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?:unposted )?(?:(?:current|final) (?:score|grade|points)|final|current|override score|course total|kurs gesamt|"
    r"student|id|section|sis user id|sis login id|total|total score|notes|status)",
    re.IGNORECASE,
)
_WORKSHEET = {"grade", "bewertung"}
_KEYS: Mapping[str, Sequence[tuple[str, str]]] = {
    "canvas": (("id", "number"), ("sisloginid", "id"), ("sisuserid", "sid"), ("sisloginid", "email")),
    "moodle": (("identifier", "participant"), ("emailaddress", "email"), ("emailadresse", "email"), ("idnumber", "sid"),
               ("username", "id"), ("idnummer", "sid"), ("anmeldename", "id")),
}  # fmt: skip
_OTHERS = (
    ("username", "id"),
    ("orgdefinedid", "sid"),
    ("studentid", "sid"),
    ("email", "email"),
    ("id", "id"),
    ("sid", "sid"),
)


@dataclass(frozen=True)
class Filled:
    """A filled-in gradebook file.

    Attributes:
        text: its content.
        students: the number of students who got at least one value.
        columns: the platform's column by assignment.
        warnings: sentences for people.
    """

    text: str
    students: int
    columns: Mapping[str, str]
    warnings: tuple[str, ...]


def plain_title(text: str) -> str:
    """Return a title without what platforms put around it, without signs, and without case."""
    found = _AROUND.match(" ".join(text.split()))
    return _plain(found["title"] if found else text)


def is_platforms_own(name: str) -> bool:
    """Return whether a platform has a column of its own called ``name``, such as Canvas's Final Score."""
    found = _AROUND.match(" ".join(name.split()))
    return bool(_OWN.fullmatch(found["title"] if found else name))


def fill(
    path: Path,
    platform: str,
    values: Mapping[str, Mapping[str, str]],
    titles: Mapping[str, Sequence[str]],
    roster: Roster,
    *,
    chosen: Mapping[str, str],
    overwrite: bool,
) -> Filled:
    """Fill values into the gradebook file that a platform exported.

    Args:
        path: the file.
        platform: canvas, moodle or csv.
        values: the values by assignment and student; an empty value leaves what is there.
        titles: the titles that an assignment may have in the file, by assignment.
        roster: the students.
        chosen: the columns that a person named, by assignment.
        overwrite: True if other values that are there may be replaced.

    Raises:
        CourseError: the file cannot be read, a column is missing, doubtful or not ours, or holds other values.
    """
    table = read_table(path)
    if not table.lines:
        raise CourseError(f"{path} is empty. Export the gradebook again.")
    (_, head), *lines = table.lines
    rows = [row + [""] * (len(head) - len(row)) for _, row in lines]
    places = {
        name: _column(path, head, rows, name, titles[name], chosen.get(name, ""), alone=len(values) == 1)
        for name in values
    }
    owners = _owners(head, rows, platform, roster)
    _refuse_other_values(path, head, rows, owners, places, values, overwrite)
    reached = set()
    for row, student in zip(rows, owners, strict=True):
        for name, place in places.items():
            if student and (value := values[name].get(student, "")):
                row[place] = value
                reached.add(student)
    stream = io.StringIO()
    written = csv.writer(stream, delimiter=table.delimiter, lineterminator="\r\n")
    written.writerows([head, *rows])  # The platform's own file: what is there is the platform's to guard.
    columns = {name: head[place].strip() for name, place in places.items()}
    return Filled(stream.getvalue(), len(reached), columns, tuple(_warnings(values, set(owners), columns)))


def _plain(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _column(
    path: Path,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    name: str,
    titles: Sequence[str],
    chosen: str,
    *,
    alone: bool,
) -> int:
    """Return the place of the column that takes an assignment's grades."""
    wanted = {plain_title(title) for title in titles}
    if chosen:
        found = [place for place, title in enumerate(head) if title.strip() == chosen.strip()]
    else:
        found = [place for place, title in enumerate(head) if plain_title(title) in wanted]
        if not found and alone:  # Moodle's grading worksheet is about one assignment.
            found = [place for place, title in enumerate(head) if _plain(title) in _WORKSHEET]
    listed = ", ".join(f"'{title.strip()}'" for title in head if not is_platforms_own(title))[:300]
    if len(found) != 1:
        problem = f"several columns fit {name}" if found else f"no column is called '{chosen or titles[-1]}' for {name}"
        raise CourseError(f"{path}: {problem}. Name one with --column '{name}=TITLE'; there are {listed}.")
    (place,) = found
    if is_platforms_own(head[place]) or any("read only" in row[place].lower() for row in rows[:3]):
        raise CourseError(
            f"{path}: '{head[place].strip()}' is the platform's own column, and cannot be written. "
            f"Name another with --column '{name}=TITLE'; there are {listed}."
        )
    return place


def _owners(head: Sequence[str], rows: Sequence[Sequence[str]], platform: str, roster: Roster) -> list[str]:
    """Return the id of each row's student; empty for a row that is nobody's, or not clearly somebody's."""
    plain = [_plain(title) for title in head]
    known = [(plain.index(title), kind) for title, kind in (*_KEYS.get(platform, ()), *_OTHERS) if title in plain]
    found = []
    for row in rows:
        keys: list[Clue] = [
            (kind, row[place].strip().removeprefix("#").removeprefix("Participant "))  # type: ignore[misc]
            for place, kind in known
            if row[place].strip()
        ]
        meant = roster.candidates(keys)
        found.append(meant[0] if len(meant) == 1 else "")
    return found


def _refuse_other_values(
    path: Path,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    owners: Sequence[str],
    places: Mapping[str, int],
    values: Mapping[str, Mapping[str, str]],
    overwrite: bool,
) -> None:
    for name, place in places.items():
        other = [
            f"{student} ({row[place].strip()} to {values[name][student]})"
            for row, student in zip(rows, owners, strict=True)
            if student and values[name].get(student) and _differs(row[place], values[name][student])
        ]
        if other and not overwrite:
            more = f" and {len(other) - 3} more" if len(other) > 3 else ""
            raise CourseError(
                f"{path}: the column '{head[place].strip()}' has other values for {', '.join(other[:3])}{more}. "
                "Look at them, and add --overwrite to replace them."
            )


def _differs(there: str, new: str) -> bool:
    if there.strip() in ("", "-"):
        return False
    try:
        return float(there.strip().replace(",", ".")) != float(new)
    except ValueError:
        return True


def _warnings(values: Mapping[str, Mapping[str, str]], owners: set[str], columns: Mapping[str, str]) -> list[str]:
    lines = [f"{name} goes into the column '{safe_cell(column)}'." for name, column in columns.items()]
    for name, points in values.items():
        absent = sorted(student for student, value in points.items() if value and student not in owners)
        if absent:
            lines.append(f"{name}: not in the file, left out: {', '.join(absent)}.")
    return lines


# ---- pages of feedback in one archive

PAGE_FORMATS = ("canvas", "moodle", "nbgrader")


@dataclass(frozen=True)
class PackedPages:
    """An archive of feedback pages.

    Attributes:
        path: the file.
        pages: the number of pages in it.
        left_out: the reason for each student without a page in it.
    """

    path: Path
    pages: int
    left_out: tuple[tuple[str, str], ...]

    def lines(self) -> list[str]:
        """Return the report."""
        return [f"{self.path}: {self.pages} pages.", *(f"{student}: {reason}" for student, reason in self.left_out)]


def pack_feedback(course: Course, platform: str, assignment: str, output: Path | None = None) -> PackedPages:
    """Pack the pages of feedback of one assignment.

    Canvas takes the archive by *Upload Submissions*, Moodle by *Upload multiple feedback files in a zip*: both find the
    student by the name that the download had. nbgrader's ``release_feedback`` takes what it unpacks to in the course's
    folder.

    Args:
        course: the course whose pages are packed.
        platform: one of :data:`PAGE_FORMATS`.
        assignment: its name, such as 01-convolution.
        output: the file; default ``feedback-PLATFORM-ASSIGNMENT.zip`` beside course.toml.

    Raises:
        CourseError: the platform is unknown, or there are no pages.
    """
    if platform not in PAGE_FORMATS:
        raise CourseError(f"Pages of feedback cannot be packed for '{platform}'. Use one of {', '.join(PAGE_FORMATS)}.")
    pages = sorted(course.feedback.glob(f"*/{assignment}/*.html"))
    if not pages:
        raise CourseError(
            f"There are no pages of feedback for '{assignment}'. Write them: autograder grade {assignment}."
        )
    receipts = Receipts(course).of(assignment)
    named: dict[str, Path] = {}
    left_out = []
    for page in pages:
        student = page.parts[-3]
        name = _name(platform, student, assignment, page, receipts.get(student))
        if name:
            named.setdefault(name, page)  # A group's page goes to the group once.
        else:
            left_out.append(
                (student, f"was not collected from {platform.capitalize()}, so its name there is not known.")
            )
    path = output or course.root / f"feedback-{platform}-{assignment}.zip"
    write_atomically(path, _archive(named), 0o600)
    return PackedPages(path, len(named), tuple(left_out))


def _archive(named: Mapping[str, Path]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, page in named.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), page.read_bytes(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _name(platform: str, student: str, assignment: str, page: Path, receipt: Receipt | None) -> str:
    """Return the page's name in the archive; empty if the platform's name for the student is not known."""
    if platform == "nbgrader":
        return f"feedback/{student}/{assignment}/{page.name}"
    if receipt is None or receipt.platform != platform or not receipt.origin:
        return ""
    origin = PurePosixPath(receipt.origin)
    if platform == "moodle":
        folder = origin.parts[0]
        if len(origin.parts) > 1:
            return f"{folder}/{page.name}"
        return f"{folder.partition('_assignsubmission_')[0]}_assignsubmission_file_/{page.name}"
    # Canvas reads the numbers of the student and of what was handed in, and shows the rest as the file's name.
    name, *rest = origin.name.split("_")
    numbers = rest[: 3 if rest[0] == "LATE" else 2]
    return "_".join([name, *numbers, page.name])

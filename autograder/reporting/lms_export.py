"""Grades in the form that a learning platform imports."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course import Course
from autograder.engine.discover import discover
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.gradebook.store import bring_up_to_date
from autograder.leaderboard.grades import AssignmentGrades, read_grades, roster
from autograder.leaderboard.render.columns import safe_cell
from autograder.reporting.platform_files import fill, is_platforms_own
from autograder.roster import FILE_NAME, Roster, Student

__all__ = ["FORMATS", "GradeExport", "export_grades"]

FORMATS = ("canvas", "moodle", "csv")


@dataclass(frozen=True)
class GradeExport:
    """The outcome of an export: what was written, and what was left out.

    Attributes:
        path: the file.
        students: the number of students in it.
        warnings: sentences for people.
    """

    path: Path
    students: int
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the report for people."""
        return [f"{self.path}: {self.students} students.", *self.warnings]


def export_grades(
    course: Course,
    platform: str,
    output: Path | None = None,
    *,
    assignments: Sequence[str] | None = None,
    roster: Path | None = None,
    into: Path | None = None,
    columns: Sequence[str] | None = None,
    overwrite: bool = False,
) -> GradeExport:
    """Write the grades of ``assignments`` (default: all) for ``platform``.

    A grade that does not exist yet stays empty: importing it changes nothing. Work that was not handed in is empty or
    0, as ``[export] missing`` in course.toml tells. Points are those of the gradebook, with points given by hand and
    late penalties.

    Args:
        course: the course whose grades are written.
        platform: one of :data:`FORMATS`.
        output: the file; default ``grades-PLATFORM.csv`` beside course.toml.
        assignments: their names; default all.
        roster: the file of the class's students; default ``students.csv`` beside course.toml.
        into: the gradebook file that the platform exported, whose columns are filled.
        columns: ``ASSIGNMENT=TITLE`` for each column whose name does not tell.
        overwrite: True if other values in it may be replaced.

    Raises:
        CourseError: the platform is unknown, needs a roster and there is none, or a column cannot be written.
        GradebookError: the gradebook cannot be read or has no such assignment.
    """
    if platform not in FORMATS:
        raise CourseError(f"'{platform}' is not a format. Use one of {', '.join(FORMATS)}.")
    followed = bring_up_to_date(course, assignments or None)
    grades = _grades(course, assignments)
    path = output or course.root / f"grades-{platform}.csv"
    if into is not None:
        return _fill(course, platform, path, grades, roster, into, columns or (), overwrite=overwrite)
    students = _students(course, platform, roster)
    _refuse_own_columns(platform, grades)
    points = {each.name: _values(course, each, students) for each in grades}
    rows = {"canvas": _canvas, "moodle": _moodle, "csv": _plain}[platform](grades, students, points)
    write_atomically(path, _as_csv(rows).encode("utf-8-sig" if platform == "csv" else "utf-8"))
    zeros = [line for each in grades for line in _zeros(course, each, students)]
    warnings = (*followed, *_warnings(grades, students, platform), *zeros, *_look_alikes(students))
    return GradeExport(path, len(students), warnings)


def _fill(
    course: Course,
    platform: str,
    path: Path,
    grades: Sequence[AssignmentGrades],
    listed: Path | None,
    into: Path,
    columns: Sequence[str],
    *,
    overwrite: bool,
) -> GradeExport:
    """Fill the platform's own file; without a roster the file itself is one, if the ids are the platform's."""
    chosen = _chosen(columns, [each.name for each in grades])
    usual = course.root / FILE_NAME
    known = list(Roster.read(listed or usual).students) if listed or usual.is_file() else []
    ids = {student.id for student in known}
    students = [*known, *(Student(each) for each in roster(course.gradebook_url) if each not in ids)]
    values = {each.name: _values(course, each, known) for each in grades}
    titles = {each.name: _titles(course, each.name) for each in grades}
    filled = fill(into, platform, values, titles, Roster(students), chosen=chosen, overwrite=overwrite)
    marked = into.read_bytes().startswith(b"\xef\xbb\xbf")
    write_atomically(path, filled.text.encode("utf-8-sig" if marked else "utf-8"))
    waiting = [line for each in grades for line in (*_waiting(each), *_zeros(course, each, known))]
    return GradeExport(path, filled.students, (*filled.warnings, *waiting, *_look_alikes(students)))


def _chosen(columns: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in columns:
        name, _, title = text.partition("=")
        if name not in known or not title:
            raise CourseError(f"--column '{text}' is not ASSIGNMENT=TITLE. There are grades for {', '.join(known)}.")
        found[name] = title
    return found


def _titles(course: Course, name: str) -> list[str]:
    """Return the titles that an assignment may have on a platform: its name, its topic, and its notebook's title."""
    topic = re.sub(r"^\d+[-_ ]*", "", name)
    found = [name, topic]
    for path in sorted((course.release / name).glob("*.ipynb")):
        found.append(path.stem)
        heading = re.search(
            r'"#+ (?:\d+\W+)?([^"\\]{3,80})', path.read_text(encoding="utf-8", errors="replace")[:20_000]
        )
        found += [heading[1]] if heading else []
    return found


def _refuse_own_columns(platform: str, grades: Sequence[AssignmentGrades]) -> None:
    own = [each.name for each in grades if platform != "csv" and is_platforms_own(each.name)]
    if own:
        raise CourseError(
            f"The platform has a column '{own[0]}' of its own, which an import would overwrite. Export the platform's "
            f"gradebook, and fill it: --into FILE --column '{own[0]}=TITLE'."
        )


def _look_alikes(students: Sequence[Student]) -> list[str]:
    return Roster(students).remarks()


def _values(course: Course, grades: AssignmentGrades, students: Sequence[Student]) -> dict[str, str]:
    """Return the points by student; 0 for work that is missing once it is due, if the course wants it."""
    values = _points(grades)
    return values | dict.fromkeys(_missing(course, grades, students), "0")


def _missing(course: Course, grades: AssignmentGrades, students: Sequence[Student]) -> list[str]:
    """Return the students who get 0 for handing in nothing; not those who have anything there that needs a look."""
    due = course.settings(grades.name).due
    moment = due.replace(tzinfo=dt.UTC) if due is not None and due.tzinfo is None else due
    if course.config.export.missing != "zero" or (moment is not None and moment > dt.datetime.now(dt.UTC)):
        return []
    notebook = next((path.stem for path in sorted((course.release / grades.name).glob("*.ipynb"))), "")
    discovery = discover(course, grades.name, notebook)
    there = {grade.student for grade in grades.grades}
    there |= {each.student for each in discovery.found} | {each.student for each in discovery.misplaced}
    return [student.id for student in students if student.id not in there]


def _grades(course: Course, names: Sequence[str] | None) -> list[AssignmentGrades]:
    if names:
        return [read_grades(course.gradebook_url, name)[0] for name in names]
    return list(read_grades(course.gradebook_url))


def _students(course: Course, platform: str, path: Path | None) -> list[Student]:
    usual = course.root / FILE_NAME
    listed = Roster.read(path or usual).students if path or usual.is_file() else ()
    if not listed and platform != "csv":
        wanted = "lms_user_id" if platform == "canvas" else "email"
        raise CourseError(
            f"{platform} finds students by {wanted}, which the gradebook does not have. "
            f"Write {usual} with the columns id and {wanted}."
        )
    known = {student.id for student in listed}
    others = [Student(each) for each in roster(course.gradebook_url) if each not in known] if platform == "csv" else []
    return [*listed, *others]


def _zeros(course: Course, grades: AssignmentGrades, students: Sequence[Student]) -> Iterator[str]:
    if missing := _missing(course, grades, students):
        yield f"{grades.name}: 0 for {len(missing)} who handed in nothing: {', '.join(missing)}."


def _points(grades: AssignmentGrades) -> dict[str, str]:
    return {each.student: "" if each.points is None else f"{each.points:g}" for each in grades.grades}


Points = Mapping[str, Mapping[str, str]]


def _canvas(grades: Sequence[AssignmentGrades], students: Sequence[Student], points: Points) -> list[list[str]]:
    """Return the rows of Canvas's own gradebook file: a header, the points possible, a line for each student."""
    names = [each.name for each in grades]
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *names]
    possible = ["Points Possible", "", "", "", "", *(f"{each.maximum:g}" for each in grades)]
    columns = [points[each.name] for each in grades]
    rows = [
        [
            f"{each.last_name}, {each.first_name}".strip(", ") or each.id,
            each.lms_user_id,
            each.sid,
            each.id,
            "",
            *(column.get(each.id, "") for column in columns),
        ]
        for each in students
        if each.lms_user_id
    ]
    return [head, possible, *rows]


def _moodle(grades: Sequence[AssignmentGrades], students: Sequence[Student], points: Points) -> list[list[str]]:
    """Return the rows for Moodle, whose import maps the columns by hand; the address finds the student."""
    head = ["Email address", *(each.name for each in grades)]
    columns = [points[each.name] for each in grades]
    rows = [[each.email, *(column.get(each.id, "") for column in columns)] for each in students if each.email]
    return [head, *rows]


def _plain(grades: Sequence[AssignmentGrades], students: Sequence[Student], points: Points) -> list[list[str]]:
    head = ["id", "first_name", "last_name", "email"]
    head += [column for each in grades for column in (each.name, f"{each.name} open", f"{each.name} late")]
    by_student = {each.name: {grade.student: grade for grade in each.grades} for each in grades}
    rows = []
    for student in students:
        row = [student.id, student.first_name, student.last_name, student.email]
        for name, column in by_student.items():
            grade = column.get(student.id)
            row += [
                points[name].get(student.id, ""),
                str(grade.open) if grade else "",
                ("yes" if grade.late else "no") if grade else "",
            ]
        rows.append(row)
    return [head, *rows]


def _as_csv(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerows([safe_cell(text) for text in row] for row in rows)
    return stream.getvalue()


def _warnings(grades: Sequence[AssignmentGrades], students: Sequence[Student], platform: str) -> list[str]:
    listed = {student.id for student in students}
    key = {"canvas": "lms_user_id", "moodle": "email"}.get(platform, "id")
    warnings = [f"{each.id} has no {key} in the roster: left out." for each in students if not getattr(each, key)]
    for each in grades:
        warnings += _waiting(each)
        strangers = sorted(grade.student for grade in each.grades if grade.student not in listed)
        if strangers:
            warnings.append(f"{each.name}: not in the roster, left out: {', '.join(strangers)}.")
    return warnings


def _waiting(grades: AssignmentGrades) -> Iterator[str]:
    waiting = sum(grade.points is None for grade in grades.grades)
    opened = sum(grade.points is not None and grade.open > 0 for grade in grades.grades)
    if waiting:
        yield f"{grades.name}: {waiting} not graded yet: left empty."
    if opened:
        yield f"{grades.name}: {opened} with a written answer still to be graded: the points can rise."

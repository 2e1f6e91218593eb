"""Grades in the form that a learning platform imports."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.atomic_files import write_atomically
from autograder.course import Course
from autograder.errors import CourseError
from autograder.leaderboard.grades import AssignmentGrades, read_grades, roster
from autograder.leaderboard.render.spreadsheet import safe_cell
from autograder.roster import FILE_NAME, Roster, Student

__all__ = ["FORMATS", "GradeExport", "export_grades"]

FORMATS = ("canvas", "moodle", "csv")


@dataclass(frozen=True)
class GradeExport:
    """What was written, and what was left out.

    Attributes:
        path: the file.
        students: how many lines it has.
        warnings: for people.
    """

    path: Path
    students: int
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """The report for people."""
        return [f"{self.path}: {self.students} students.", *self.warnings]


def export_grades(
    course: Course,
    platform: str,
    output: Path | None = None,
    *,
    assignments: Sequence[str] | None = None,
    roster: Path | None = None,
) -> GradeExport:
    """Write the grades of ``assignments`` (default: all) for ``platform``.

    A grade that does not exist yet stays empty: importing it changes nothing. Points are those of the gradebook, with
    points given by hand and late penalties.

    Args:
        platform: one of :data:`FORMATS`.
        output: the file; default ``grades-PLATFORM.csv`` beside course.toml.
        roster: who is in the class; default ``students.csv`` beside course.toml.

    Raises:
        CourseError: the platform is unknown, or it needs a roster and there is none.
        GradebookError: the gradebook cannot be read or has no such assignment.
    """
    if platform not in FORMATS:
        raise CourseError(f"'{platform}' is no format. Use one of {', '.join(FORMATS)}.")
    grades = _grades(course, assignments)
    students = _students(course, platform, roster)
    rows = {"canvas": _canvas, "moodle": _moodle, "csv": _plain}[platform](grades, students)
    path = output or course.root / f"grades-{platform}.csv"
    write_atomically(path, _as_csv(rows).encode("utf-8-sig" if platform == "csv" else "utf-8"))
    return GradeExport(path, len(students), tuple(_warnings(grades, students, platform)))


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


def _points(grades: AssignmentGrades) -> dict[str, str]:
    return {each.student: "" if each.points is None else f"{each.points:g}" for each in grades.grades}


def _canvas(grades: Sequence[AssignmentGrades], students: Sequence[Student]) -> list[list[str]]:
    """Canvas's own gradebook file: a header, the points possible, a line a student."""
    names = [each.name for each in grades]
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *names]
    possible = ["Points Possible", "", "", "", "", *(f"{each.maximum:g}" for each in grades)]
    columns = [_points(each) for each in grades]
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


def _moodle(grades: Sequence[AssignmentGrades], students: Sequence[Student]) -> list[list[str]]:
    """Moodle's import maps the columns by hand; the address finds the student."""
    head = ["Email address", *(each.name for each in grades)]
    columns = [_points(each) for each in grades]
    rows = [[each.email, *(column.get(each.id, "") for column in columns)] for each in students if each.email]
    return [head, *rows]


def _plain(grades: Sequence[AssignmentGrades], students: Sequence[Student]) -> list[list[str]]:
    head = ["id", "first_name", "last_name", "email"]
    head += [column for each in grades for column in (each.name, f"{each.name} open", f"{each.name} late")]
    by_student = [{grade.student: grade for grade in each.grades} for each in grades]
    rows = []
    for student in students:
        row = [student.id, student.first_name, student.last_name, student.email]
        for column in by_student:
            grade = column.get(student.id)
            points = "" if grade is None or grade.points is None else f"{grade.points:g}"
            row += [points, str(grade.open) if grade else "", ("yes" if grade.late else "no") if grade else ""]
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
        waiting = sum(grade.points is None for grade in each.grades)
        opened = sum(grade.points is not None and grade.open > 0 for grade in each.grades)
        strangers = sorted(grade.student for grade in each.grades if grade.student not in listed)
        if waiting:
            warnings.append(f"{each.name}: {waiting} not graded yet: left empty.")
        if opened:
            warnings.append(f"{each.name}: {opened} with a written answer still to be graded: the points can rise.")
        if strangers:
            warnings.append(f"{each.name}: not in the roster, left out: {', '.join(strangers)}.")
    return warnings

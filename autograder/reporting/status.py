"""The state of an assignment: who handed in nothing, who is late, and what waits for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import msgspec

from autograder.authoring.adopted import notebooks_of
from autograder.collecting.records import groups_of
from autograder.course import Course
from autograder.engine.discover import discover
from autograder.errors import CourseError, GradebookError
from autograder.gradebook.journal import Journal
from autograder.gradebook.stamps import is_late_by_unknown_time, read_timestamp
from autograder.leaderboard.grades import Grade, read_grades, roster
from autograder.roster import FILE_NAME, Roster

__all__ = ["AssignmentStatus", "status"]

_WIDTH = 118


class AssignmentStatus(msgspec.Struct, frozen=True):
    """The state of one assignment; students are named by id.

    Attributes:
        assignment: its name.
        due: the time when it is due, in UTC; None if never.
        students: the number of students in the class.
        handed_in: the number of those who handed in something.
        graded: the number of those who have a grade.
        nothing: those who handed in nothing.
        late: those who are late, with by how much.
        unreadable: those whose file is not a notebook, with the reason. Where an assignment has several notebooks, the
            name of the notebook stands behind the student's, here and in the next.
        misplaced: those who have something that needs a look before it can be graded, with the reason.
        not_graded: those who handed in and have no grade yet.
        to_read: those who have written answers that a person has to grade, with the number.
        groups: those who handed in together.
    """

    assignment: str
    due: dt.datetime | None
    students: int
    handed_in: int
    graded: int
    nothing: tuple[str, ...] = ()
    late: dict[str, str] = msgspec.field(default_factory=dict)
    unreadable: dict[str, str] = msgspec.field(default_factory=dict)
    misplaced: dict[str, str] = msgspec.field(default_factory=dict)
    not_graded: tuple[str, ...] = ()
    to_read: dict[str, int] = msgspec.field(default_factory=dict)
    groups: tuple[tuple[str, ...], ...] = ()

    def lines(self) -> list[str]:
        """Return the report for people."""
        due = f", due {self.due:%Y-%m-%d %H:%M} UTC" if self.due else ""
        lines = [f"{self.assignment}{due}: {self.handed_in} of {self.students} handed in, {self.graded} graded."]
        lines += _listed("nothing handed in", self.nothing)
        lines += _listed("late", [f"{student} ({by})" for student, by in self.late.items()])
        lines += _listed("not graded yet", self.not_graded)
        lines += _listed("to be read by a person", [f"{each} ({count})" for each, count in self.to_read.items()])
        lines += _listed("handed in together", [" + ".join(group) for group in self.groups])
        lines += [f"  unreadable: {student}: {reason}" for student, reason in self.unreadable.items()]
        lines += [f"  needs a look: {student}: {reason}" for student, reason in self.misplaced.items()]
        return lines


def status(
    course: Course, assignments: Sequence[str] | None = None, listed: Path | None = None
) -> tuple[AssignmentStatus, ...]:
    """Return the state of ``assignments`` (default: all).

    Args:
        course: the course.
        assignments: their names.
        listed: the file of the class's students; default ``students.csv`` beside course.toml.

    Raises:
        CourseError: there is no such assignment, or the roster is wrong.
        GradebookError: the gradebook is damaged.
    """
    known = _units(course)
    wanted = list(assignments or known)
    for name in wanted:
        if name not in known:
            raise CourseError(f"There is no released assignment '{name}' (there are: {', '.join(known) or 'none'}).")
    usual = course.root / FILE_NAME
    students = [each.id for each in Roster.read(listed or usual).students] if listed or usual.is_file() else []
    return tuple(_status(course, name, known[name], students) for name in wanted)


def _units(course: Course) -> dict[str, list[str]]:
    """Return, for each assignment, what the grader calls its notebooks; of an adopted course, `ps1/problem1`."""
    if not course.adopted:
        released = sorted(course.release.glob("*/*.ipynb"))
        return {path.parent.name: [f"{path.parent.name}/{path.stem}"] for path in released}
    return {name: notebooks_of(course, name) for name in course.assignments()}


def _status(course: Course, name: str, units: Sequence[str], listed: Sequence[str]) -> AssignmentStatus:
    discovered = {unit: discover(course, name, unit.rpartition("/")[2]) for unit in units}
    found = {each.student for one in discovered.values() for each in one.found}
    label = {unit: f" ({unit.rpartition('/')[2]})" if len(units) > 1 else "" for unit in units}
    misplaced = {f"{each.student}{label[unit]}": each.reason for unit in units for each in discovered[unit].misplaced}
    refused = {unit: _refusals(course, unit if course.adopted else name) for unit in units}
    refusals = {
        f"{who}{label[unit]}": reason for unit in units for who, reason in refused[unit].items() if who in found
    }
    doubtful = {each.student for one in discovered.values() for each in one.misplaced}
    grades = _grades(course, name)
    there = found | doubtful | grades.keys()
    everyone = sorted({*listed, *(there if listed else {*there, *_known(course)})})
    graded = {student for student, grade in grades.items() if grade.points is not None}
    groups = set(groups_of(course, name).values())
    return AssignmentStatus(
        name,
        due=_due(course, name),
        students=len(everyone),
        handed_in=len(there),
        graded=len(graded),
        nothing=tuple(student for student in everyone if student not in there),
        late=_late(course, name, found, grades),
        unreadable={who: reason for who, reason in sorted(refusals.items()) if who not in misplaced},
        misplaced=misplaced,
        not_graded=tuple(sorted(found - graded - set().union(*refused.values()))),
        to_read={student: grade.open for student, grade in sorted(grades.items()) if grade.open and student in graded},
        groups=tuple(sorted(groups)),
    )


def _due(course: Course, name: str) -> dt.datetime | None:
    due = course.settings(name).due
    if due is None:
        return None
    return due.replace(tzinfo=dt.UTC) if due.tzinfo is None else due.astimezone(dt.UTC)


def _has_gradebook(course: Course) -> bool:
    url = course.gradebook_url
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).is_file()


def _grades(course: Course, name: str) -> dict[str, Grade]:
    if not _has_gradebook(course):
        return {}
    found = [each for each in read_grades(course.gradebook_url) if each.name == name]
    return {grade.student: grade for each in found for grade in each.grades}


def _known(course: Course) -> tuple[str, ...]:
    return roster(course.gradebook_url) if _has_gradebook(course) else ()


def _refusals(course: Course, name: str) -> dict[str, str]:
    path = course.results / "journal.db"
    if not path.is_file():
        return {}
    with Journal(path) as journal:
        return {student: entry.refusal for student, entry in journal.entries(name).items() if entry.refusal}


def _late(course: Course, name: str, handed_in: Set[str], grades: Mapping[str, Grade]) -> dict[str, str]:
    """Return who is late, by how much: as the gradebook has it, with extensions; else by the stamp."""
    found = {}
    due = _due(course, name)
    for student in sorted(handed_in | grades.keys()):
        grade = grades.get(student)
        at = _moment(course, name, student) or (grade.at.replace(tzinfo=dt.UTC) if grade and grade.at else None)
        late = grade.late if grade else bool(due and at and at > due)
        if is_late_by_unknown_time(course, student, name):
            found[student] = "by an unknown time"
        elif late:
            found[student] = _by(at - due) if due and at and at > due else "after an extension"
    return found


def _moment(course: Course, name: str, student: str) -> dt.datetime | None:
    try:
        moment = read_timestamp(course, student, name)
    except GradebookError:  # It is among those that need a look.
        return None
    return moment.replace(tzinfo=dt.UTC) if moment else None


def _by(time: dt.timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    days, hours = minutes // 1440, minutes % 1440 // 60
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{minutes % 60} min"] * (not days)
    return "by " + " ".join(parts)


def _listed(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    lines = [f"  {title}: {len(items)}:"]
    for item in items:
        if len(lines[-1]) + len(item) > _WIDTH:
            lines.append("   ")
        lines[-1] += f" {item},"
    lines[-1] = lines[-1].rstrip(",")
    return lines

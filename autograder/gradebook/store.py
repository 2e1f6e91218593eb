"""The gradebook: the one place that writes grades, those of groups included.

What a person gave to one member of a group is given to all. The late penalties on nbgrader's own pages are brought up
to date by every command that shows or hands on totals.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.engine import make_url

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.files import LONGEST_NAME, names_student
from autograder.gradebook.database import Database
from autograder.gradebook.lateness import LatePenalty, LateRules, make_tables
from autograder.gradebook.marks import (
    Marks,
    Total,
    TotalChange,
    change_lines,
    follow_points,
    outdated,
    questions,
    read_marks,
    totals_of,
)
from autograder.gradebook.notice import FullName, full_names
from autograder.gradebook.registration import (
    ASSIGNMENT,
    BASE,
    COMMENT,
    GRADE,
    NOTEBOOK,
    SUBMITTED_NOTEBOOK,
    name_known_students,
    register,
)
from autograder.gradebook.stamps import Stamp
from autograder.gradebook.write_submission import (
    SUBMITTED,
    GradebookScore,
    GradedSubmission,
    cells_of,
    scores_of,
    settle,
    write_submission,
)
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = ["Gradebook", "bring_up_to_date", "share_marks"]

Values = dict[str, list[tuple[str, Any]]]


def share_marks(db: Connection, notebook_id: str, groups: Iterable[Collection[str]]) -> list[tuple[str, str]]:
    """Give points, extra credit and comments that a person gave to one member of a group to the others.

    Where members have different ones already, nothing is changed.

    Returns:
        Each member of a group that was given different things, with a message for people.
    """
    disputes = []
    for group in groups:
        for table, column, cleared in (
            (GRADE, "manual_score", {"needs_manual_grade": False}),
            (GRADE, "extra_credit", {}),
            (COMMENT, "manual_comment", {}),
        ):
            for cell, values in _given(db, notebook_id, group, table, column).items():
                given = {value for _, value in values if value not in (None, "")}
                if len(given) > 1:
                    shown = " and ".join(sorted(f"'{str(value)[:40]}'" for value in given))
                    reason = f"the group {', '.join(sorted(group))} was given different things for {cell}: {shown}."
                    disputes += [(student, f"{reason} Correct it in the formgrader.") for student in sorted(group)]
                elif given:
                    (value,) = given
                    empty = [row for row, there in values if there in (None, "")]
                    db.execute(update(table).where(table.c.id.in_(empty)).values({column: value, **cleared}))
    return disputes


def _given(db: Connection, notebook_id: str, group: Collection[str], table: Table, column: str) -> Values:
    """Return the id and the value of each member's row, by the name of the cell; extra credit of 0 is none."""
    question = (
        select(table.c.id, BASE.c.name, table.c[column])
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == table.c.notebook_id)
        .join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        .join(BASE, BASE.c.id == table.c.cell_id)
        .where(SUBMITTED_NOTEBOOK.c.notebook_id == notebook_id, SUBMITTED.c.student_id.in_(group))
    )
    found: Values = defaultdict(list)
    for row, name, value in db.execute(question).all():
        found[str(name)].append((row, None if column == "extra_credit" and not value else value))
    return found


# ---- the gradebook


def _checked_scores(assignment: Assignment, graded: GradedSubmission) -> dict[str, float | None]:
    student, result = graded.student, graded.result
    if result.status != "graded":
        raise GradebookError(
            f"{assignment.name} of {student} was not graded ({result.reason}), so no score was written. Grade it again."
        )
    if not names_student(student):
        raise GradebookError(f"'{student[:40]}' is not a student id: use 1 to {LONGEST_NAME} printable characters.")
    return scores_of(assignment, graded.submission, result)


def _submitted(assignment: str, notebook: str, student: str) -> Any:
    """Return a question for the keys of a submitted assignment and of one of its notebooks."""
    return (
        select(SUBMITTED.c.id.label("submission"), SUBMITTED_NOTEBOOK.c.id.label("notebook"))
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .join(NOTEBOOK, NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id)
        .where(ASSIGNMENT.c.name == assignment, NOTEBOOK.c.name == notebook, SUBMITTED.c.student_id == student)
    )


class Gradebook:
    """nbgrader's gradebook, written one submission at a time.

    Use it as a context manager, from one process. Opening it makes the database if there is none.
    """

    def __init__(
        self,
        url: str,
        course_id: str,
        *,
        late_penalty: LatePenalty | None = None,
        rules: Callable[[str], LateRules] | None = None,
        names: Mapping[str, FullName] | None = None,
        patience: float = 60.0,
    ) -> None:
        """Open the gradebook at ``url``.

        Args:
            url: the database's URL.
            course_id: nbgrader's name of the course.
            late_penalty: a function that computes the points lost to lateness, in place of a course's rules.
            rules: the rules for lateness of an assignment, by its name.
            names: the names of students, where somebody has entered none.
            patience: the seconds to wait for a locked database.

        Raises:
            GradebookError: it is damaged, locked or not a gradebook. It is left as it was.
        """
        self._database = Database(url, patience)
        self._course_id = course_id
        self._rules = lru_cache(maxsize=None)(rules or (lambda name: LateRules(plugin=late_penalty)))
        self._names = names or {}
        self._registered: dict[str, str] = {}

    @classmethod
    def of(cls, course: Course, *, patience: float = 60.0) -> Gradebook:
        """Return the gradebook of ``course``: lateness by its course.toml, names by its ``students.csv``.

        Raises:
            CourseError: one of the two files is wrong.
            GradebookError: as the constructor does.
        """
        from autograder.gradebook.lateness import late_rules

        rules, names = partial(late_rules, course), full_names(course)
        return cls(course.gradebook_url, course.id, rules=rules, names=names, patience=patience)

    def __enter__(self) -> Gradebook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def register(self, assignment: Assignment, due: dt.datetime | None = None) -> None:
        """Make ``assignment`` known, or bring its cells and points up to date; ``due`` without a zone is UTC.

        Raises:
            GradebookError: a cell was removed that a person has graded by hand.
        """

        def change(db: Connection) -> str:
            make_tables(db)
            name_known_students(db, self._names)
            return register(db, assignment, self._course_id, due)

        self._registered[assignment.unit] = self._database.write(change)

    def record(
        self,
        assignment: Assignment,
        student: str,
        submission: Submission,
        result: Result,
        timestamp: dt.datetime | None = None,
    ) -> GradebookScore:
        """Write a graded result in one transaction; recording it again changes nothing.

        Args:
            assignment: an assignment that was registered before.
            student: nbgrader's student id; made if it is new.
            submission: the graded submission; written answers in it are left for a person.
            result: its result.
            timestamp: the moment when it was handed in; without a zone it is UTC. None keeps what is there.

        Raises:
            GradebookError: the result is not graded, does not fit the assignment, or the database cannot be
            written. Nothing was written.
        """
        (recorded,) = self.record_all(assignment, [GradedSubmission(student, submission, result, Stamp(at=timestamp))])
        return recorded

    def record_all(self, assignment: Assignment, graded: Sequence[GradedSubmission]) -> list[GradebookScore]:
        """Write graded results in one transaction: all of them or none. Otherwise as `record`, one after the other.

        Raises:
            GradebookError: as `record`, of the first that cannot be written. Nothing was written.
        """
        return self._database.write(self._recording(assignment, graded))

    def preview(self, assignment: Assignment, graded: Sequence[GradedSubmission]) -> list[tuple[Total | None, Total]]:
        """Return the totals before and after :meth:`record_all`, which is tried and taken back; None before the first.

        Raises:
            GradebookError: as `record_all`.
        """
        change = self._recording(assignment, graded)

        def both(db: Connection) -> tuple[dict[str, Total], dict[str, Total]]:
            before = totals_of(db, assignment.name)
            change(db)
            return before, totals_of(db, assignment.name)

        before, after = self._database.write(both, keep=False)
        return [(before.get(each.student), after[each.student]) for each in graded]

    def _recording(
        self, assignment: Assignment, graded: Sequence[GradedSubmission]
    ) -> Callable[[Connection], list[GradebookScore]]:
        key, rules = self._key_of(assignment), self._rules(assignment.name)
        scores = [_checked_scores(assignment, each) for each in graded]
        # In the same order whoever writes, so that two graders never wait for each other in a circle.
        order = sorted(range(len(graded)), key=lambda number: graded[number].student)

        def change(db: Connection) -> list[GradebookScore]:
            make_tables(db)
            cells = cells_of(db, key)
            found = {
                number: write_submission(db, key, cells, assignment, graded[number], scores[number], rules, self._names)
                for number in order
            }
            return [found[number] for number in range(len(graded))]

        return change

    def assignments(self) -> list[str]:
        """Return the names of the assignments in it, sorted."""
        return sorted(self._database.read(lambda db: db.execute(select(ASSIGNMENT.c.name)).scalars().all()))

    def totals(self, assignment: str, *, written: bool = False) -> dict[str, Total]:
        """Return the totals of all who handed in ``assignment``, by student; as :func:`totals_of`."""
        return self._database.read(lambda db: totals_of(db, assignment, written=written))

    def settle(self, assignment: str, notebook: str, student: str, stamp: Stamp) -> GradebookScore:
        """Decide how late a submission in the gradebook is, and write its penalty.

        Raises:
            GradebookError: the gradebook does not have it, or cannot be written.
        """

        def change(db: Connection) -> GradebookScore | None:
            make_tables(db)
            row = db.execute(_submitted(assignment, notebook, student)).first()
            if row is None:
                return None
            return settle(db, row.submission, row.notebook, student, stamp, self._rules(assignment))

        found = self._database.write(change)
        if found is None:
            raise GradebookError(f"{assignment} of {student} is not in the gradebook. Grade it first.")
        return found

    def follow_points(self, assignment: str) -> list[TotalChange]:
        """Bring nbgrader's penalties of ``assignment`` up to date with points that a person has given since.

        Only the points count: how late each submission is stays as it was decided when it was graded last.
        """
        return self._database.write(lambda db: follow_points(db, assignment, self._rules(assignment)))

    def outdated(self, assignment: str, stamps: Mapping[str, Stamp]) -> set[str]:
        """Return the students whose lateness is not what the rules and ``stamps`` give now: grading settles it."""
        return self._database.read(lambda db: outdated(db, assignment, stamps, self._rules(assignment)))

    def questions(self, assignment: str, stamps: Mapping[str, Stamp]) -> dict[str, str]:
        """Return, for each student whose lateness a person has to decide, a sentence that tells why and how."""
        return self._database.read(lambda db: questions(db, assignment, stamps, self._rules(assignment)))

    def marks(self, assignment: Assignment, students: Collection[str]) -> dict[str, Marks]:
        """Return the marks of the submissions of ``students``; a student without a submission is left out.

        Raises:
            GradebookError: the assignment is not registered, or the database cannot be read.
        """
        key = self._key_of(assignment)
        return self._database.read(lambda db: read_marks(db, key, students))

    def share(self, assignment: Assignment, groups: Iterable[Collection[str]]) -> list[tuple[str, str]]:
        """Give what a person gave to one member of a group to the others, and return who was given different things.

        Raises:
            GradebookError: the assignment is not registered, or the database cannot be written.
        """
        key = self._key_of(assignment)
        return self._database.write(lambda db: share_marks(db, key, groups))

    def _key_of(self, assignment: Assignment) -> str:
        if assignment.unit not in self._registered:
            question = (
                select(NOTEBOOK.c.id)
                .join(ASSIGNMENT, ASSIGNMENT.c.id == NOTEBOOK.c.assignment_id)
                .where(ASSIGNMENT.c.name == assignment.name, NOTEBOOK.c.name == assignment.notebook)
            )
            found = self._database.read(lambda db: db.execute(question).scalar())
            if found is None:
                raise GradebookError(f"{assignment.name} is not in the gradebook. Register it first: autograder grade")
            self._registered[assignment.unit] = str(found)
        return self._registered[assignment.unit]


def bring_up_to_date(course: Course, assignments: Sequence[str] | None = None) -> list[str]:
    """Let the penalties in the gradebook follow the points that people have given; return lines that tell what changed.

    Every command that shows or hands on totals calls this first, so that nbgrader's own pages show the same. It never
    fails: totals are right without it, unless a plugin of the course's own computes penalties.

    Args:
        course: the course of the gradebook; if there is none yet, none is made.
        assignments: the names of assignments; default all.
    """
    address = make_url(course.gradebook_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        return []
    try:
        with Gradebook.of(course) as gradebook:
            names = gradebook.assignments() if assignments is None else assignments
            return [line for name in names for line in change_lines(name, gradebook.follow_points(name))]
    except GradebookError as error:
        return [f"The late penalties on nbgrader's own pages were not brought up to date: {error}"]

"""Entries read from nbgrader's gradebook: for one assignment, or for the whole course. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, case, create_engine, exists, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from autograder.errors import GradebookError
from autograder.files import names_student

if TYPE_CHECKING:
    from autograder.gradebook.lateness import Terms

__all__ = ["AssignmentGrades", "Grade", "assignment_names", "handed_in", "read_grades", "roster"]


@dataclass(frozen=True, slots=True)
class Grade:
    """The gradebook's record of one submission.

    Attributes:
        points: the points after any late penalty, never below 0; None while the autograder has not finished.
        open: parts that a person has still to grade.
        late: True if it was handed in after the deadline, extensions and grace counted.
        unreadable: True if nothing has points, since the file cannot be graded as it was handed in.
    """

    student: str
    points: float | None
    at: dt.datetime | None
    open: int
    late: bool
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class AssignmentGrades:
    """One assignment: its maximum in points and every grade."""

    name: str
    maximum: float
    grades: tuple[Grade, ...]

    def with_waiting(self, students: Collection[str], unreadable: Collection[str] = ()) -> AssignmentGrades:
        """Return the same, with an unfinished grade for each of ``students`` whom the gradebook does not know yet.

        What the grader could not read or finish is not in the gradebook: handed in and not graded is not missing.

        Args:
            unreadable: those whose files can be graded only when they are handed in again.
        """
        known = {grade.student for grade in self.grades}
        waiting = (
            Grade(student, None, None, 0, False, student in unreadable)
            for student in sorted({*students, *unreadable} - known)
        )
        return replace(self, grades=(*self.grades, *waiting))


def handed_in(submitted: Path, assignment: str) -> set[str]:
    """Return the students who have a file of the assignment in nbgrader's ``submitted/`` tree, graded or not.

    Folders whose names cannot be a student's id are left out: grading reports them.
    """
    students = {path.parts[-3] for path in submitted.glob(f"*/{assignment}/*.ipynb")}
    return set(filter(names_student, students))


def assignment_names(url: str) -> tuple[str, ...]:
    """Return every assignment in the gradebook, in order of name.

    Raises:
        GradebookError: the gradebook is missing or damaged.
    """
    from nbgrader.api import Assignment

    with _session(url) as session:
        return tuple(session.scalars(select(Assignment.name).order_by(Assignment.name)))


def roster(url: str) -> tuple[str, ...]:
    """Return every student id in the gradebook, sorted.

    Raises:
        GradebookError: the gradebook is missing or damaged.
    """
    from nbgrader.api import Student

    with _session(url) as session:
        return tuple(sorted(session.scalars(select(Student.id))))


def read_grades(url: str, assignment: str | None = None) -> tuple[AssignmentGrades, ...]:
    """Return the grades of one assignment, or of all, in order of name.

    Raises:
        GradebookError: the gradebook is missing or damaged, or does not have the assignment.
    """
    from nbgrader.api import Assignment

    with _session(url) as session:
        found = session.execute(
            select(Assignment.id, Assignment.name, Assignment.max_score, Assignment.duedate).order_by(Assignment.name)
        ).all()
        wanted = [row for row in found if assignment in (None, row.name)]
        if assignment is not None and not wanted:
            known = ", ".join(row.name for row in found) or "none"
            raise GradebookError(
                f"The gradebook has no assignment {assignment!r}. It has: {known}. Check the name, or grade it first."
            )
        return tuple(AssignmentGrades(row.name, float(row.max_score), _grades(session, row)) for row in wanted)


def _grades(session: Session, assignment: Row[str, str, float, dt.datetime | None]) -> tuple[Grade, ...]:
    from nbgrader.api import SubmittedAssignment

    from autograder.gradebook.lateness import kept_terms

    scores = _scores(assignment.id)
    penalties = _penalties(assignment.id)
    rows = session.execute(
        select(
            SubmittedAssignment.id,
            SubmittedAssignment.student_id,
            SubmittedAssignment.timestamp,
            SubmittedAssignment.extension,
            scores.c.points,
            scores.c.open,
            scores.c.ungraded,
            penalties.c.penalty,
        )
        .outerjoin(scores, scores.c.submission == SubmittedAssignment.id)
        .outerjoin(penalties, penalties.c.submission == SubmittedAssignment.id)
        .where(SubmittedAssignment.assignment_id == assignment.id)
        .order_by(SubmittedAssignment.student_id)
    )
    kept = kept_terms(session.connection())
    return tuple(_grade(row, assignment.duedate, kept.get(row.id)) for row in rows)


def _grade(row: Row[*tuple[Any, ...]], due: dt.datetime | None, terms: Terms | None) -> Grade:
    from autograder.gradebook.lateness import lateness, penalty_of

    finished = row.points is not None and not row.ungraded
    score = float(row.points or 0.0)
    points = max(0.0, score - penalty_of(terms, score, row.penalty)) if finished else None
    # Without terms only nbgrader has graded it, by its own rules.
    own = lateness(row.timestamp, due and due + (row.extension or dt.timedelta())) > 0
    return Grade(row.student_id, points, row.timestamp, int(row.open or 0), own if terms is None else terms.late)


def _scores(assignment: str):  # type: ignore[no-untyped-def]
    """Return, per submission, its points, open parts, and checks that are not scored yet; one pass over the grades."""
    from nbgrader.api import BaseCell, GradeCell, SubmittedAssignment, SubmittedNotebook
    from nbgrader.api import Grade as Row_

    cells = GradeCell.__table__.c
    base, twin = BaseCell.__table__, BaseCell.__table__.alias()
    by_hand = exists().where(  # Code that a person grades is an answer, not a check that was left out.
        twin.c.type == "SolutionCell", twin.c.notebook_id == base.c.notebook_id, twin.c.name == base.c.name
    )
    unscored = Row_.auto_score.is_(None) & Row_.manual_score.is_(None) & ~by_hand
    return (
        select(
            SubmittedAssignment.id.label("submission"),
            func.sum(Row_.score).label("points"),
            func.sum(case((Row_.needs_manual_grade, 1), else_=0)).label("open"),
            func.sum(case((unscored & (cells.cell_type == "code"), 1), else_=0)).label("ungraded"),
        )
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Row_, Row_.notebook_id == SubmittedNotebook.id)
        .outerjoin(GradeCell.__table__, cells.id == Row_.cell_id)
        .outerjoin(base, base.c.id == Row_.cell_id)
        .where(SubmittedAssignment.assignment_id == assignment)
        .group_by(SubmittedAssignment.id)
        .subquery()
    )


def _penalties(assignment: str):  # type: ignore[no-untyped-def]
    from nbgrader.api import SubmittedAssignment, SubmittedNotebook

    return (
        select(
            SubmittedAssignment.id.label("submission"),
            func.sum(SubmittedNotebook.late_submission_penalty).label("penalty"),
        )
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .where(SubmittedAssignment.assignment_id == assignment)
        .group_by(SubmittedAssignment.id)
        .subquery()
    )


@contextmanager
def _session(url: str) -> Iterator[Session]:
    """Open a session on a gradebook that exists; SQLite would otherwise make an empty one."""
    _refuse_missing(url)
    engine = create_engine(url)
    try:
        with Session(engine) as session:
            yield session
    except SQLAlchemyError as error:
        fault = str(error.__cause__ or error).splitlines()[0]
        raise GradebookError(
            f"The gradebook {_shown(url)} cannot be read: {fault}. Check its address, or restore a copy."
        ) from error
    finally:
        engine.dispose()


def _refuse_missing(url: str) -> None:
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database and not Path(address.database).is_file():
        raise GradebookError(
            f"There is no gradebook at {address.database}. Grade an assignment first: autograder grade ASSIGNMENT."
        )


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)

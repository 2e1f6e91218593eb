"""The gradebook: the one place that writes grades."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType

from sqlalchemy import Connection, select

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.database import Database
from autograder.gradebook.marks import Marks, read_marks
from autograder.gradebook.registration import ASSIGNMENT, NOTEBOOK, register
from autograder.gradebook.roster_names import FullName, full_names
from autograder.gradebook.student_names import name_known_students
from autograder.gradebook.write_submission import (
    GradebookScore,
    GradedSubmission,
    LatePenalty,
    cells_of,
    scores_of,
    write_submission,
)
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = ["Gradebook"]

_LONGEST_NAME = 128  # nbgrader's column; PostgreSQL refuses more, SQLite would take it.


def _checked_scores(assignment: Assignment, graded: GradedSubmission) -> dict[str, float | None]:
    student, result = graded.student, graded.result
    if result.status != "graded":
        raise GradebookError(
            f"{assignment.name} of {student} was not graded ({result.reason}), so no score was written. Grade it again."
        )
    if not student or len(student) > _LONGEST_NAME or not student.isprintable():
        raise GradebookError(f"'{student[:40]}' is no student id: use 1 to {_LONGEST_NAME} printable characters.")
    return scores_of(assignment, graded.submission, result)


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
        names: Mapping[str, FullName] | None = None,
        patience: float = 60.0,
    ) -> None:
        """Open the gradebook at ``url``; ``names`` of students are written where nobody has entered any.

        Raises:
            GradebookError: it is damaged, locked or no gradebook. It is left as it was.
        """
        self._database = Database(url, patience)
        self._course_id = course_id
        self._late_penalty = late_penalty
        self._names = names or {}
        self._registered: dict[str, str] = {}

    @classmethod
    def of(cls, course: Course, *, patience: float = 60.0) -> Gradebook:
        """The gradebook of ``course``: late penalty by its nbgrader configuration, names by its ``students.csv``.

        Raises:
            CourseError: one of the two files is wrong.
            GradebookError: as the constructor does.
        """
        from autograder.gradebook.late_plugin import configured_penalty

        penalty, names = configured_penalty(course.root), full_names(course)
        return cls(course.gradebook_url, course.id, late_penalty=penalty, names=names, patience=patience)

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
            name_known_students(db, self._names)
            return register(db, assignment, self._course_id, due)

        self._registered[assignment.name] = self._database.write(change)

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
            assignment: registered before.
            student: nbgrader's student id; made if it is new.
            submission: what was graded; written answers in it are left for a person.
            result: how it was graded.
            timestamp: when it was handed in; without a zone it is UTC. None keeps what is there.

        Raises:
            GradebookError: the result is not graded, does not fit the assignment, or the database cannot be
            written. Nothing was written.
        """
        (recorded,) = self.record_all(assignment, [GradedSubmission(student, submission, result, timestamp)])
        return recorded

    def record_all(self, assignment: Assignment, graded: Sequence[GradedSubmission]) -> list[GradebookScore]:
        """Write graded results in one transaction: all of them or none. Otherwise as `record`, one after the other.

        Raises:
            GradebookError: as `record`, of the first that cannot be written. Nothing was written.
        """
        key = self._key_of(assignment)
        scores = [_checked_scores(assignment, each) for each in graded]
        # In the same order whoever writes, so that two graders never wait for each other in a circle.
        order = sorted(range(len(graded)), key=lambda number: graded[number].student)

        def change(db: Connection) -> list[GradebookScore]:
            cells = cells_of(db, key)
            found = {
                number: write_submission(
                    db, key, cells, assignment, graded[number], scores[number], self._late_penalty, self._names
                )
                for number in order
            }
            return [found[number] for number in range(len(graded))]

        return self._database.write(change)

    def marks(self, assignment: Assignment, students: Collection[str]) -> dict[str, Marks]:
        """What the gradebook holds of the submissions of ``students``; one who has none is left out.

        Raises:
            GradebookError: the assignment is not registered, or the database cannot be read.
        """
        key = self._key_of(assignment)
        return self._database.read(lambda db: read_marks(db, key, students))

    def _key_of(self, assignment: Assignment) -> str:
        if assignment.name not in self._registered:
            question = (
                select(NOTEBOOK.c.id)
                .join(ASSIGNMENT, ASSIGNMENT.c.id == NOTEBOOK.c.assignment_id)
                .where(ASSIGNMENT.c.name == assignment.name, NOTEBOOK.c.name == assignment.notebook)
            )
            found = self._database.read(lambda db: db.execute(question).scalar())
            if found is None:
                raise GradebookError(f"{assignment.name} is not in the gradebook. Register it first: autograder grade")
            self._registered[assignment.name] = str(found)
        return self._registered[assignment.name]

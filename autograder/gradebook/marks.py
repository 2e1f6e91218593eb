"""Marks in the gradebook: those of one submission, and the totals of a class.

The marks of a submission are points by checks and by hand, comments, and the penalty for lateness. The totals of a
class count the points as they stand now, and the penalties for lateness follow them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update

from autograder.gradebook.database import Database
from autograder.gradebook.lateness import LateRules, Terms, kept_terms, penalty_of
from autograder.gradebook.registration import (
    ASSIGNMENT,
    BASE,
    COMMENT,
    GRADE,
    GRADE_CELL,
    NOTEBOOK,
    SUBMITTED_NOTEBOOK,
    TASK_CELL,
)
from autograder.gradebook.sanitising import as_plain_text
from autograder.gradebook.stamps import Stamp
from autograder.gradebook.write_submission import SUBMITTED, scores_by_notebook

__all__ = [
    "Comment",
    "Mark",
    "Marks",
    "Total",
    "TotalChange",
    "change_lines",
    "check_points",
    "follow_points",
    "outdated",
    "questions",
    "read_marks",
    "totals_of",
]


class Mark(msgspec.Struct, frozen=True):
    """The points of one graded cell; a person's count in place of a check's, as nbgrader counts them.

    Attributes:
        auto: the points by the check; 0 for a written answer that was left empty; None if nothing was given.
        manual: the points by a person; None if nobody gave any.
        extra: the extra credit.
        max_points: the points that the cell can earn without extra credit.
    """

    auto: float | None
    manual: float | None
    extra: float
    max_points: float

    @property
    def points(self) -> float | None:
        """The points without extra credit; None while nobody and nothing has graded the cell."""
        return self.auto if self.manual is None else self.manual

    @property
    def changed(self) -> bool:
        """True if a person gave other points than the check."""
        return self.auto is not None and self.manual is not None and self.auto != self.manual


class Comment(msgspec.Struct, frozen=True):
    """A comment on one cell: plain text, to be escaped, and whether a person wrote it."""

    text: str
    by_hand: bool


class Marks(msgspec.Struct, frozen=True):
    """The marks of one submission.

    Attributes:
        cells: the marks by grade_id of the graded cell.
        comments: the comments by grade_id of the cell that the student wrote.
        late_penalty: the points lost for being late, from the points as they stand.
        late: whether it was handed in after the deadline.
        seconds_late: the seconds late, extensions and grace counted; None if not known.
    """

    cells: dict[str, Mark]
    comments: dict[str, Comment] = {}
    late_penalty: float = 0.0
    late: bool = False
    seconds_late: float | None = 0.0

    @property
    def extra(self) -> float:
        """The extra credit in all; nbgrader counts none for a cell that is not graded."""
        return sum(mark.extra for mark in self.cells.values() if mark.points is not None)

    @property
    def total(self) -> float:
        """The sum of all points, extra credit and penalty counted; never below 0."""
        return max(0.0, sum(mark.points or 0.0 for mark in self.cells.values()) + self.extra - self.late_penalty)

    @property
    def how_late(self) -> str:
        """The lateness in words, rounded up to a minute; empty for work that is not late."""
        if not self.late:
            return ""
        if self.seconds_late is None:
            return "late, by an unknown time"
        minutes = math.ceil(self.seconds_late / 60)
        parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
        return " ".join(f"{number} {unit}" for number, unit in parts if number) + " late"

    @property
    def max_points(self) -> float:
        """The points available, extra credit excluded."""
        return sum(mark.max_points for mark in self.cells.values())

    @property
    def open(self) -> int:
        """The number of cells that wait for a person."""
        return sum(mark.points is None for mark in self.cells.values())


def read_marks(db: Connection, notebook_id: str, students: Collection[str]) -> dict[str, Marks]:
    """Return the marks of those of ``students`` who have a submission to the notebook, by student."""
    condition = SUBMITTED_NOTEBOOK.c.notebook_id == notebook_id, SUBMITTED.c.student_id.in_(students)
    found = (
        select(
            SUBMITTED_NOTEBOOK.c.id,
            SUBMITTED_NOTEBOOK.c.late_submission_penalty,
            SUBMITTED.c.id.label("submission"),
            SUBMITTED.c.student_id,
        )
        .join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        .where(*condition)
    )
    cells, comments, kept = _cells(db, condition), _comments(db, condition), kept_terms(db)
    return {
        str(row.student_id): _with_lateness(
            Marks(cells[row.id], comments[row.id]), kept.get(row.submission), row.late_submission_penalty
        )
        for row in db.execute(found).all()
    }


def _with_lateness(marks: Marks, terms: Terms | None, written: float | None) -> Marks:
    lost = penalty_of(terms, marks.total, written)
    known = terms or Terms()
    return msgspec.structs.replace(marks, late_penalty=lost, late=known.late, seconds_late=known.seconds)


def _cells(db: Connection, condition: Any) -> Mapping[str, dict[str, Mark]]:
    question = (
        select(GRADE, BASE.c.name, func.coalesce(GRADE_CELL.c.max_score, TASK_CELL.c.max_score).label("max_score"))
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == GRADE.c.notebook_id)
        .join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        .join(BASE, BASE.c.id == GRADE.c.cell_id)
        .outerjoin(GRADE_CELL, GRADE_CELL.c.id == GRADE.c.cell_id)
        .outerjoin(TASK_CELL, TASK_CELL.c.id == GRADE.c.cell_id)
        .where(*condition)
    )
    found: dict[str, dict[str, Mark]] = defaultdict(dict)
    for row in db.execute(question).all():
        mark = Mark(row.auto_score, row.manual_score, float(row.extra_credit or 0.0), float(row.max_score or 0.0))
        found[row.notebook_id][row.name] = mark
    return found


def _comments(db: Connection, condition: Any) -> Mapping[str, dict[str, Comment]]:
    """Return the comments, a person's in place of the grader's, as nbgrader shows them."""
    question = (
        select(COMMENT.c.notebook_id, BASE.c.name, COMMENT.c.auto_comment, COMMENT.c.manual_comment)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == COMMENT.c.notebook_id)
        .join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        .join(BASE, BASE.c.id == COMMENT.c.cell_id)
        .where(*condition)
    )
    found: dict[str, dict[str, Comment]] = defaultdict(dict)
    for row in db.execute(question).all():
        by_hand = row.manual_comment is not None
        text = as_plain_text(row.manual_comment if by_hand else row.auto_comment).strip()
        if text:
            found[row.notebook_id][row.name] = Comment(text, by_hand)
    return found


# ---- the totals of a class

_SAME = 1e-9


class Total(msgspec.Struct, frozen=True):
    """The total of one submission.

    Attributes:
        score: the points by checks and by hand, extra credit included.
        penalty: the points of these that are lost for lateness.
        late: whether it counts as late.
    """

    score: float
    penalty: float = 0.0
    late: bool = False

    @property
    def points(self) -> float:
        """The total itself, never below 0."""
        return max(0.0, self.score - self.penalty)

    def same(self, other: Total) -> bool:
        """Return whether ``other`` shows the same numbers."""
        pairs = ((self.score, other.score), (self.penalty, other.penalty))
        return self.late == other.late and all(abs(one - another) < _SAME for one, another in pairs)


class TotalChange(msgspec.Struct, frozen=True):
    """The total of one student before and after."""

    student: str
    before: Total
    after: Total

    def line(self) -> str:
        """Return the change as a line for people."""
        return (
            f"{self.student}: total {self.before.points:g} → {self.after.points:g} "
            f"(late penalty {self.before.penalty:g} → {self.after.penalty:g})"
        )


def totals_of(db: Connection, assignment: str, *, written: bool = False) -> dict[str, Total]:
    """Return the totals of all who handed in ``assignment``, by student.

    With ``written`` they are those of nbgrader's own pages, which show the penalty that was written last.
    """
    kept, scores = {} if written else kept_terms(db), scores_by_notebook(db, assignment)
    found = {}
    for row in _submissions(db, assignment):
        score, terms = scores.get(row.notebook, 0.0), kept.get(row.id)
        found[str(row.student_id)] = Total(score, penalty_of(terms, score, row.penalty), bool(terms and terms.late))
    return found


def follow_points(db: Connection, assignment: str, rules: LateRules) -> list[TotalChange]:
    """Write the penalties anew where a person has changed the points since; return the changes, by student."""
    kept, scores, changes = kept_terms(db), scores_by_notebook(db, assignment), []
    for row in _submissions(db, assignment):
        terms = kept.get(row.id)
        if terms is None:
            continue
        score = scores.get(row.notebook, 0.0)
        lost = rules.lost(row.student_id, score, terms)
        before, after = Total(score, row.penalty or 0.0, terms.late), Total(score, lost or 0.0, terms.late)
        if before.same(after):
            continue
        own = SUBMITTED_NOTEBOOK.c.id == row.notebook
        db.execute(update(SUBMITTED_NOTEBOOK).where(own).values(late_submission_penalty=lost))
        changes.append(TotalChange(str(row.student_id), before, after))
    return sorted(changes, key=lambda change: change.student)


def outdated(db: Connection, assignment: str, stamps: Mapping[str, Stamp], rules: LateRules) -> set[str]:
    """Return the students of ``stamps`` whose kept lateness is not what ``rules`` give now."""
    kept = kept_terms(db)
    return {
        row.student_id
        for row in _submissions(db, assignment)
        if row.student_id in stamps
        and kept.get(row.id) != rules.terms(row.student_id, _stamp(stamps, row), row.duedate, row.extension)
    }


def questions(db: Connection, assignment: str, stamps: Mapping[str, Stamp], rules: LateRules) -> dict[str, str]:
    """Return the sentences for a person, by student, where lateness cannot be decided without one."""
    granted = {row.student_id: (row.duedate, row.extension) for row in _submissions(db, assignment)}
    asked = {name: rules.question(name, stamp, *granted.get(name, (None, None))) for name, stamp in stamps.items()}
    return {name: sentence for name, sentence in asked.items() if sentence}


def _stamp(stamps: Mapping[str, Stamp], row: Row[Any]) -> Stamp:
    stamp = stamps[row.student_id]
    return Stamp(at=row.timestamp) if stamp == Stamp() else stamp


def _submissions(db: Connection, assignment: str) -> Sequence[Row[Any]]:
    question = (
        select(SUBMITTED.c.id, SUBMITTED.c.student_id, SUBMITTED.c.timestamp, SUBMITTED.c.extension)
        .add_columns(ASSIGNMENT.c.duedate, SUBMITTED_NOTEBOOK.c.id.label("notebook"))
        .add_columns(SUBMITTED_NOTEBOOK.c.late_submission_penalty.label("penalty"))
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .where(ASSIGNMENT.c.name == assignment)
    )
    return db.execute(question).all()


def check_points(url: str, assignment: str, notebook: str) -> dict[str, float]:
    """Return the points by checks that the gradebook at ``url`` holds for an assignment's notebook, by student."""
    points = (
        select(SUBMITTED.c.student_id, func.sum(GRADE.c.auto_score))
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .join(GRADE, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
        .join(NOTEBOOK, NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id)
        .where(ASSIGNMENT.c.name == assignment, NOTEBOOK.c.name == notebook)
        .group_by(SUBMITTED.c.student_id)
    )
    database = Database(url)
    try:
        rows = database.read(lambda connection: connection.execute(points).all())
    finally:
        database.close()
    return {str(student): float(total or 0.0) for student, total in rows}


def change_lines(assignment: str, changes: Sequence[TotalChange]) -> list[str]:
    """Return the lines that tell people which totals followed points given by hand."""
    if not changes:
        return []
    head = f"{assignment}: a person gave points since; the late penalties follow them:"
    return [head, *(f"  {change.line()}" for change in changes)]

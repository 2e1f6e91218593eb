"""Write one graded submission into nbgrader's tables, within one transaction."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import nbgrader.api as api
from sqlalchemy import Boolean, Connection, bindparam, case, func, insert, or_, select, update

from autograder.authoring.assignment import Assignment
from autograder.errors import GradebookError
from autograder.gradebook.graded_notebooks import SourceNode, source_nodes
from autograder.gradebook.registration import (
    ASSIGNMENT,
    BASE,
    COMMENT,
    GRADE,
    GRADE_CELL,
    SUBMITTED_NOTEBOOK,
    naive_utc,
    new_id,
    table,
)
from autograder.gradebook.roster_names import FullName
from autograder.gradebook.student_names import name_student
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = ["Cells", "GradedSubmission", "LatePenalty", "GradebookScore", "cells_of", "write_submission", "scores_of"]

LatePenalty = Callable[[str, float, float], float | None]
"""From a student's id, the notebook's score and the seconds it is late to the points it loses; None for none."""
Cells = dict[str, list[tuple[str, str]]]
"""For a kind of cell, the key and the name of each."""

SUBMITTED = table(api.SubmittedAssignment)


_GRADED = (
    update(GRADE)
    .where(GRADE.c.notebook_id == bindparam("row"), GRADE.c.cell_id == bindparam("cell"))
    .values(
        auto_score=bindparam("score"),
        needs_manual_grade=or_(GRADE.c.manual_score.is_not(None), bindparam("undecided", type_=Boolean)),
    )
)
_COMMENTED = (
    update(COMMENT)
    .where(COMMENT.c.notebook_id == bindparam("row"), COMMENT.c.cell_id == bindparam("cell"))
    .values(auto_comment=bindparam("comment"))
)


class GradedSubmission(NamedTuple):
    """One submission to write.

    Attributes:
        student: nbgrader's student id; made if it is new.
        submission: what was graded; written answers in it are left for a person.
        result: how it was graded.
        timestamp: when it was handed in; without a zone it is UTC. None keeps what is there.
    """

    student: str
    submission: Submission
    result: Result
    timestamp: dt.datetime | None = None


class GradebookScore(msgspec.Struct, frozen=True):
    """What the gradebook holds after a submission was written.

    Attributes:
        score: the notebook's points, by checks and by hand, before any penalty.
        max_score: the most it can earn.
        late_penalty: points lost for being late.
        needs_manual_grade: whether a person has to look at it.
    """

    score: float
    max_score: float
    late_penalty: float
    needs_manual_grade: bool


def scores_of(assignment: Assignment, submission: Submission, result: Result) -> dict[str, float | None]:
    """For each graded cell, the points that nbgrader would give: None where a person has to decide.

    Raises:
        GradebookError: the result is not one of this assignment, or holds points that cannot be.
    """
    checks = {check.check: check for check in result.checks}
    if result.assignment != assignment.name or set(checks) != {cell.grade_id for cell in assignment.checks}:
        raise GradebookError(
            f"A result of '{result.assignment}' does not fit {assignment.name} as it is now. "
            "Grade the submission again."
        )
    scores: dict[str, float | None] = {}
    for node in source_nodes(assignment):
        if not node.is_grade:
            continue
        if node.is_solution:
            scores[node.grade_id] = 0.0 if _unanswered(node, submission) else None
            continue
        points = checks[node.grade_id].points
        if not math.isfinite(points) or not 0 <= points <= node.points:
            raise GradebookError(f"{node.grade_id}: {points} is not within 0 and {node.points}. Grade it again.")
        scores[node.grade_id] = points
    return scores


def cells_of(db: Connection, notebook_id: str) -> Cells:
    """The cells of a notebook that hold grades and comments."""
    question = select(BASE.c.type, BASE.c.id, BASE.c.name).where(BASE.c.notebook_id == notebook_id)
    found: Cells = {"GradeCell": [], "SolutionCell": []}
    for kind, cell, name in db.execute(question):
        if kind in found:
            found[kind].append((cell, name))
    return found


def write_submission(
    db: Connection,
    notebook_id: str,
    cells: Cells,
    assignment: Assignment,
    graded: GradedSubmission,
    scores: dict[str, float | None],
    late_penalty: LatePenalty | None,
    names: Mapping[str, FullName],
) -> GradebookScore:
    """Write the scores as nbgrader's SaveAutoGrades and AssignLatePenalties do.

    What a person gave (manual scores, extra credit, comments) stays; a cell that had a manual score is marked
    for another look.
    """
    student, submission = graded.student, graded.submission
    name_student(db, student, names)
    submitted_id = _submitted_assignment(db, assignment.name, student, graded.timestamp)
    key = _submitted_notebook(db, submitted_id, notebook_id, cells)
    scored = [
        {"row": key, "cell": cell_id, "score": scores[name], "undecided": scores[name] is None}
        for cell_id, name in cells["GradeCell"]
    ]
    db.execute(_GRADED, scored)
    nodes = {node.grade_id: node for node in source_nodes(assignment)}
    commented = [
        {"row": key, "cell": cell_id, "comment": "No response." if _unanswered(nodes[name], submission) else None}
        for cell_id, name in cells["SolutionCell"]
    ]
    if commented:
        db.execute(_COMMENTED, commented)
    return _with_penalty(db, key, submitted_id, student, late_penalty)


def _unanswered(node: SourceNode, submission: Submission) -> bool:
    """Whether a solution cell still holds exactly what was handed out, which is how nbgrader tells."""
    return submission.cell(node.grade_id).source == node.source


def _submitted_assignment(db: Connection, assignment: str, student: str, timestamp: dt.datetime | None) -> str:
    assignment_id = db.execute(select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == assignment)).scalar_one()
    condition = SUBMITTED.c.assignment_id == assignment_id, SUBMITTED.c.student_id == student
    row = db.execute(select(SUBMITTED.c.id).where(*condition)).first()
    values = {} if timestamp is None else {"timestamp": naive_utc(timestamp)}
    if row is None:
        key = new_id()
        db.execute(insert(SUBMITTED).values(id=key, assignment_id=assignment_id, student_id=student, **values))
        return key
    if values:
        db.execute(update(SUBMITTED).where(SUBMITTED.c.id == row.id).values(**values))
    return str(row.id)


def _submitted_notebook(db: Connection, submitted_id: str, notebook_id: str, cells: Cells) -> str:
    """The key of the submitted notebook, made with an empty grade and comment for each cell if it is new."""
    notebook = SUBMITTED_NOTEBOOK
    condition = notebook.c.assignment_id == submitted_id, notebook.c.notebook_id == notebook_id
    row = db.execute(select(notebook.c.id).where(*condition)).first()
    if row is not None:
        return str(row.id)
    key = new_id()
    db.execute(insert(notebook).values(id=key, assignment_id=submitted_id, notebook_id=notebook_id, flagged=False))
    for kind, rows, values in (
        ("GradeCell", GRADE, {"needs_manual_grade": True}),
        ("SolutionCell", COMMENT, {}),
    ):
        new = [{"id": new_id(), "cell_id": cell, "notebook_id": key, **values} for cell, _ in cells[kind]]
        if new:
            db.execute(insert(rows), new)
    return key


def _with_penalty(
    db: Connection, key: str, submitted_id: str, student: str, late_penalty: LatePenalty | None
) -> GradebookScore:
    score, maximum, review = db.execute(_totals(key)).one()
    late = _seconds_late(db, submitted_id)
    lost = late_penalty(student, score, late) if late_penalty is not None and late > 0 else None
    if lost is not None:
        lost = min(max(lost, 0.0), score)
    row = SUBMITTED_NOTEBOOK.c.id == key
    db.execute(update(SUBMITTED_NOTEBOOK).where(row).values(late_submission_penalty=lost))
    return GradebookScore(float(score), float(maximum), float(lost or 0), bool(review))


def _totals(key: str) -> Any:
    """Score, maximum and number of cells to look at, of one submitted notebook, as nbgrader computes them."""
    extra = func.coalesce(GRADE.c.extra_credit, 0.0)
    score = case(
        (GRADE.c.manual_score.is_not(None), GRADE.c.manual_score + extra),
        (GRADE.c.auto_score.is_not(None), GRADE.c.auto_score + extra),
        else_=0.0,
    )
    review = func.sum(case((GRADE.c.needs_manual_grade, 1), else_=0))
    return (
        select(func.coalesce(func.sum(score), 0.0), func.coalesce(func.sum(GRADE_CELL.c.max_score), 0.0), review)
        .join(GRADE_CELL, GRADE_CELL.c.id == GRADE.c.cell_id)
        .where(GRADE.c.notebook_id == key)
    )


def _seconds_late(db: Connection, submitted_id: str) -> float:
    row = db.execute(
        select(SUBMITTED.c.timestamp, SUBMITTED.c.extension, ASSIGNMENT.c.duedate)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .where(SUBMITTED.c.id == submitted_id)
    ).one()
    if row.timestamp is None or row.duedate is None:
        return 0.0
    due = row.duedate + (row.extension or dt.timedelta())
    return max(0.0, float((row.timestamp - due).total_seconds()))

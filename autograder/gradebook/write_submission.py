"""The writing of one graded submission into nbgrader's tables, within one transaction."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

import msgspec
import nbgrader.api as api
from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update

from autograder.authoring.assignment import Assignment
from autograder.errors import GradebookError
from autograder.gradebook.graded_notebooks import SourceNode, source_nodes
from autograder.gradebook.lateness import ANSWERS, LateRules, keep_terms
from autograder.gradebook.notice import FullName
from autograder.gradebook.registration import (
    ASSIGNMENT,
    BASE,
    COMMENT,
    GRADE,
    GRADE_CELL,
    SUBMITTED_NOTEBOOK,
    TASK_CELL,
    naive_utc,
    name_student,
    new_id,
    table,
)
from autograder.gradebook.stamps import Stamp
from autograder.grading.result import Result
from autograder.submission.model import Attachment, Submission

__all__ = [
    "Cells",
    "GradedSubmission",
    "GradebookScore",
    "cells_of",
    "hash_answer",
    "write_submission",
    "scores_by_notebook",
    "scores_of",
    "settle",
]

Cells = dict[str, list[tuple[str, str]]]
"""The key and the name of each cell, by kind of cell."""

SUBMITTED = table(api.SubmittedAssignment)
_EXTRA = func.coalesce(GRADE.c.extra_credit, 0.0)
_SCORE = func.coalesce(
    func.sum(
        case(
            (GRADE.c.manual_score.is_not(None), GRADE.c.manual_score + _EXTRA),
            (GRADE.c.auto_score.is_not(None), GRADE.c.auto_score + _EXTRA),
            else_=0.0,
        )
    ),
    0.0,
)

_GRADED = (
    update(GRADE)
    .where(GRADE.c.id == bindparam("row"))
    .values(auto_score=bindparam("score"), needs_manual_grade=bindparam("open"))
)
_COMMENTED = (
    update(COMMENT)
    .where(COMMENT.c.notebook_id == bindparam("row"), COMMENT.c.cell_id == bindparam("cell"))
    .values(auto_comment=bindparam("comment"))
)


class GradedSubmission(NamedTuple):
    """A graded submission to write.

    Attributes:
        student: nbgrader's student id; made if it is new.
        submission: the graded submission; written answers in it are left for a person.
        result: its result.
        stamp: its time stamp. One that is empty keeps the time that is there; one that is unknown removes it.
    """

    student: str
    submission: Submission
    result: Result
    stamp: Stamp = Stamp()


class GradebookScore(msgspec.Struct, frozen=True):
    """The scores in the gradebook after a submission was written.

    Attributes:
        score: the notebook's points, by checks and by hand, before any penalty.
        max_score: the most points that it can earn.
        late_penalty: the points lost for being late.
        needs_manual_grade: whether a person has to look at it.
    """

    score: float
    max_score: float
    late_penalty: float
    needs_manual_grade: bool


def scores_of(assignment: Assignment, submission: Submission, result: Result) -> dict[str, float | None]:
    """Return, for each graded cell, the points that nbgrader would give: None where a person has to decide.

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
        if node.is_task or (node.is_grade and node.by_hand):
            scores[node.grade_id] = None
            continue
        if not node.is_grade:
            continue
        if node.is_solution:
            unsettled = node.grade_id in _to_look_at(assignment, submission)
            scores[node.grade_id] = 0.0 if _unanswered(node, submission) and not unsettled else None
            continue
        points = checks[node.grade_id].points
        if not math.isfinite(points) or not 0 <= points <= node.points:
            raise GradebookError(f"{node.grade_id}: {points} is not between 0 and {node.points}. Grade it again.")
        scores[node.grade_id] = points
    return scores


def cells_of(db: Connection, notebook_id: str) -> Cells:
    """Return the cells of a notebook that hold grades and comments."""
    question = select(BASE.c.type, BASE.c.id, BASE.c.name).where(BASE.c.notebook_id == notebook_id)
    found: Cells = {"GradeCell": [], "SolutionCell": [], "TaskCell": []}
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
    rules: LateRules,
    names: Mapping[str, FullName],
) -> GradebookScore:
    """Write the scores as nbgrader's SaveAutoGrades and AssignLatePenalties do.

    A person's manual scores, extra credit and comments stay. A cell with a manual score is marked for another
    look if what the person judged has changed: the answer's text, or what the check gives.
    """
    student, submission = graded.student, graded.submission
    name_student(db, student, names)
    submitted_id = _submitted_assignment(db, assignment.name, student)
    key = _submitted_notebook(db, submitted_id, notebook_id, cells)
    nodes = {node.grade_id: node for node in source_nodes(assignment)}
    unsettled = _to_look_at(assignment, submission)
    _write_scores(db, key, [*cells["GradeCell"], *cells["TaskCell"]], nodes, submission, scores, unsettled)

    def silent(name: str) -> bool:
        return name not in unsettled and not nodes[name].is_task and _unanswered(nodes[name], submission)

    commented = [
        {"row": key, "cell": cell_id, "comment": "No response." if silent(name) else None}
        for cell_id, name in [*cells["SolutionCell"], *cells["TaskCell"]]
    ]
    if commented:
        db.execute(_COMMENTED, commented)
    return settle(db, submitted_id, key, student, graded.stamp, rules)


def _write_scores(
    db: Connection,
    key: str,
    cells: list[tuple[str, str]],
    nodes: Mapping[str, SourceNode],
    submission: Submission,
    scores: Mapping[str, float | None],
    unsettled: Set[str],
) -> None:
    """Write the score of every graded cell, and mark the cells that wait for a person."""
    question = (
        select(GRADE.c.id, GRADE.c.cell_id, GRADE.c.auto_score, GRADE.c.manual_score, GRADE.c.needs_manual_grade)
        .add_columns(ANSWERS.c.text)
        .outerjoin(ANSWERS, ANSWERS.c.id == GRADE.c.id)
        .where(GRADE.c.notebook_id == key)
    )
    before = {row.cell_id: row for row in db.execute(question).all()}
    graded, answers = [], []
    for cell_id, name in cells:
        row, score = before[cell_id], scores[name]
        if nodes[name].is_solution:
            cell = submission.cell(name)
            text = hash_answer(cell.source, cell.attachments)
            known = row.text == text
            marked_elsewhere = row.text is None  # By nbgrader, before the first grading here.
            if known and score is None and row.auto_score == 0.0:
                score = 0.0  # It was empty, and only what an empty answer looks like has changed.
            answers.append({"id": row.id, "text": text})
        else:
            known, marked_elsewhere = row.auto_score == score, False
        waits = score is None or name in unsettled
        if row.manual_score is not None:
            waits = not (known or marked_elsewhere) or row.needs_manual_grade
        graded.append({"row": row.id, "score": score, "open": waits})
    db.execute(_GRADED, graded)
    if answers:
        db.execute(delete(ANSWERS).where(ANSWERS.c.id.in_([answer["id"] for answer in answers])))
        db.execute(insert(ANSWERS), answers)


def hash_answer(text: str, attachments: Sequence[Attachment] = ()) -> str:
    """Return a hash of a written answer and its pictures, to see whether it is still the one that somebody graded."""
    pictures = (f"\0{each.name}\0{each.data}" for each in attachments)
    return hashlib.sha256("".join([text.strip(), *pictures]).encode()).hexdigest()


def _to_look_at(assignment: Assignment, submission: Submission) -> set[str]:
    """Return the graded cells that a person has to look at: work for them may stand elsewhere in the notebook."""
    looks = {look.cell for look in submission.looks}
    doubtful = {cell.exercise for cell in assignment.cells if cell.kind == "exercise" and cell.grade_id in looks}
    checks = {cell.grade_id for cell in assignment.checks if assignment.exercise_of.get(cell.exercise) in doubtful}
    return looks | checks


def _unanswered(node: SourceNode, submission: Submission) -> bool:
    """Return whether a solution cell still holds exactly what was handed out, which is how nbgrader tells."""
    return submission.cell(node.grade_id).source == node.source


def _submitted_assignment(db: Connection, assignment: str, student: str) -> str:
    assignment_id = db.execute(select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == assignment)).scalar_one()
    condition = SUBMITTED.c.assignment_id == assignment_id, SUBMITTED.c.student_id == student
    row = db.execute(select(SUBMITTED.c.id).where(*condition)).first()
    if row is not None:
        return str(row.id)
    key = new_id()
    db.execute(insert(SUBMITTED).values(id=key, assignment_id=assignment_id, student_id=student))
    return key


def _submitted_notebook(db: Connection, submitted_id: str, notebook_id: str, cells: Cells) -> str:
    """Return the key of the submitted notebook, made with an empty grade and comment for each cell if it is new."""
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
        ("TaskCell", GRADE, {"needs_manual_grade": True}),
        ("TaskCell", COMMENT, {}),
    ):
        new = [{"id": new_id(), "cell_id": cell, "notebook_id": key, **values} for cell, _ in cells[kind]]
        if new:
            db.execute(insert(rows), new)
    return key


def settle(db: Connection, submitted_id: str, key: str, student: str, stamp: Stamp, rules: LateRules) -> GradebookScore:
    """Decide how late a submission is, keep that, and write the penalty from the points as they stand.

    Args:
        submitted_id, key: the keys of the submitted assignment and of its notebook.
        stamp: the time stamp, as for :class:`GradedSubmission`.
    """
    row = SUBMITTED.c.id == submitted_id
    if stamp != Stamp():
        at = None if stamp.at is None else naive_utc(stamp.at)
        db.execute(update(SUBMITTED).where(row).values(timestamp=at))
    found = db.execute(
        select(SUBMITTED.c.timestamp, SUBMITTED.c.extension, ASSIGNMENT.c.duedate)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .where(row)
    ).one()
    known = Stamp(at=found.timestamp) if stamp == Stamp() else msgspec.structs.replace(stamp, at=found.timestamp)
    terms = rules.terms(student, known, found.duedate, found.extension)
    keep_terms(db, submitted_id, terms)
    score, maximum, review = db.execute(_totals(key)).one()
    lost = rules.lost(student, float(score), terms)
    db.execute(update(SUBMITTED_NOTEBOOK).where(SUBMITTED_NOTEBOOK.c.id == key).values(late_submission_penalty=lost))
    return GradebookScore(float(score), float(maximum), float(lost or 0), bool(review))


def _totals(key: str) -> Any:
    """Return score, maximum and number of cells to look at, of one submitted notebook, as nbgrader computes them."""
    review = func.sum(case((GRADE.c.needs_manual_grade, 1), else_=0))
    most = func.coalesce(GRADE_CELL.c.max_score, TASK_CELL.c.max_score, 0.0)
    return (
        select(_SCORE, func.coalesce(func.sum(most), 0.0), review)
        .outerjoin(GRADE_CELL, GRADE_CELL.c.id == GRADE.c.cell_id)
        .outerjoin(TASK_CELL, TASK_CELL.c.id == GRADE.c.cell_id)
        .where(GRADE.c.notebook_id == key)
    )


def scores_by_notebook(db: Connection, assignment: str) -> dict[str, float]:
    """Return the score of every submitted notebook of ``assignment``, by its key."""
    question = (
        select(GRADE.c.notebook_id, _SCORE)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == GRADE.c.notebook_id)
        .join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .where(ASSIGNMENT.c.name == assignment)
        .group_by(GRADE.c.notebook_id)
    )
    return {key: float(score) for key, score in db.execute(question).all()}

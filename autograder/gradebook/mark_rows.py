"""The rows behind the marks of written answers: in nbgrader's tables, and in ours beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from autograder.errors import GradebookError
from autograder.gradebook.registration import (
    ASSIGNMENT,
    BASE,
    COMMENT,
    GRADE,
    GRADE_CELL,
    NOTEBOOK,
    SUBMITTED_NOTEBOOK,
    TASK_CELL,
    new_id,
)
from autograder.gradebook.write_submission import SUBMITTED

__all__ = [
    "DESK_TABLES",
    "RUBRIC",
    "SAVED",
    "SECOND",
    "ChangedMeanwhile",
    "RubricItem",
    "SecondMark",
    "WrittenMark",
    "add_item",
    "cell_of",
    "due_points",
    "follow_item",
    "items_of",
    "keep_judgement",
    "mark_of",
    "marks_where",
    "of_question",
    "put_comment",
    "unchanged",
]

DESK_TABLES = MetaData()
_KEY = String(32)
RUBRIC = Table(
    "autograder_rubric", DESK_TABLES,
    Column("id", _KEY, primary_key=True), Column("cell", _KEY, nullable=False), Column("position", Integer),
    Column("part", String(32)), Column("text", Text, nullable=False), Column("points", Float, nullable=False),
    Column("version", Integer, nullable=False),
)  # fmt: skip
JUDGED = Table(
    "autograder_judged", DESK_TABLES,
    Column("id", _KEY, primary_key=True), Column("applied", Text, nullable=False), Column("written", Float),
    Column("version", Integer, nullable=False), Column("grader", String(128), nullable=False),
)  # fmt: skip
"""The table of judgements, by the key of nbgrader's grade: the items that apply, and the score that followed."""
SECOND = Table(
    "autograder_second", DESK_TABLES,
    Column("id", _KEY, primary_key=True), Column("applied", Text, nullable=False),
    Column("points", Float, nullable=False),
    Column("grader", String(128), nullable=False),
)  # fmt: skip
SAVED = Table(
    "autograder_saved_comments", DESK_TABLES,
    Column("id", _KEY, primary_key=True), Column("cell", _KEY, nullable=False), Column("text", Text, nullable=False),
)  # fmt: skip


class ChangedMeanwhile(GradebookError):
    """A change by somebody else to what is to be written; nothing was written."""


class RubricItem(msgspec.Struct, frozen=True):
    """A reason for points.

    Attributes:
        id: its key; empty for one that is not kept yet.
        part: the part of the rubric; of items with the same part only one applies; empty for any number.
        text: the text for people.
        points: the points that it gives, or takes if negative.
        version: the number of its changes.
    """

    text: str
    points: float
    part: str = ""
    id: str = ""
    version: int = 0


class SecondMark(msgspec.Struct, frozen=True):
    """The mark of a second grader, given without seeing the first mark."""

    items: tuple[str, ...]
    points: float
    grader: str


class WrittenMark(msgspec.Struct, frozen=True):
    """The mark of one written answer.

    Attributes:
        key: the key of nbgrader's grade.
        student: nbgrader's id.
        max_points: the points possible.
        auto: 0 for an answer that was left empty, else None.
        manual: a person's points; None if nobody gave any.
        waits: whether nbgrader marks it for a look, as for an answer that changed since.
        comment: a person's comment.
        items: the rubric items that apply.
        followed: whether the points are the sum of the items; else a person set them, here or in the formgrader.
        grader: the person who gave them here; empty for the formgrader.
        second: the second mark.
        seen: the name of this state; whoever writes gives the one that they saw.
    """

    key: str
    student: str
    max_points: float
    auto: float | None
    manual: float | None
    waits: bool
    comment: str
    items: tuple[str, ...]
    followed: bool
    grader: str
    second: SecondMark | None
    seen: str

    @property
    def points(self) -> float | None:
        """The points as nbgrader counts them; None while the answer waits for a person."""
        return self.auto if self.manual is None else self.manual

    @property
    def open(self) -> bool:
        """True if a person has to read the answer."""
        return self.points is None or self.waits


def of_question(assignment: str, question: str) -> Any:
    """Return the condition that picks a question's graded cell; the assignment may name its notebook: ``ps1/one``."""
    name, _, notebook = assignment.partition("/")
    wanted = [ASSIGNMENT.c.name == name, BASE.c.name == question, BASE.c.type.in_(("GradeCell", "TaskCell"))]
    return and_(*wanted, *([NOTEBOOK.c.name == notebook] if notebook else []))


def cell_of(db: Connection, assignment: str, question: str) -> str:
    """Return the key of a question's graded cell. Raises GradebookError if the gradebook does not have it."""
    found = db.execute(
        select(BASE.c.id)
        .join(NOTEBOOK, NOTEBOOK.c.id == BASE.c.notebook_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == NOTEBOOK.c.assignment_id)
        .where(of_question(assignment, question))
    ).scalar()
    if found is None:
        raise GradebookError(f"{assignment} is not in the gradebook. Grade it first: autograder grade {assignment}")
    return str(found)


def marks_where(db: Connection, condition: Any, comment_on: str = "") -> list[WrittenMark]:
    """Return the marks that fulfil a condition, by student.

    Args:
        db: the gradebook.
        condition: picks the grades.
        comment_on: the name of the cell that comments are about, where nbgrader keeps none for the graded one.
    """
    most = func.coalesce(GRADE_CELL.c.max_score, TASK_CELL.c.max_score, 0.0).label("most")
    rows = db.execute(
        select(GRADE, BASE.c.name, SUBMITTED.c.student_id, most)
        .join(BASE, BASE.c.id == GRADE.c.cell_id)
        .outerjoin(GRADE_CELL, GRADE_CELL.c.id == GRADE.c.cell_id)
        .outerjoin(TASK_CELL, TASK_CELL.c.id == GRADE.c.cell_id)
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == GRADE.c.notebook_id)
        .join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .join(NOTEBOOK, NOTEBOOK.c.id == BASE.c.notebook_id)
        .where(condition)
        .order_by(SUBMITTED.c.student_id)
    ).all()
    keys = [row.id for row in rows]
    judged = {row.id: row for row in db.execute(select(JUDGED).where(JUDGED.c.id.in_(keys)))}
    second = {row.id: row for row in db.execute(select(SECOND).where(SECOND.c.id.in_(keys)))}
    comments = _comments(db, rows)
    return [
        _mark(row, comments.get((row.notebook_id, comment_on or row.name), ""), judged.get(row.id), second.get(row.id))
        for row in rows
    ]


def _comments(db: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[str, str], str]:
    """Return persons' comments, by the key of the submitted notebook and the name of the cell."""
    wanted = COMMENT.c.notebook_id.in_({row.notebook_id for row in rows}), COMMENT.c.manual_comment.is_not(None)
    found = db.execute(
        select(COMMENT.c.notebook_id, BASE.c.name, COMMENT.c.manual_comment)
        .join(BASE, BASE.c.id == COMMENT.c.cell_id)
        .where(*wanted)
    )
    return {(row.notebook_id, row.name): row.manual_comment for row in found}


def _mark(row: Row[Any], comment: str, judged: Row[Any] | None, second: Row[Any] | None) -> WrittenMark:
    items = tuple(msgspec.json.decode(judged.applied, type=list[str])) if judged else ()
    version = judged.version if judged else 0
    followed = judged is not None and judged.written is not None and judged.written == row.manual_score
    state = msgspec.json.encode([row.manual_score, row.auto_score, comment, version])
    return WrittenMark(
        key=row.id,
        student=row.student_id,
        max_points=float(row.most),
        auto=row.auto_score,
        manual=row.manual_score,
        waits=bool(row.needs_manual_grade),
        comment=comment,
        items=items,
        followed=followed,
        grader=judged.grader if judged else "",
        second=SecondMark(tuple(msgspec.json.decode(second.applied)), second.points, second.grader) if second else None,
        seen=hashlib.sha256(state).hexdigest()[:16],
    )


def mark_of(db: Connection, key: str, comment_on: str = "") -> tuple[WrittenMark, str]:
    """Return the mark with this key, and the key of its cell. Raises GradebookError if there is none."""
    found = marks_where(db, GRADE.c.id == key, comment_on)
    if not found:
        raise GradebookError("The gradebook no longer has this answer. Load the page again.")
    return found[0], str(db.execute(select(GRADE.c.cell_id).where(GRADE.c.id == key)).scalar_one())


def unchanged(db: Connection, key: str, seen: str, comment_on: str = "") -> tuple[WrittenMark, str]:
    """Return the same as `mark_of`. Raises ChangedMeanwhile if its state is not the one that was ``seen``."""
    mark, cell = mark_of(db, key, comment_on)
    if mark.seen != seen:
        raise ChangedMeanwhile("Somebody else has marked this answer since you opened it.")
    return mark, cell


def items_of(db: Connection, cell: str) -> list[RubricItem]:
    """Return the rubric of a cell, in order."""
    rows = db.execute(select(RUBRIC).where(RUBRIC.c.cell == cell).order_by(RUBRIC.c.position, RUBRIC.c.id))
    return [RubricItem(row.text, row.points, row.part or "", row.id, row.version) for row in rows]


def add_item(db: Connection, cell: str, item: RubricItem, position: int) -> None:
    """Add an item to the rubric of a cell."""
    values = {"text": item.text, "points": item.points, "part": item.part, "position": position, "version": 1}
    db.execute(insert(RUBRIC).values(id=new_id(), cell=cell, **values))


def due_points(items: Sequence[RubricItem], chosen: Collection[str], most: float) -> float:
    """Return the points that the chosen items come to, within 0 and the most."""
    return min(max(sum(item.points for item in items if item.id in chosen), 0.0), most)


def keep_judgement(db: Connection, key: str, items: Sequence[str], written: float | None, grader: str) -> None:
    """Keep the items that apply, and the score that follows from them; None if a person set another one."""
    version = db.execute(select(JUDGED.c.version).where(JUDGED.c.id == key)).scalar() or 0
    db.execute(delete(JUDGED).where(JUDGED.c.id == key))
    values = {"applied": msgspec.json.encode(items).decode(), "written": written, "version": version + 1}
    db.execute(insert(JUDGED).values(id=key, grader=grader, **values))


def put_comment(db: Connection, key: str, text: str, comment_on: str = "") -> None:
    """Write the comment of the cell that a grade is about; nbgrader keeps it by another key."""
    name, notebook = db.execute(
        select(BASE.c.name, GRADE.c.notebook_id).join(BASE, BASE.c.id == GRADE.c.cell_id).where(GRADE.c.id == key)
    ).one()
    cells = select(BASE.c.id).where(BASE.c.name == (comment_on or name), BASE.c.type.in_(("SolutionCell", "TaskCell")))
    condition = COMMENT.c.notebook_id == notebook, COMMENT.c.cell_id.in_(cells)
    db.execute(update(COMMENT).where(*condition).values(manual_comment=text or None))


def follow_item(db: Connection, cell: str, item: str, before: Sequence[RubricItem]) -> int:
    """Bring up to date the points of all answers that ``item`` applies to. Return how many changed.

    Args:
        cell: the key of the question's cell.
        item: the key of the item that was changed or removed.
        before: the rubric as it was; a second mark that differs from what it came to was set by a person, and stays.
    """
    items, changed = items_of(db, cell), 0
    for mark in marks_where(db, GRADE.c.cell_id == cell):
        if mark.second and item in mark.second.items:
            _follow_second(db, mark, mark.second, items, before)
        if item not in mark.items:
            continue
        kept = [each.id for each in items if each.id in mark.items]
        due = due_points(items, kept, mark.max_points)
        if mark.followed:
            db.execute(update(GRADE).where(GRADE.c.id == mark.key).values(manual_score=due))
            changed += due != mark.manual
        keep_judgement(db, mark.key, kept, due if mark.followed else None, mark.grader)
    return changed


def _follow_second(
    db: Connection, mark: WrittenMark, second: SecondMark, items: Sequence[RubricItem], before: Sequence[RubricItem]
) -> None:
    kept = [each.id for each in items if each.id in second.items]
    followed = second.points == due_points(before, second.items, mark.max_points)
    values = {"applied": msgspec.json.encode(kept).decode()}
    points = {"points": due_points(items, kept, mark.max_points)} if followed else {}
    db.execute(update(SECOND).where(SECOND.c.id == mark.key).values(**values, **points))

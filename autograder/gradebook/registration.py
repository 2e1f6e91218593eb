"""The registration of assignments, and of students' names, in nbgrader's database.

An assignment is registered as by ``nbgrader generate_assignment``, but for the kernel that the gradebook names for
every notebook: nothing but isolated grading gets by it (:data:`GUARD_KERNEL`).

Students are registered with names because the formgrader shows "None, None" for somebody who has none. It always shows
``last, first``, so who is not in the roster gets the id as last name. What a person entered stays.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import nbgrader.api as api
from sqlalchemy import Connection, Table, delete, insert, select, update

from autograder.authoring.assignment import Assignment
from autograder.errors import GradebookError
from autograder.gradebook.graded_notebooks import SourceNode, source_nodes
from autograder.gradebook.notice import FullName

__all__ = ["GUARD_KERNEL", "naive_utc", "name_known_students", "name_student", "new_id", "register", "table"]

GUARD_KERNEL: dict[str, Any] = {
    "name": "without-isolation.-nbgrader_config.py-is-missing-or-does-not-isolate.-Run-autograder-doctor",
    "display_name": "Graded in isolation only",
    "language": "python",
}
"""The specification of the kernel that the gradebook names for every notebook. No kernel has that name.

nbgrader without this course's configuration starts the gradebook's kernel for each submission: it stops there, before
any of the student's code has run, and its message is the name.
"""


def table(model: Any) -> Table:
    """Return the table of one of nbgrader's models."""
    found: Table = model.__table__
    return found


ASSIGNMENT, NOTEBOOK, COURSE = table(api.Assignment), table(api.Notebook), table(api.Course)
BASE, GRADE_CELL, SOLUTION_CELL = table(api.BaseCell), table(api.GradeCell), table(api.SolutionCell)
TASK_CELL = table(api.TaskCell)
SOURCE_CELL, SUBMITTED_NOTEBOOK = table(api.SourceCell), table(api.SubmittedNotebook)
GRADE, COMMENT = table(api.Grade), table(api.Comment)


def naive_utc(moment: dt.datetime) -> dt.datetime:
    """Return ``moment`` as nbgrader stores times: in UTC, without a zone; one without a zone is UTC already."""
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).replace(tzinfo=None)


def new_id() -> str:
    """Return a new key, in nbgrader's form."""
    return uuid4().hex


def register(db: Connection, assignment: Assignment, course_id: str, due: dt.datetime | None) -> str:
    """Write the assignment, its notebook and its cells, or bring them up to date. Return the notebook's key.

    New cells are added to submissions that are already there; cells that the assignment no longer has are
    removed, unless a person has graded or commented on one.

    Raises:
        GradebookError: such a cell would be lost.
    """
    if db.execute(select(COURSE.c.id).where(COURSE.c.id == course_id)).first() is None:
        db.execute(insert(COURSE).values(id=course_id))
    assignment_id = _upsert(db, ASSIGNMENT, {"name": assignment.name}, _assignment_values(course_id, due))
    where = {"name": assignment.notebook, "assignment_id": assignment_id}
    notebook_id = _upsert(db, NOTEBOOK, where, {"kernelspec": json.dumps(GUARD_KERNEL)})
    nodes = source_nodes(assignment)
    _register_sources(db, notebook_id, nodes)
    graded = {node.grade_id: node for node in nodes if node.is_grade}
    solutions = {node.grade_id: node for node in nodes if node.is_solution}
    _register_cells(db, notebook_id, "GradeCell", GRADE_CELL, graded)
    _register_cells(db, notebook_id, "SolutionCell", SOLUTION_CELL, solutions)
    tasks = {node.grade_id: node for node in nodes if node.is_task}
    _register_cells(db, notebook_id, "TaskCell", TASK_CELL, tasks)
    return notebook_id


def _assignment_values(course_id: str, due: dt.datetime | None) -> dict[str, Any]:
    values: dict[str, Any] = {"course_id": course_id}
    if due is not None:  # A due date set in formgrader stays when course.toml is silent.
        values["duedate"] = naive_utc(due)
    return values


def _upsert(db: Connection, into: Table, where: dict[str, Any], values: dict[str, Any]) -> str:
    """Insert or update the one row that ``where`` describes. Return its key."""
    condition = [into.c[key] == value for key, value in where.items()]
    row = db.execute(select(into).where(*condition)).mappings().first()
    if row is None:
        key = new_id()
        db.execute(insert(into).values(id=key, **where, **values))
        return key
    if any(row[name] != value for name, value in values.items()):
        db.execute(update(into).where(into.c.id == row["id"]).values(**values))
    return str(row["id"])


def _register_sources(db: Connection, notebook_id: str, nodes: tuple[SourceNode, ...]) -> None:
    wanted = [node.grade_id for node in nodes]
    stale = SOURCE_CELL.c.notebook_id == notebook_id, SOURCE_CELL.c.name.not_in(wanted)
    db.execute(delete(SOURCE_CELL).where(*stale))
    for node in nodes:
        values = {
            "cell_type": node.cell_type,
            "locked": node.is_locked,
            "source": node.source,
            "checksum": node.checksum,
        }
        _upsert(db, SOURCE_CELL, {"name": node.grade_id, "notebook_id": notebook_id}, values)


def _register_cells(db: Connection, notebook_id: str, kind: str, detail: Table, nodes: dict[str, SourceNode]) -> None:
    """Bring the cells of one kind up to date, and the rows of submissions that hang on them."""
    condition = BASE.c.notebook_id == notebook_id, BASE.c.type == kind
    known = {row.name: row.id for row in db.execute(select(BASE.c.id, BASE.c.name).where(*condition))}
    for name in set(known) - set(nodes):
        _remove_cell(db, known[name], name, detail)
    for name, node in nodes.items():
        values = {"max_score": node.points, "cell_type": node.cell_type} if detail is not SOLUTION_CELL else {}
        if name not in known:
            key = new_id()
            db.execute(insert(BASE).values(id=key, name=name, notebook_id=notebook_id, type=kind))
            db.execute(insert(detail).values(id=key, **values))
            _add_to_submissions(db, notebook_id, key, detail)
        elif values:
            db.execute(update(detail).where(detail.c.id == known[name]).values(**values))


def _add_to_submissions(db: Connection, notebook_id: str, cell_id: str, detail: Table) -> None:
    submitted = select(SUBMITTED_NOTEBOOK.c.id).where(SUBMITTED_NOTEBOOK.c.notebook_id == notebook_id)
    for (key,) in db.execute(submitted).all():
        if detail is not SOLUTION_CELL:
            db.execute(insert(GRADE).values(id=new_id(), cell_id=cell_id, notebook_id=key, needs_manual_grade=True))
        if detail is not GRADE_CELL:
            db.execute(insert(COMMENT).values(id=new_id(), cell_id=cell_id, notebook_id=key))


def _remove_cell(db: Connection, key: str, name: str, detail: Table) -> None:
    by_hand = [
        select(GRADE.c.id).where(
            GRADE.c.cell_id == key, GRADE.c.manual_score.is_not(None) | GRADE.c.extra_credit.is_not(None)
        ),
        select(COMMENT.c.id).where(COMMENT.c.cell_id == key, COMMENT.c.manual_comment.is_not(None)),
    ]
    if any(db.execute(question).first() for question in by_hand):
        raise GradebookError(
            f"The assignment no longer has the cell '{name}', but a person has graded it in the gradebook. "
            "Put the cell back, or clear those grades and comments in the formgrader first."
        )
    for rows in (GRADE, COMMENT):
        db.execute(delete(rows).where(rows.c.cell_id == key))
    db.execute(delete(detail).where(detail.c.id == key))
    db.execute(delete(BASE).where(BASE.c.id == key))


# ---- students' names

STUDENT = table(api.Student)


def name_student(db: Connection, student: str, names: Mapping[str, FullName]) -> None:
    """Make ``student`` known, by name; leave a name that somebody entered."""
    row = db.execute(select(STUDENT).where(STUDENT.c.id == student)).first()
    if row is None:
        name = _shown(student, names)
        db.execute(insert(STUDENT).values(id=student, first_name=name.first, last_name=name.last))
    else:
        _name(db, student, FullName(row.first_name, row.last_name), names)


def name_known_students(db: Connection, names: Mapping[str, FullName]) -> None:
    """Name everybody whom the gradebook has without a name."""
    for row in db.execute(select(STUDENT)).all():
        _name(db, row.id, FullName(row.first_name, row.last_name), names)


def _name(db: Connection, student: str, now: FullName, names: Mapping[str, FullName]) -> None:
    entered = now.first or now.last not in (None, "", student)
    # The formgrader turns an empty part into none, and then shows "None" in its place.
    wanted = FullName(now.first or "", now.last or "") if entered else _shown(student, names)
    if wanted != now:
        values = {"first_name": wanted.first, "last_name": wanted.last}
        db.execute(update(STUDENT).where(STUDENT.c.id == student).values(**values))


def _shown(student: str, names: Mapping[str, FullName]) -> FullName:
    name = names.get(student, FullName("", ""))
    return FullName(name.first, name.last or student)

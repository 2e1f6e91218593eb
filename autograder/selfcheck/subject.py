"""The subject of a check: a notebook, and the assignment where its source is at hand, else the notebook's own marks.

The person who grades has the source. A student often has the notebook alone: then what the release put into each cell
tells what it is for, and whether it was changed.

Pictures that the person who grades will not see are named before the notebook is handed in.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from autograder.authoring.assignment import Assignment, AssignmentCell, load_assignment
from autograder.authoring.source_cells import CODE_STUB, TEXT_STUB, checksum
from autograder.course import Course
from autograder.errors import AutograderError, UnreadableSubmission
from autograder.redrawing import redrawn
from autograder.selfcheck.newer import missing_cells, newer_version
from autograder.settings import GradingSettings
from autograder.submission.alignment import align
from autograder.submission.matching import Catalogue, catalogue_of
from autograder.submission.model import Attachment, Repair, Submission
from autograder.submission.notebook_reader import RawNotebook, read_submission
from autograder.submission.pictures import embedded_pictures
from autograder.submission.raw_cells import StudentCell, read_student_cells

__all__ = ["Subject", "find_subject", "unseen_pictures"]

_STUB_LINE = CODE_STUB.split("\n")[-1]
_RELEASED_ID = re.compile(r"[0-9a-f]{12}")  # As the release has them; programs make others.


class Subject(msgspec.Struct, frozen=True):
    """A notebook, read and repaired as the grader does it.

    Attributes:
        assignment: the assignment that it is checked against.
        submission: the notebook on the skeleton of it.
        numbers: the number in the file of each cell of the submission, by its text.
        settings: the limits that the grader keeps to.
        data: the course's data folder, or None.
        remarks: sentences that the student should know beforehand.
        newer: the changes in the released notebook since this one was handed out; empty if none.
        doubts: sentences on why nothing that is found here shows that the work is complete.
    """

    assignment: Assignment
    submission: Submission
    numbers: Mapping[str, int]
    settings: GradingSettings
    data: Path | None
    remarks: tuple[Repair, ...]
    newer: str = ""
    doubts: tuple[str, ...] = ()


def find_subject(path: Path, course: Course | None = None) -> Subject:
    """Return what there is to check in the notebook at ``path``.

    Args:
        course: the course that is searched for its assignment; default that which it lies in, and the one around here.

    Raises:
        UnreadableSubmission: it is not a notebook of a course, or it is damaged; the message tells what to do.
    """
    raw = _read(path)
    cells, _ = read_student_cells(raw, raw.origin)
    courses = [course] if course is not None else _courses(path)
    for each in courses:
        catalogue = catalogue_of(each)
        name = _name(path, cells, catalogue)
        if name:
            assignment = load_assignment(each, name)
            newer = newer_version(raw, path, assignment.release)
            return _subject(raw, cells, assignment, partial(catalogue_of, each), each, (), newer)
    newer, missing = newer_version(raw, path), missing_cells(raw, path)
    assignment, changed = _by_its_marks(raw)
    subject = _subject(raw, cells, assignment, dict, courses[0] if courses else None, changed, newer)
    return msgspec.structs.replace(subject, doubts=tuple(filter(None, (missing, _untrue(changed)))))


def _read(path: Path) -> RawNotebook:
    try:
        return read_submission(path.read_bytes(), str(path))
    except OSError as error:
        raise UnreadableSubmission(f"{path} cannot be read: {error.strerror}. Check the path.") from error


def _subject(
    raw: RawNotebook,
    cells: Sequence[StudentCell],
    assignment: Assignment,
    others: Callable[[], Catalogue],
    course: Course | None,
    remarks: tuple[Repair, ...],
    newer: str,
) -> Subject:
    submission = align(raw, assignment, others)
    numbers = {cell.source.rstrip(): cell.number for cell in reversed(cells)}
    settings = course.config.grading if course is not None else GradingSettings()
    data = course.data if course is not None and course.data.is_dir() else None
    return Subject(assignment, submission, numbers, settings, data, (*remarks, *submission.repairs), newer)


def _courses(path: Path) -> list[Course]:
    """Return the course that the notebook lies in, and the one that the command was given in."""
    found: dict[Path, Course] = {}
    for folder in (path.resolve().parent, Path.cwd()):
        try:
            course = Course.find(folder)
        except AutograderError:
            continue
        found[course.root] = course
    return list(found.values())


def _name(path: Path, cells: Sequence[StudentCell], catalogue: Catalogue) -> str:
    """Return the assignment whose folder the notebook is in, or that most of its cells belong to; empty if none."""
    if path.resolve().parent.name in catalogue:
        return path.resolve().parent.name
    votes = Counter[str]()
    for cell in cells:
        signs = {name: marks.signs(cell) for name, marks in catalogue.items()}
        best = max(signs, key=lambda name: signs[name], default="")
        votes[best] += signs.get(best, 0) > 0
    winner = max(votes, key=lambda name: votes[name], default="")
    enough = max(2, len(catalogue[winner].cell_ids) // 4) if winner else 1
    return winner if votes[winner] >= enough else ""


# ---- by its own marks


def _by_its_marks(raw: RawNotebook) -> tuple[Assignment, tuple[Repair, ...]]:
    """Return the assignment as far as the notebook itself tells it, and what of it was changed."""
    marked = [cell for cell in raw.get("cells", ()) if isinstance(cell, dict) and _own(cell).get("kind")]
    if raw.lost:
        raise UnreadableSubmission(
            f"{raw.origin} is damaged or cut off: {raw.lost} or more of its cells cannot be read. "
            "Open it in Jupyter, check that it shows your work, save it and check it again."
        )
    if not any(_own(cell).get("kind") == "check" for cell in marked):
        raise UnreadableSubmission(
            f"{raw.origin} has no checks, so it is not a notebook of this course, or a program has removed their "
            "marks. Start from a fresh copy and paste your code into it."
        )
    released = [cell for cell in raw["cells"] if isinstance(cell, dict) and (_own(cell).get("kind") or _is_prose(cell))]
    for number, cell in enumerate(released):
        cell.setdefault("id", f"cell-{number}")  # Some programs drop it; here it tells which cell is which.
        if _own(cell).get("kind"):
            cell["metadata"]["nbgrader"] = {**_mapping(_metadata(cell).get("nbgrader")), "grade_id": _grade_id(cell)}
    found = {each.cell_id: each for each in map(_cell, released)}
    names = Counter(each.grade_id for each in found.values() if each.grade_id)
    once = {each.grade_id or each.cell_id: each for each in found.values()}
    title = str(_mapping(_mapping(raw.get("metadata")).get("autograder")).get("title", "this assignment"))
    assignment = Assignment(title, "", title, tuple(once.values()), (), (), _release(once.values()))
    changed = [cell for cell in marked if names[_grade_id(cell)] == 1 and _was_changed(cell)]
    return assignment, tuple(_changed(cell) for cell in changed)


def _cell(cell: Mapping[str, Any]) -> AssignmentCell:
    own, text = _own(cell), _text(cell)
    points = _mapping(_metadata(cell).get("nbgrader")).get("points", 0)
    kind = str(own.get("kind", "prose"))
    return AssignmentCell(
        kind=kind,
        grade_id=_grade_id(cell) if kind != "prose" else "",
        cell_id=str(cell["id"]),
        cell_type="markdown" if kind in ("answer", "prose") else "code",
        source=_as_released(kind, str(own.get("exercise", "")), text),
        release_source=_as_released(kind, str(own.get("exercise", "")), text),
        exercise=str(own.get("exercise", "")),
        name=str(own.get("name", "")),
        points=float(points) if isinstance(points, int | float) else 0.0,
    )


def _as_released(kind: str, name: str, text: str) -> str:
    """Return what was handed out, as far as it can be told from what the student made of it."""
    if kind == "exercise" and _STUB_LINE not in text:
        return f"def {name}():\n    {_STUB_LINE}" if _is_name(name) else CODE_STUB
    if kind == "answer" and TEXT_STUB not in text:
        return TEXT_STUB
    return text


def _is_name(name: str) -> bool:
    return name.isidentifier() and not _fails(f"{name} = 1")


def _fails(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return True
    return False


def _is_prose(cell: Mapping[str, Any]) -> bool:
    return cell.get("cell_type") == "markdown" and _RELEASED_ID.fullmatch(str(cell.get("id", ""))) is not None


def _was_changed(cell: Mapping[str, Any]) -> bool:
    """Return whether a cell that is not the student's to write differs from nbgrader's checksum."""
    marks = _mapping(_metadata(cell).get("nbgrader"))
    if _own(cell)["kind"] in ("exercise", "answer") or "checksum" not in marks or "grade_id" not in marks:
        return False
    try:
        return bool(checksum({**cell, "source": _text(cell)}) != marks["checksum"])
    except (KeyError, TypeError, ValueError):
        return True


def _changed(cell: Mapping[str, Any]) -> Repair:
    return Repair(
        _grade_id(cell),
        "You have changed this cell.",
        "When your work is graded, the original runs in its place. Without it, what is reported here may be wrong.",
    )


def _untrue(changed: Sequence[Repair]) -> str:
    """Return the sentence on cells of the course that were changed; empty if none were."""
    if not changed:
        return ""
    count = "A cell of the course's own was" if len(changed) == 1 else f"{len(changed)} of the course's own cells were"
    return f"{count} changed, so this result may not be that of grading. Restore them from a fresh copy."


def _grade_id(cell: Mapping[str, Any]) -> str:
    marks, own = _mapping(_metadata(cell).get("nbgrader")), _own(cell)
    made = "-".join(filter(None, (str(own.get(key, "")) for key in ("kind", "exercise", "name"))))
    return str(marks.get("grade_id") or made)


def _release(cells: Any) -> str:
    made = [
        {
            "cell_type": cell.cell_type,
            "id": cell.cell_id,
            "metadata": {"nbgrader": {"grade_id": cell.grade_id, "solution": True}} if cell.grade_id else {},
            "source": cell.release_source,
        }
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _own(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(_metadata(cell).get("autograder"))


def _metadata(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(cell.get("metadata"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return text.replace("\r\n", "\n")


# ---- pictures that will not be seen


def unseen_pictures(path: Path) -> tuple[str, ...]:
    """Return a sentence for each picture in the notebook's text that grading will name instead of showing.

    Raises:
        UnreadableSubmission: it is not a notebook.
    """
    cells, _ = read_student_cells(read_submission(path.read_bytes(), str(path)), str(path))
    texts = [cell for cell in cells if cell.cell_type == "markdown"]
    return tuple(
        f"Cell {cell.number}: the picture “{name}” will not be seen: {problem}."
        for cell in texts
        for name, problem in _problems(cell.source, cell.attachments)
    )


def _problems(source: str, attachments: tuple[Attachment, ...]) -> Iterator[tuple[str, str]]:
    for each in embedded_pictures(source, attachments)[1]:
        if each.problem:
            yield each.name, each.problem
            continue
        kind, made = redrawn(each.content)  # The student's own file on the student's own machine: no walls are needed.
        if kind == b"R":
            yield each.name, made.decode(errors="replace")

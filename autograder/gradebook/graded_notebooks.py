"""Notebooks as nbgrader keeps them: an assignment's source cells, and graded submissions with their outputs.

A graded notebook is rebuilt from the course's own cells and the student's, and its outputs and pictures are made safe
to show. It lies in ``autograded/``, where nbgrader looks for it; nothing else that a student handed in is copied there,
except the time stamp.
"""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Set
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import nbformat
from nbformat import NotebookNode
from nbgrader import utils

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.files import write_atomically
from autograder.gradebook.sanitising import Album, safe_outputs, with_attachments
from autograder.gradebook.stamps import TIMESTAMP, read_stamp
from autograder.grading.result import Result, check_outputs
from autograder.submission.model import Repair, Submission, SubmissionCell

__all__ = [
    "TIMESTAMP",
    "SourceNode",
    "build_autograded",
    "kernelspec",
    "notebook_bytes",
    "put_outputs",
    "put_pictures",
    "rebuild_notebook",
    "remove_strays",
    "repairs_of",
    "source_nodes",
    "write_autograded",
]


class SourceNode(msgspec.Struct, frozen=True):
    """A cell as nbgrader's database keeps it: solutions cleared, hidden tests still there."""

    grade_id: str
    cell_type: str
    source: str
    checksum: str
    points: float
    is_grade: bool
    is_solution: bool
    is_locked: bool
    is_task: bool = False
    by_hand: bool = False


@lru_cache(maxsize=32)
def _release(text: str) -> NotebookNode:
    notebook: NotebookNode = nbformat.from_dict(json.loads(text))  # type: ignore[no-untyped-call]
    return notebook


def kernelspec(assignment: Assignment) -> dict[str, Any]:
    """Return the kernel that the assignment names."""
    found: dict[str, Any] = _release(assignment.release).metadata.get("kernelspec", {})
    return found


@lru_cache(maxsize=32)
def source_nodes(assignment: Assignment) -> tuple[SourceNode, ...]:
    """Return every cell of ``assignment`` that nbgrader keeps, in order."""
    by_hand = {cell.grade_id for cell in assignment.checks if cell.level == "by hand"}
    nodes = [_source_node(cell, by_hand) for cell in _marked_cells(assignment).values() if "nbgrader" in cell.metadata]
    return tuple(node for node in nodes if node.grade_id and (node.is_grade or node.is_solution or node.is_locked))


def rebuild_notebook(assignment: Assignment, submission: Submission) -> NotebookNode:
    """Return the submission with the course's own cells and marks, without outputs, as nbgrader sanitises it."""
    marked = _marked_cells(assignment)
    notebook = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.metadata["kernelspec"] = kernelspec(assignment)
    notebook.metadata["autograder"] = {"repairs": msgspec.to_builtins(submission.repairs)}
    notebook.cells = [_rebuilt_cell(cell, marked.get(cell.cell_id)) for cell in submission.cells]
    rebuilt: NotebookNode = notebook
    return rebuilt


def build_autograded(
    assignment: Assignment, submission: Submission, result: Result, album: Album | None = None
) -> NotebookNode:
    """Return the notebook that nbgrader's own pipeline would leave in ``autograded/`` for this result.

    Every check holds either one error, or one plain number after an optional message: nbgrader
    reads a score from these.
    """
    notebook = rebuild_notebook(assignment, submission)
    put_outputs(notebook, assignment, result, album)
    put_pictures(notebook, submission, album)
    return notebook


def notebook_bytes(notebook: NotebookNode) -> bytes:
    """Return the file of a notebook, as ``nbformat.writes`` lays it out, and many times as fast."""
    lines = {**notebook, "cells": [_with_lines(cell) for cell in notebook.cells]}
    return msgspec.json.format(msgspec.json.encode(lines, order="sorted"), indent=1) + b"\n"


def put_pictures(notebook: NotebookNode, submission: Submission, album: Album | None = None) -> None:
    """Keep only checked ones of the student's pictures in ``notebook``, in place; the others are named."""
    texts = {cell.cell_id: cell for cell in submission.cells if cell.kind in ("answer", "note")}
    for node in notebook.cells:
        if node.cell_type == "markdown" and node.id in texts:
            cell = texts[node.id]
            node.source, attachments = with_attachments(cell.source, cell.attachments, album or Album(None))
            node.pop("attachments", None)
            if attachments:
                node["attachments"] = nbformat.from_dict(attachments)  # type: ignore[no-untyped-call]


def put_outputs(notebook: NotebookNode, assignment: Assignment, result: Result, album: Album | None = None) -> None:
    """Give every code cell of ``notebook`` its outputs from ``result``, in place."""
    checks = {check.check: check for check in result.checks}
    order = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        order += 1
        check = checks.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        found = check_outputs(check, order) if check else safe_outputs(result.outputs.get(cell.id, []), album)
        cell.outputs = [nbformat.from_dict(output) for output in found]  # type: ignore[no-untyped-call]
        cell.execution_count = order if cell.id in result.outputs or check else None


def repairs_of(notebook: NotebookNode) -> tuple[Repair, ...]:
    """Return the repairs that :func:`rebuild_notebook` noted in a notebook; none if it did not make it."""
    try:
        noted = notebook.metadata.get("autograder", {}).get("repairs", [])
        return msgspec.convert(noted, tuple[Repair, ...])
    except (msgspec.ValidationError, AttributeError):
        return ()


def _with_lines(cell: NotebookNode) -> dict[str, Any]:
    """Return the cell with its longer texts as lists of lines, as notebooks are stored."""
    stored = {**cell, "source": cell.source.splitlines(keepends=True)}
    if "outputs" in cell:
        stored["outputs"] = [_output_with_lines(output) for output in cell.outputs]
    return stored


def _output_with_lines(output: NotebookNode) -> dict[str, Any]:
    stored = dict(output)
    if isinstance(stored.get("text"), str):
        stored["text"] = stored["text"].splitlines(keepends=True)
    if "data" in stored:
        stored["data"] = {
            kind: value.splitlines(keepends=True) if isinstance(value, str) and kind.startswith("text/") else value
            for kind, value in stored["data"].items()
        }
    return stored


@lru_cache(maxsize=32)
def _marked_cells(assignment: Assignment) -> dict[str, NotebookNode]:
    """Return, by cell id, the released cells with the checks' whole source, and checksums that fit it."""
    sources = {cell.cell_id: cell for cell in assignment.cells}
    marked = {}
    for released in _release(assignment.release).cells:
        cell: NotebookNode = nbformat.from_dict(json.loads(json.dumps(released)))  # type: ignore[no-untyped-call]
        own = sources[cell.id]
        cell.source = own.source if own.kind == "check" else own.release_source
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["checksum"] = utils.compute_checksum(cell)
        marked[cell.id] = cell
    return marked


def _source_node(cell: NotebookNode, by_hand: Set[str]) -> SourceNode:
    marks = cell.metadata.nbgrader
    return SourceNode(
        grade_id=marks.get("grade_id", ""),
        cell_type=cell.cell_type,
        source=cell.source,
        checksum=marks["checksum"],
        points=float(marks.get("points", 0)),
        is_grade=utils.is_grade(cell),
        is_solution=utils.is_solution(cell),
        is_locked=utils.is_locked(cell),
        is_task=utils.is_task(cell),
        by_hand=marks.get("grade_id", "") in by_hand,
    )


def _rebuilt_cell(cell: SubmissionCell, marked: NotebookNode | None) -> NotebookNode:
    # Put together by hand: nbformat's makers validate each cell against the schema, which takes longer than grading it.
    own = marked is None or cell.kind in ("exercise", "answer", "free")
    node = NotebookNode(
        id=cell.cell_id,
        cell_type=cell.cell_type,
        metadata=nbformat.from_dict(dict(marked.metadata) if marked else {}),  # type: ignore[no-untyped-call]
        source=cell.source if own else marked.source,  # type: ignore[union-attr]
    )
    if cell.cell_type == "code":
        node["outputs"], node["execution_count"] = [], None
    elif cell.attachments:
        node["attachments"] = nbformat.from_dict({each.name: {each.kind: each.data} for each in cell.attachments})  # type: ignore[no-untyped-call]
    return node


# ---- the files in autograded/

_KEPT = {".ipynb", ".html"}
_READ_ONLY = 0o400  # As nbgrader leaves graded notebooks, and for nobody else: hidden tests are in them.


def write_autograded(
    course: Course,
    assignment: Assignment,
    student: str,
    submission: Submission,
    result: Result,
    album: Album | None = None,
) -> Path:
    """Write ``autograded/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb`` as nbgrader's own pipeline would leave it.

    Nothing else that a student handed in is copied there, except the time stamp.

    Raises:
        GradebookError: it cannot be written, or the result was not graded.
    """
    if result.status != "graded":
        raise GradebookError(f"{assignment.name} of {student} was not graded, so there is nothing to write.")
    notebook = build_autograded(assignment, submission, result, album)
    folder = course.autograded / student / assignment.name
    path = folder / f"{assignment.notebook}.ipynb"
    write_atomically(path, notebook_bytes(notebook), _READ_ONLY)
    moment = read_stamp(course, student, assignment.name).at
    if moment is not None:
        write_atomically(folder / TIMESTAMP, f"{moment.isoformat(sep=' ')} UTC\n".encode(), _READ_ONLY)
    else:
        (folder / TIMESTAMP).unlink(missing_ok=True)
    return path


def remove_strays(folder: Path) -> list[str]:
    """Remove everything in ``folder`` but notebooks, pages and the time stamp. Return the names removed.

    nbgrader copies whatever lies beside a notebook from step to step: files that a student left, and the
    instructor's.
    """
    removed = []
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        status = entry.lstat()
        if stat.S_ISREG(status.st_mode) and (entry.suffix in _KEPT or entry.name == TIMESTAMP):
            continue
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(entry)
        else:
            entry.unlink()
        removed.append(entry.name)
    return removed

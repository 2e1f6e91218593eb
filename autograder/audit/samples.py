"""Submissions made from an assignment itself: the solution, the blank, and one per named answer."""

from __future__ import annotations

import json
from typing import Any

from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment
from autograder.submission.alignment import align
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

__all__ = ["answered_notebook", "blank_notebook", "submission_of"]


def blank_notebook(assignment: Assignment) -> dict[str, Any]:
    """Return the released notebook as students get it."""
    notebook: dict[str, Any] = json.loads(assignment.release)
    return notebook


def answered_notebook(assignment: Assignment, *answers: Answer) -> dict[str, Any]:
    """Return the released notebook with every exercise solved, but those of ``answers`` by these answers."""
    notebook = blank_notebook(assignment)
    sources = {cell.grade_id: cell.source for cell in assignment.cells if cell.kind == "exercise"}
    for answer in answers:
        exercise, source = assignment.answer_cell(answer)
        sources[assignment.exercises[exercise].grade_id] = source
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if grade_id in sources:
            cell["source"] = sources[grade_id]
    return notebook


def submission_of(notebook: dict[str, Any], assignment: Assignment, origin: str = "audit") -> Submission:
    """Return ``notebook`` read and aligned as a submitted file would be."""
    return align(read_submission(json.dumps(notebook).encode(), origin), assignment)

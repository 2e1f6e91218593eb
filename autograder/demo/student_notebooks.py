"""A student's notebook made from the released one: some exercises answered, others left as they came."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment
from autograder.authoring.regions import BEGIN_SOLUTION, END_SOLUTION

__all__ = ["Notebook", "answer_exercises", "cell_named", "solution_of", "solutions", "with_answer", "notebook_as_bytes"]

Notebook = dict[str, Any]
_REGION = (BEGIN_SOLUTION, END_SOLUTION)


def solution_of(assignment: Assignment, exercise: str) -> str:
    """Return the instructor's code for ``exercise`` as a student might have written it, without the markers."""
    source = assignment.exercises[exercise].source
    return "\n".join(line for line in source.split("\n") if not line.strip().startswith(_REGION))


def solutions(assignment: Assignment) -> dict[str, str]:
    """Return the instructor's code for every exercise."""
    return {exercise: solution_of(assignment, exercise) for exercise in assignment.exercises}


def with_answer(assignment: Assignment, code: Mapping[str, str], answer: Answer) -> dict[str, str]:
    """Return ``code`` with one exercise answered by a named answer."""
    exercise, source = assignment.answer_cell(answer)
    return {**code, exercise: source}


def answer_exercises(assignment: Assignment, code: Mapping[str, str], written_answer: str = "") -> Notebook:
    """Return the released notebook with ``code`` in its exercises' cells, and ``written_answer`` in every question."""
    notebook: Notebook = json.loads(assignment.release)
    kinds = {cell.cell_id: cell for cell in assignment.cells}
    for cell in notebook["cells"]:
        known = kinds[cell["id"]]
        if known.kind == "exercise" and known.exercise in code:
            cell["source"] = code[known.exercise]
        elif known.kind == "answer" and written_answer:
            cell["source"] = written_answer
    return notebook


def cell_named(notebook: Notebook, matches: Callable[[str], bool]) -> int:
    """Return the index of the first cell whose grade id ``matches``.

    Raises:
        LookupError: there is none.
    """
    for index, cell in enumerate(notebook["cells"]):
        if matches(str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))):
            return index
    raise LookupError("No cell has a grade id like that. Build the notebooks again: autograder build")


def notebook_as_bytes(notebook: Notebook) -> bytes:
    """Return the notebook as the bytes of a file."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()

"""Graded notebooks on disk are laid out as nbformat lays them out, and fit its schema."""

from __future__ import annotations

from typing import Any

import msgspec
import nbformat
import pytest

from autograder.authoring.assignment import Assignment
from autograder.gradebook.graded_notebooks import build_autograded, notebook_bytes
from autograder.grading.result import Result
from autograder.submission.model import Submission

OUTPUTS: dict[str, list[dict[str, Any]]] = {
    "a stream of two lines": [{"output_type": "stream", "name": "stdout", "text": "one\ntwo"}],
    "text, HTML and a picture": [
        {
            "output_type": "execute_result",
            "data": {"text/plain": "é\n", "text/html": "<b>1</b>\n<i>2</i>", "image/png": "iVBORw0KGgo=\n"},
            "metadata": {},
            "execution_count": 3,
        }
    ],
    "an error": [{"output_type": "error", "ename": "ValueError", "evalue": "no\nno", "traceback": ["line", "no"]}],
    "nothing": [],
}


@pytest.mark.parametrize("outputs", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_the_file_is_the_one_that_nbformat_writes(
    assignment: Assignment, submission: Submission, result: Result, outputs: list[dict[str, Any]]
) -> None:
    code = next(cell for cell in submission.cells if cell.kind == "exercise")
    shown = msgspec.structs.replace(result, outputs={code.cell_id: outputs})
    notebook = build_autograded(assignment, submission, shown)
    nbformat.validate(notebook)
    assert notebook_bytes(notebook) == (nbformat.writes(notebook) + "\n").encode()

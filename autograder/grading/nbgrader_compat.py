"""The same assignment for nbgrader's own ``Execute``, which runs hidden tests inside the student's process.

Only for comparing and timing against it: nothing here is isolated.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.source_cells import BEGIN_HIDDEN, END_HIDDEN
from autograder.course import Course
from autograder.grading.grade import check_seed
from autograder.grading.harness import ends_in_judgement, harness_names
from autograder.grading.reference import reference_for

__all__ = ["inject_helpers", "silent_ending", "stock_notebook"]


def stock_notebook(course: Course, assignment: Assignment) -> dict[str, Any]:
    """Return the source notebook with one line added to each check, which puts the harness's names into the kernel."""
    path = course.source / assignment.name / f"{assignment.notebook}.ipynb"
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("autograder", {}).get("kind") == "check":
            grade_id = cell["metadata"]["nbgrader"]["grade_id"]
            begin = (
                f"from autograder.grading.nbgrader_compat import inject_helpers\n"
                f"inject_helpers({str(course.root)!r}, {assignment.name!r})({grade_id!r}, globals())"
            )
            source = "".join(cell["source"])
            cell["source"] = f"{BEGIN_HIDDEN}\n{begin}\n{END_HIDDEN}\n{source}{silent_ending(source)}"
    return notebook


def silent_ending(source: str) -> str:
    """Return a last line that shows nothing, for a check whose last expression has a value that is not points."""
    last = ast.parse(source).body[-1]
    return "\nNone" if isinstance(last, ast.Expr) and ends_in_judgement(last.value) else ""


def inject_helpers(root: str, name: str) -> Callable[[str, dict[str, Any]], None]:
    """Return a function that puts the harness's names for one check into a kernel's globals."""
    course = Course.find(Path(root))
    assignment = load_assignment(course, name)

    def begin(check: str, names: dict[str, Any]) -> None:
        seed = check_seed(course.secret, assignment, check)
        names.update(harness_names(reference_for(assignment).solution, seed, names.__getitem__))

    return begin

"""The stock autograde of nbgrader: its own ``Execute``, its own database, one process.

Run as ``python -m autograder.bench.nbgrader_stock ROOT ASSIGNMENT [feedback]``; prints one JSON object.
"""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import sys
import time
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from autograder.authoring.assignment import Assignment
from autograder.authoring.source_cells import BEGIN_HIDDEN, END_HIDDEN
from autograder.course import Course

__all__ = ["main", "stock_source_notebook"]


def stock_source_notebook(course: Course, assignment: Assignment, tools: Path) -> dict[str, Any]:
    """Return the source notebook as a stock course would have it: each check starts by getting its tools.

    Demonstrations are left out, because this grader and the floor do not run them either.
    """
    path = course.source / assignment.name / f"{assignment.notebook}.ipynb"
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    kinds = {cell.cell_id: cell.kind for cell in assignment.cells}
    notebook["cells"] = [cell for cell in notebook["cells"] if kinds[cell["id"]] != "demo"]
    for cell in notebook["cells"]:
        if kinds[cell["id"]] == "check":
            name = cell["metadata"]["nbgrader"]["grade_id"]
            start = f"from autograder.bench.plain import begin\nbegin({str(tools)!r}, {name!r}, globals())"
            source = "".join(cell["source"])
            cell["source"] = f"{BEGIN_HIDDEN}\n{start}\n{END_HIDDEN}\n{source}\n{_ending(source)}"
    return notebook


def _ending(source: str) -> str:
    """Return ``None`` as the last line, unless the last expression is meant as points."""
    from autograder.grading.harness import ends_in_judgement

    last = ast.parse(source).body[-1]
    return "None" if isinstance(last, ast.Expr) and ends_in_judgement(last.value) else ""


def main(root: str, assignment: str, feedback: str = "") -> None:
    """Autograde every submission in ``root`` and print how long each took."""
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import Config

    # nbgrader calls alembic, which stands beside this Python.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    config = Config()
    config.CourseDirectory.root = root
    config.CourseDirectory.course_id = "bench"
    config.CourseDirectory.source_directory = "source"
    config.Exchange.root = str(Path(root) / "exchange")
    api = NbGraderAPI(config=config)
    logging.disable(logging.WARNING)
    students = sorted(path.name for path in (Path(root) / "submitted").iterdir())
    with redirect_stdout(io.StringIO()):
        _must(api.generate_assignment(assignment, force=True))
        seconds = [_timed(partial(api.autograde, assignment, student)) for student in students]
        pages = [_timed(partial(api.generate_feedback, assignment, student)) for student in students if feedback]
    with api.gradebook as gradebook:
        scores = [gradebook.find_submission(assignment, student).score for student in students]
    answer = {"submissions": len(students), "seconds": seconds, "feedback_seconds": pages, "scores": scores}
    sys.stdout.write(json.dumps(answer) + "\n")


def _timed(action: Any) -> float:
    started = time.perf_counter()
    _must(action())
    return time.perf_counter() - started


def _must(answer: dict[str, Any]) -> None:
    if not answer["success"]:
        raise RuntimeError(f"{answer.get('log')}\n{answer.get('error')}"[-4000:])


if __name__ == "__main__":
    main(*sys.argv[1:])

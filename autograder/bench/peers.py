"""The peers of the benchmark: nbgrader's stock autograde, and the local run of otter-grader. Each is one process.

nbgrader grades by its own ``Execute`` and its own database; otter-grader, without containers, executes each notebook
and then all tests. Run as ``python -m autograder.bench.peers nbgrader ROOT ASSIGNMENT [feedback]`` and, by a Python
that has otter-grader, as ``python -m autograder.bench.peers otter ROOT``; prints one JSON object.
"""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import time
import venv
from contextlib import redirect_stdout
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from autograder.authoring.assignment import Assignment
from autograder.authoring.source_cells import BEGIN_HIDDEN, END_HIDDEN
from autograder.bench.process_usage import PeerFailed
from autograder.course import Course

__all__ = ["OTTER", "python_with_otter", "stock_source_notebook", "write_otter_notebook", "write_otter_tests"]

OTTER = "otter-grader==7.0.0"
_TEST = """\
OK_FORMAT = False
from otter.test_files import test_case
from autograder.bench.plain import begin

name = {name!r}
points = None

@test_case(points={points!r}, hidden=True)
def check(env):
    names = dict(env)
    begin({tools!r}, {check!r}, names)
    exec({source!r}, names)
"""


def stock_source_notebook(course: Course, assignment: Assignment, tools: Path) -> dict[str, Any]:
    """Return the source notebook as a stock course would have it: each check starts by getting its tools.

    Demonstrations are left out, because this grader and the floor do not run them either.
    """
    from autograder.grading.nbgrader_compat import silent_ending  # only here: the peers do not pay for the grader

    path = course.source / assignment.name / f"{assignment.notebook}.ipynb"
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    kinds = {cell.cell_id: cell.kind for cell in assignment.cells}
    notebook["cells"] = [cell for cell in notebook["cells"] if kinds[cell["id"]] != "demo"]
    for cell in notebook["cells"]:
        if kinds[cell["id"]] == "check":
            name = cell["metadata"]["nbgrader"]["grade_id"]
            start = f"from autograder.bench.plain import begin\nbegin({str(tools)!r}, {name!r}, globals())"
            source = "".join(cell["source"])
            cell["source"] = f"{BEGIN_HIDDEN}\n{start}\n{END_HIDDEN}\n{source}{silent_ending(source)}"
    return notebook


def _run_nbgrader(root: str, assignment: str, feedback: str = "") -> None:
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


def python_with_otter(folder: Path) -> Path:
    """Return a Python in ``folder`` that has otter-grader and sees this one's packages; make it on first use.

    Raises:
        PeerFailed: otter-grader cannot be installed here.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", OTTER],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if installed.returncode:
        raise PeerFailed(f"{OTTER} cannot be installed: {installed.stderr.strip().splitlines()[-1:]}")
    (packages,) = (folder / "lib").glob("python*/site-packages")
    here = Path(__file__).resolve().parents[2]
    seen = [str(here), *(path for path in sys.path if path.endswith("site-packages"))]
    (packages / "bench.pth").write_text("\n".join(seen) + "\n", encoding="utf-8")
    return python


def write_otter_tests(assignment: Assignment, tools: Path, root: Path) -> None:
    """Write the tests and the configuration of otter's autograder into ``root``."""
    tests = root / "tests"
    tests.mkdir()
    for check in assignment.checks:
        name = check.grade_id.replace("-", "_")
        text = _TEST.format(
            name=name, points=check.points, tools=str(tools), check=check.grade_id, source=check.source
        )  # fmt: skip
        (tests / f"{name}.py").write_text(text, encoding="utf-8")
    (root / "otter_config.json").write_text("{}", encoding="utf-8")


def write_otter_notebook(assignment: Assignment, code: dict[str, str], path: Path) -> None:
    """Write a student's notebook as otter's students hand it in: without tests, which are called by name."""
    sources = ["import otter\ngrader = otter.Notebook()"]
    for cell in assignment.cells:
        if cell.kind == "given":
            sources.append(cell.source)
        elif cell.kind == "exercise":
            sources.append(code[cell.exercise])
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"cell-{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        for n, text in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")


def _run_otter(root: str) -> None:
    """Grade every notebook in ``root/submissions`` and print how long each took."""
    from otter.api import grade_submission  # type: ignore[import-not-found]

    folder = Path(root)
    os.chdir(folder)
    generate = [sys.executable, "-m", "otter", "generate", "-t", "tests", "-o", "autograder.zip"]
    subprocess.run(generate, check=True, capture_output=True)
    logging.disable(logging.WARNING)
    seconds, scores = [], []
    for path in sorted((folder / "submissions").glob("*.ipynb")):
        started = time.perf_counter()
        results = grade_submission(str(path), str(folder / "autograder.zip"), quiet=True)
        seconds.append(time.perf_counter() - started)
        scores.append(results.total)
    answer = {"submissions": len(seconds), "seconds": seconds, "scores": scores, "version": version("otter-grader")}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "nbgrader":
        _run_nbgrader(*sys.argv[2:])
    else:
        _run_otter(*sys.argv[2:])

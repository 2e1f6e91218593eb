"""The local run of otter-grader, without containers, in one process: it executes each notebook and then all tests.

Run by a Python that has otter-grader, as ``python -m autograder.bench.otter ROOT``; prints one JSON object.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import venv
from importlib.metadata import version
from pathlib import Path

from autograder.authoring.assignment import Assignment
from autograder.bench.process_usage import PeerFailed

__all__ = ["OTTER", "main", "python_with_otter", "write_assignment", "write_submission"]

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


def write_assignment(assignment: Assignment, tools: Path, root: Path) -> None:
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


def write_submission(assignment: Assignment, code: dict[str, str], path: Path) -> None:
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


def main(root: str) -> None:
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
    main(sys.argv[1])

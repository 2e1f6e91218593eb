"""The run of this grader as ``autograder grade``, and the cost of regrading.

Run as ``python -m autograder.bench.ours ROOT ASSIGNMENT WORKERS [again | warm]``; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from autograder.authoring.source_cells import END_HIDDEN
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.executor import LocalWorkers, Pool
from autograder.engine.grading_report import ClassReport
from autograder.engine.progress import Silent
from autograder.engine.worker import options_of

__all__ = ["main"]


def main(root: str, assignment: str, workers: str, again: str = "") -> None:
    """Grade the class in ``root`` and print how long it took; with ``again``, also unchanged and after one change.

    With ``warm``, one student after the other is graded by the same workers; what counts is the last.
    """
    course = Course.find(Path(root))
    if again == "warm":
        sys.stdout.write(json.dumps({"warm": _warm(course, assignment, int(workers))}) + "\n")
        return
    first = grade_class(course, assignment, workers=int(workers), progress=Silent())
    answer: dict[str, Any] = {"first": _summary(first)}
    if again:
        answer["unchanged"] = _summary(grade_class(course, assignment, workers=int(workers), progress=Silent()))
        answer["changed"] = change_one_check(course, assignment)
        third = grade_class(course, assignment, workers=int(workers), progress=Silent(), yes=True)
        answer["one_test"] = _summary(third)
    sys.stdout.write(json.dumps(answer) + "\n")


def _warm(course: Course, assignment: str, workers: int) -> dict[str, Any]:
    with Pool(lambda: LocalWorkers(workers, options_of(course, torch=False))) as pool:
        for folder in sorted(course.submitted.iterdir()):
            students = [folder.name]
            last = grade_class(course, assignment, students=students, progress=Silent(), make_executor=pool.lend)
    return _summary(last)


def _summary(report: ClassReport) -> dict[str, Any]:
    points = [each.points for each in report.submissions if each.points is not None]
    return {
        "submissions": len(report.submissions),
        "exit_code": report.exit_code,
        "seconds": report.seconds,
        "start_seconds": report.start_seconds,
        "mean_points": sum(points) / max(len(points), 1),
        "checks_run": sum(each.checks_run for each in report.submissions),
        "phases": report.phases,
        "checks": report.checks,
    }


def change_one_check(course: Course, assignment: str) -> str:
    """Change the last hidden test of the middle check in the course's copy of the source; return the check's name."""
    (path,) = (course.source / assignment).glob("*.ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    hidden = [cell for cell in notebook["cells"] if END_HIDDEN in "".join(cell["source"])]
    cell = hidden[len(hidden) // 2]
    cell["source"] = "".join(cell["source"]).replace(END_HIDDEN, f"passes(True, 'one more test')\n{END_HIDDEN}")
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    return str(cell["metadata"]["nbgrader"]["grade_id"])


if __name__ == "__main__":
    main(*sys.argv[1:])

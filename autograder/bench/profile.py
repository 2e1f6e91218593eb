"""Where the CPU time of one submission goes: forks, questions over the wire, and the rest, each measured by itself.

Run as ``python -m autograder.bench.profile ROOT ASSIGNMENT FILE``; prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

from autograder.authoring import Assignment, load_assignment
from autograder.course import Course
from autograder.demo.notebooks import answered
from autograder.engine.child import run_in_child
from autograder.engine.grader import Grader
from autograder.grading import Result, decode_result, encode_result, grade
from autograder.isolation import Sandbox, pages
from autograder.submission import Submission, align

__all__ = ["main"]

_REPEATED = 7
_QUESTIONS = 2000
_ASK = """
import numpy as np
def ask(op, n):
    image, kernel = np.ones((8, 8)), np.ones((3, 3))
    for _ in range(n):
        op(image, kernel)
"""


def main(root: str, name: str, path: str) -> None:
    """Profile the submissions in ``path`` and print the figures."""
    Grader.preload()
    pages.collapse()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # as a worker and the student's process run
    course = Course.find(Path(root))
    assignment = load_assignment(course, name)
    code = json.loads(Path(path).read_text(encoding="utf-8"))
    with Sandbox.start(readable=[course.data]) as sandbox:
        figures = {"question_us": _question(sandbox), "forks_ms": _forks(sandbox)}
        figures |= _submissions(course, assignment, sandbox, code)
    sys.stdout.write(json.dumps(figures) + "\n")


def _question(sandbox: Sandbox) -> float:
    """Microseconds of CPU, on both sides, of a call of a lent function that gives one of two small arrays back."""
    with sandbox.spawn() as worker:
        worker.run_cell(_ASK)
        ask = worker.names(["ask"])["ask"]
        ask(_first, _QUESTIONS)
        started = time.perf_counter()
        ask(_first, _QUESTIONS)
        return round((time.perf_counter() - started) / _QUESTIONS * 1e6, 1)  # one processor: wall time is CPU time


def _first(image: Any, kernel: Any) -> Any:
    return image


def _forks(sandbox: Sandbox) -> float:
    """Milliseconds for a submission without any cell: both forks, confinement, and their ends."""

    def nothing() -> bytes:
        sandbox.spawn().close()
        return b""

    def timed() -> float:
        started = time.perf_counter()
        run_in_child(nothing, 60.0)
        return time.perf_counter() - started

    return round(median(timed() for _ in range(_REPEATED)) * 1000, 1)


def _submissions(
    course: Course, assignment: Assignment, sandbox: Sandbox, code: list[dict[str, str]]
) -> dict[str, float]:
    submissions = [align(answered(assignment, answers, "Because."), assignment) for answers in code]
    grade(submissions[0], assignment, sandbox, course.secret)  # Imports, and what is made once.
    graded = [_graded(each, course, assignment, sandbox) for each in submissions]
    return {
        "questions": round(mean(result.usage.questions for result, _ in graded)),
        "trusted_ms": round(mean(cpu for _, cpu in graded) * 1000, 1),
        "student_ms": round(mean(result.usage.cpu_seconds for result, _ in graded) * 1000, 1),
    }


def _graded(submission: Submission, course: Course, assignment: Assignment, sandbox: Sandbox) -> tuple[Result, float]:
    """The result, and the CPU seconds of the grader's side."""
    outcome = run_in_child(lambda: encode_result(grade(submission, assignment, sandbox, course.secret)), 300.0)
    return decode_result(outcome.data), outcome.cpu_seconds


if __name__ == "__main__":
    main(*sys.argv[1:])

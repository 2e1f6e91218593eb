"""The CPU time of one submission, by its parts: forks, questions over the wire, and so on, each measured by itself.

Run as ``python -m autograder.bench.profile ROOT ASSIGNMENT FILE``; prints one JSON object.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any, cast

import numpy as np

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.bench.honest import read_submissions
from autograder.course import Course
from autograder.engine.grader import Grader
from autograder.grading.child import run_in_child
from autograder.grading.grade import grade_submission
from autograder.isolation import huge_pages
from autograder.isolation.limits import Allowance, Limits, StudentUsage
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess
from autograder.submission.model import Submission

__all__ = ["main"]

Figures = dict[str, Any]

_REPEATED = 7
_QUESTIONS = 2000
_PAGES = 2000
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
    huge_pages.collapse_memory()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # as a worker and the student's process run
    course = Course.find(Path(root))
    assignment = load_assignment(course, name)
    submissions = read_submissions(assignment, Path(path))
    with Sandbox.start(readable=[course.data]) as sandbox:
        figures: Figures = {"question_us": _question(sandbox), "forks_ms": _forks(sandbox), "page_us": _page()}
        figures |= _submissions(course, assignment, sandbox, submissions)
    sys.stdout.write(json.dumps(figures) + "\n")


def _question(sandbox: Sandbox) -> float:
    """Return the CPU microseconds, on both sides, of a call of a lent function that returns one of two small arrays."""
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
    """Return the milliseconds for a submission without any cell: both forks, confinement, and their ends."""

    def nothing() -> bytes:
        sandbox.spawn().close()
        return b""

    def timed() -> float:
        started = time.perf_counter()
        run_in_child(nothing, 60.0)
        return time.perf_counter() - started

    return round(median(timed() for _ in range(_REPEATED)) * 1000, 1)


def _page() -> float:
    """Return the microseconds for the copy of one page of a forked process's memory, when it is first written to."""
    memory = np.zeros(_PAGES * mmap.PAGESIZE, np.uint8)
    memory[:: mmap.PAGESIZE] = 1

    def touch() -> bytes:
        started = time.perf_counter()
        memory[:: mmap.PAGESIZE] = 2
        return str(time.perf_counter() - started).encode()

    return round(median(float(run_in_child(touch, 60.0).data) for _ in range(_REPEATED)) / _PAGES * 1e6, 2)


def _submissions(course: Course, assignment: Assignment, sandbox: Sandbox, submissions: list[Submission]) -> Figures:
    grade_submission(submissions[0], assignment, sandbox, course.secret)  # Imports, and what is made once.
    nothing = _in_child(sandbox, lambda watched: watched.spawn().close())
    graded = [_in_child(sandbox, partial(_graded, each, course, assignment)) for each in submissions]
    figures: Figures = {
        name: round(mean(each[name] for each in graded), 1)
        for name in ("questions", "cells_ms", "trusted_ms", "student_ms")
    }
    figures["pages"] = round(mean(each["pages"] for each in graded) - nothing["pages"])
    return figures


def _graded(submission: Submission, course: Course, assignment: Assignment, sandbox: _Watched) -> Figures:
    usage = grade_submission(submission, assignment, cast(Sandbox, sandbox), course.secret).usage
    return {
        "questions": usage.questions,
        "cells_ms": usage.phases["student"] * 1000,
        "student_ms": usage.cpu_seconds * 1000,
    }


class _Watched:
    """A stand-in for a sandbox that counts the page faults of the workers that it sees closed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.page_faults = 0

    def spawn(self, limits: Limits | None = None, *, allowance: Allowance | None = None) -> StudentProcess:
        """Start a worker as the sandbox does."""
        worker = self._sandbox.spawn(limits, allowance=allowance)
        close = worker.close

        def counted() -> StudentUsage:
            usage = close()
            self.page_faults += usage.page_faults
            return usage

        worker.close = counted  # type: ignore[method-assign]
        return worker


def _in_child(sandbox: Sandbox, work: Callable[[_Watched], object]) -> Figures:
    """Return what ``work`` returns, with the CPU time of the grader's side and the page faults of both."""

    def watched() -> bytes:
        watching = _Watched(sandbox)
        found = work(watching)
        return json.dumps({**(found if isinstance(found, dict) else {}), "pages": watching.page_faults}).encode()

    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    outcome = run_in_child(watched, 300.0)
    figures: Figures = json.loads(outcome.data)
    figures["pages"] += resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before
    figures["trusted_ms"] = outcome.cpu_seconds * 1000
    return figures


if __name__ == "__main__":
    main(*sys.argv[1:])

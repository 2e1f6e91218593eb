"""The CPU time of one submission, by its parts: forks, questions over the wire, and so on, each measured by itself.

Run as ``python -m autograder.bench.profile ROOT ASSIGNMENT FILE``; prints one JSON object.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any, cast

import numpy as np

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.bench.invented_class import read_submissions
from autograder.course import Course
from autograder.engine.grader import Grader
from autograder.grading.child import run_in_child
from autograder.grading.grade import grade_submission
from autograder.isolation.limits import Allowance, Limits, StudentUsage, collapse_memory
from autograder.isolation.proxies import Asked
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess
from autograder.submission.model import Submission

__all__ = ["main"]

Figures = dict[str, Any]

_REPEATED = 7
_CALLS, _TOGETHER = 200, 40
_PAGES = 2000
_ASK = """
import numpy as np
def answer(image, kernel):
    return image
def ask(op, n):
    image, kernel = np.ones((8, 8)), np.ones((3, 3))
    for _ in range(n):
        op(image, kernel)
"""


def main(root: str, name: str, path: str) -> None:
    """Profile the submissions in ``path`` and print the figures."""
    Grader.preload()
    collapse_memory()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # as a worker and the student's process run
    course = Course.find(Path(root))
    assignment = load_assignment(course, name)
    submissions = read_submissions(assignment, Path(path))
    with Sandbox.start(readable=[course.data]) as sandbox:
        figures: Figures = {"turn_us": _turn(), **_questions(sandbox), "forks_ms": _forks(sandbox), "page_us": _page()}
        figures |= _submissions(course, assignment, sandbox, submissions)
    sys.stdout.write(json.dumps(figures) + "\n")


def _turn() -> float:
    """Return the microseconds for a message from one bare process to another on the same processor, and one back."""
    ours, theirs = socket.socketpair()
    number = os.fork()
    if number == 0:
        ours.close()
        while message := theirs.recv(1 << 16):
            theirs.send(message)
        os._exit(0)
    theirs.close()

    def exchange() -> None:
        ours.send(bytes(200))
        ours.recv(1 << 16)

    spent = _microseconds(exchange)
    ours.close()
    os.waitpid(number, 0)
    return spent


def _questions(sandbox: Sandbox) -> Figures:
    """Return the CPU microseconds, of all sides, of calls that return one of two small arrays.

    A call of the student's function alone and among others that are sent with it, and a call of a lent function.
    """
    with sandbox.spawn() as worker:
        worker.quiet = True
        worker.run_cell(_ASK)
        names = worker.names(["ask", "answer"])
        image, kernel = np.ones((8, 8)), np.ones((3, 3))
        question = Asked("call", names["answer"], (image, kernel), {}, "")

        def together() -> None:
            for _ in worker.ask_together(iter([question] * _TOGETHER)):
                pass

        return {
            "question_us": round(_microseconds(lambda: names["ask"](_first, _TOGETHER)) / _TOGETHER, 1),
            "call_us": _microseconds(lambda: names["answer"](image, kernel)),
            "together_us": round(_microseconds(together) / _TOGETHER, 1),
        }


def _microseconds(work: Callable[[], object]) -> float:
    """Return the time of one call, the least of several rounds; on one processor wall time is CPU time."""
    best = math.inf
    for _ in range(_REPEATED):
        started = time.perf_counter()
        for _ in range(_CALLS):
            work()
        best = min(best, time.perf_counter() - started)
    return round(best / _CALLS * 1e6, 1)


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
        for name in ("questions", "lent", "together", "cells_ms", "trusted_ms", "student_ms")
    }
    figures["pages"] = round(mean(each["pages"] for each in graded) - nothing["pages"])
    return figures


def _graded(submission: Submission, course: Course, assignment: Assignment, sandbox: _Watched) -> Figures:
    usage = grade_submission(submission, assignment, cast(Sandbox, sandbox), course.secret).usage
    return {
        "questions": usage.questions,
        "lent": sandbox.lent,
        "together": sandbox.together,
        "cells_ms": usage.phases["student"] * 1000,
        "student_ms": usage.cpu_seconds * 1000,
    }


class _Watched:
    """A stand-in for a sandbox that counts page faults, and questions by kind, of the workers that it sees closed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.page_faults = self.lent = self.together = 0

    def spawn(self, limits: Limits | None = None, *, allowance: Allowance | None = None) -> StudentProcess:
        """Start a worker as the sandbox does."""
        worker = self._sandbox.spawn(limits, allowance=allowance)
        close = worker.close

        def counted() -> StudentUsage:
            lent, together = worker.kinds_of_questions
            self.lent += lent
            self.together += together
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

"""The shares of time of the parts of the code, in the grader's process and in the student's: a sampling profile.

The student's process is here a plain fork without its confinement, which would not let it be sampled; it runs the same
code. Each side notes, every few milliseconds of its own CPU time, what it is doing. Waiting for the other takes none.

Run as ``python -m autograder.bench.shares ROOT ASSIGNMENT FILE``; prints one JSON object.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, cast

from autograder.authoring.assignment import load_assignment
from autograder.bench.invented_class import read_submissions
from autograder.course import Course
from autograder.grading.grade import grade_submission
from autograder.isolation.channel import Channel, ChannelClosed
from autograder.isolation.codec import MAX_BYTES
from autograder.isolation.guest import preload
from autograder.isolation.guest.server import Server
from autograder.isolation.lending import Lender, Lends
from autograder.isolation.limits import Allowance, Limits, StudentUsage
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

__all__ = ["main", "part_of"]

_LIBRARIES = ("/numpy/", "/scipy/", "/torch/", "/matplotlib/", "/PIL/")
_CELLS = ("/IPython/", "/traitlets/", "/matplotlib_inline/", "/autograder/isolation/guest/shell.py")
_SECONDS = 0.001  # of CPU time between two samples, or the kernel's tick if that is longer

Samples = Counter[str]


class _Unconfined:
    """A stand-in for a sandbox, whose workers are forks of this process.

    Args:
        shell: the warm shell that their cells run in.
        folder: the folder in which each leaves its samples.
    """

    def __init__(self, shell: Any, folder: Path) -> None:
        self._shell = shell
        self._folder = folder
        self.samples: Samples = Counter()

    def spawn(
        self, limits: Limits | None = None, *, lender: Lends | None = None, allowance: Allowance | None = None
    ) -> StudentProcess:
        """Start a worker as a sandbox does, but for the confinement."""
        limits = limits or Limits()
        ours, theirs = socket.socketpair()
        number = os.fork()
        if number == 0:
            ours.close()
            try:
                self._serve(theirs.detach())
                os._exit(0)
            finally:
                os._exit(70)
        theirs.close()
        channel = Channel(ours.detach(), limits.message_bytes, limits.total_bytes)
        sandbox = cast(Sandbox, self)
        worker = StudentProcess(sandbox, number, channel, limits, lender or Lender(sandbox), allowance)
        worker.wait_until_ready(60.0)
        return worker

    def _serve(self, descriptor: int) -> None:
        found: Samples = Counter()
        with _sampling(found), suppress(ChannelClosed):
            Server(Channel(descriptor, MAX_BYTES, patient=True), self._shell).serve()
        (self._folder / str(os.getpid())).write_text(json.dumps(found))

    def end(self, worker: int, patience: float = 0.0) -> tuple[StudentUsage, int, bool]:
        """End a worker as a sandbox does; it ends because its channel was closed."""
        _, status, used = os.wait4(worker, 0)
        noted = self._folder / str(worker)
        self.samples.update(json.loads(noted.read_text()))
        noted.unlink()
        return (
            StudentUsage(used.ru_utime + used.ru_stime, used.ru_maxrss << 10, 0.0),
            os.waitstatus_to_exitcode(status),
            False,
        )


def main(root: str, name: str, path: str) -> None:
    """Profile the submissions in ``path`` and print, for each side, how often each part was at work."""
    course = Course.find(Path(root))
    assignment = load_assignment(course, name)
    submissions = read_submissions(assignment, Path(path))
    os.environ["AUTOGRADER_DATA"] = str(course.data)
    own: Samples = Counter()
    with tempfile.TemporaryDirectory() as folder:
        (home := Path(folder) / "home").mkdir()
        sandbox = _Unconfined(preload.warm_up(str(home)), Path(folder))
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        grade_submission(
            submissions[0], assignment, cast(Sandbox, sandbox), course.secret
        )  # imports, and what is made once
        sandbox.samples.clear()
        gc.collect()
        gc.freeze()
        for submission in submissions:
            with _sampling(own):
                grade_submission(submission, assignment, cast(Sandbox, sandbox), course.secret)
    sys.stdout.write(json.dumps({"trusted": own, "student": sandbox.samples}) + "\n")


@contextmanager
def _sampling(found: Samples) -> Iterator[None]:
    def note(_: int, frame: FrameType | None) -> None:
        found[_part(frame)] += 1

    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, _SECONDS, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _part(frame: FrameType | None) -> str:
    """Return the part that the innermost frame belongs to; the standard library works for whoever called it."""
    while frame is not None:
        part = part_of(frame.f_code.co_filename)
        if part != "other":
            return part
        frame = frame.f_back
    return "other"


def part_of(file: str) -> str:
    """Return the part that a file of code belongs to, as the benchmark's page lists them."""
    if file.startswith("<ipython-input"):
        return "answers"
    if file.startswith(("<check", "<0")):  # of a check's name, or of the assignment's
        return "checks"
    if any(name in file for name in _CELLS):
        return "cells"
    if "/autograder/isolation/" in file or "/msgpack/" in file:
        return "wire"
    if any(name in file for name in _LIBRARIES):
        return "libraries"
    return "grader" if "/autograder/" in file and "/bench/" not in file else "other"


if __name__ == "__main__":
    main(*sys.argv[1:])

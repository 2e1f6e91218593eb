"""Graders that need no sandbox, for tests of how jobs travel: what they do is written in a submission's first cell."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import msgspec
import numpy as np

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.challenge.entries import CompetitionEntry, pack
from autograder.engine.grader import StoredResult, grade_with
from autograder.engine.worker import Bundle, Job, Options
from autograder.errors import LayerMissing, MachineryError
from autograder.grading.result import CheckResult, Result
from autograder.isolation.sandbox import Sandbox
from autograder.submission.model import Submission


class Scripted:
    """Does what the submission's first cell says."""

    def __init__(self, options: Options, sandbox: Sandbox | None = None) -> None:
        self.generation = 0

    @staticmethod
    def preload() -> None:
        pass

    def start(self) -> None:
        self.generation += 1

    def start_again(self) -> None:
        self.start()

    def close(self) -> None:
        pass

    def deadline(self, bundle: Bundle) -> float:
        return bundle.settings.total_seconds

    def prepare(self, bundle: Bundle, job: Job) -> None:
        pass

    def grade(self, bundle: Bundle, job: Job) -> bytes:
        word, _, argument = job.submission.cells[0].source.partition(" ")
        answer: bytes = getattr(self, word)(argument)
        return answer

    def echo(self, argument: str) -> bytes:
        return argument.encode()

    def big(self, argument: str) -> bytes:
        return b"x" * int(argument)

    def whoami(self, argument: str) -> bytes:
        return f"{os.getpid()} {os.getppid()} {self.generation}".encode()

    def slow(self, argument: str) -> bytes:
        time.sleep(float(argument))
        return b"late"

    def fail(self, argument: str) -> bytes:
        raise MachineryError(argument)

    def bug(self, argument: str) -> bytes:
        raise KeyError(argument)

    def die(self, argument: str) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    def kill_worker(self, argument: str) -> bytes:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(30)
        return b""

    def once(self, argument: str) -> bytes:
        """Fails the first time, works the second."""
        marker = Path(argument)
        if not marker.exists():
            marker.write_text("was here")
            raise MachineryError("the first time always fails")
        return b"recovered"


class Unbuildable(Scripted):
    """Has no sandbox on this machine."""

    def start(self) -> None:
        raise LayerMissing("Landlock is missing. Use a newer kernel.")


class Hopeless(Scripted):
    """Dies whenever it starts."""

    def start(self) -> None:
        os._exit(1)


class Instant(Scripted):
    """Gives a check its points if its exercise's code holds ``return``; needs no sandbox.

    A submission that holds the word ``machinery`` fails by the machinery, until a file called ``repaired`` is there.
    """

    def grade(self, bundle: Bundle, job: Job) -> bytes:
        time.sleep(0.02)
        text = "".join(cell.source for cell in job.submission.cells if cell.is_student_code)
        if "machinery" in text and not Path(os.environ.get("REPAIRED", "/nowhere")).exists():
            raise MachineryError("the disk is full")
        earlier = msgspec.json.decode(job.earlier, type=StoredResult) if job.earlier else None
        graded = grade_with(earlier, job.submission, bundle.assignment, bundle.grader, points_for_return)
        return msgspec.json.encode(graded, order="deterministic")


def points_for_return(submission: Submission, assignment: Assignment) -> Result:
    """What :class:`Instant` gives."""
    code = {cell.exercise: cell.source for cell in submission.cells if cell.kind == "exercise"}
    checks = tuple(points_of(check, code[check.exercise]) for check in assignment.checks)
    return Result(assignment.name, assignment.key, submission.key, "graded", checks=checks)


def points_of(check: AssignmentCell, code: str) -> CheckResult:
    good = "return" in code and "impossible" not in check.source
    points, outcome = (check.points, "passed") if good else (0.0, "failed")
    message = "" if good else "It returns nothing."
    return CheckResult(check.grade_id, check.exercise, points, check.points, outcome, message)  # type: ignore[arg-type]


class Entering(Instant):
    """Like :class:`Instant`, with an entry to the competition: so many of 400 pictures right as the code's last number.

    Code that holds ``raise`` has no score.
    """

    def grade(self, bundle: Bundle, job: Job) -> bytes:
        text = "".join(cell.source for cell in job.submission.cells if cell.is_student_code)
        graded = msgspec.json.decode(super().grade(bundle, job), type=StoredResult)
        result = msgspec.structs.replace(graded.result, entry=entry_of(text))
        return msgspec.json.encode(msgspec.structs.replace(graded, result=result), order="deterministic")


def entry_of(text: str) -> CompetitionEntry:
    """What :class:`Entering` gives."""
    if "raise" in text:
        return CompetitionEntry(reason="train raised ValueError", line="raise ValueError('no')")
    right = int(text.split()[-1])
    answers = pack(np.arange(400) < right)
    return CompetitionEntry(
        weights=71_266, public=(answers,), private=(answers,), public_right=right, private_right=right,
        public_images=400, private_images=400,
    )  # fmt: skip

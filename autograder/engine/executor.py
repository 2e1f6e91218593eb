"""The executor of jobs: local worker processes or a cluster behind one interface, with retries on top."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from autograder.engine.messages import Bundle, Job, Reply
from autograder.gradebook.journal import GAVE_UP

__all__ = ["ATTEMPTS", "Executor", "RetryingExecutor"]

ATTEMPTS = 3
"""The number of times that a submission is tried before it is reported as not graded."""
_KILLED = f"by signal {signal.SIGKILL:d}"


class Executor(Protocol):
    """A mapper that takes jobs and gives replies, in any order, exactly one for each job."""

    @property
    def slots(self) -> int:
        """The number of jobs that run at the same time."""

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job, without waiting for it."""

    def completed(self, seconds: float) -> list[Reply]:
        """Return the replies that are there, waiting up to ``seconds`` for the first.

        Raises:
            MachineryError: no job can run at all.
        """

    def close(self) -> None:
        """Stop at once, and drop unfinished jobs."""


@dataclass
class _Pending:
    job: Job
    bundle: Bundle
    attempts: int = 1
    failures: list[str] = field(default_factory=list)


class RetryingExecutor:
    """A mapper that tries each job up to ``attempts`` times while the machinery fails."""

    def __init__(self, executor: Executor, attempts: int = ATTEMPTS) -> None:
        self._executor = executor
        self._attempts = attempts
        self._pending: dict[int, _Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job."""
        self._pending[job.number] = _Pending(job, bundle)
        self._executor.submit(job, bundle)

    def completed(self, seconds: float) -> Iterator[Reply]:
        """Yield final replies, results and lasting failures, waiting up to ``seconds`` for the first."""
        for reply in self._executor.completed(seconds):
            pending = self._pending[reply.number]
            if reply.failure and pending.attempts < self._attempts:
                pending.attempts += 1
                pending.failures.append(reply.failure)
                self._executor.submit(pending.job, pending.bundle)
                continue
            del self._pending[reply.number]
            yield _given_up(reply, [*pending.failures, reply.failure])


def _given_up(reply: Reply, failures: list[str]) -> Reply:
    """Return the last reply of a submission; if the kernel ended it each time, its memory is the reason.

    Trying again would end in the same way in every run, so a person has to decide.
    """
    if not all(_KILLED in failure for failure in failures):
        return reply
    why = (
        f"{GAVE_UP} the kernel ended it {len(failures)} times, most likely for want of memory. Look at the notebook "
        "and decide: give the points by hand, lower memory_mb in course.toml, or try again with --again."
    )
    return msgspec.structs.replace(reply, failure=why)

"""What maps submissions to results: local worker processes or a cluster, behind one face, with retries on top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from autograder.engine.messages import Bundle, Job, Reply

__all__ = ["ATTEMPTS", "Executor", "RetryingExecutor"]

ATTEMPTS = 3
"""How often a submission is tried before it is reported as not graded."""


class Executor(Protocol):
    """Where jobs go and replies come from. Replies come in any order, exactly one for each job."""

    @property
    def slots(self) -> int:
        """How many jobs run at the same time."""

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job. Does not wait for it."""

    def completed(self, seconds: float) -> list[Reply]:
        """Replies that are there, waiting up to ``seconds`` for the first.

        Raises:
            MachineryError: no job can run at all.
        """

    def close(self) -> None:
        """Stop at once, dropping what is unfinished."""


@dataclass
class _Pending:
    job: Job
    bundle: Bundle
    attempts: int = 1
    failures: list[str] = field(default_factory=list)


class RetryingExecutor:
    """A mapper's jobs, each tried up to ``attempts`` times while the machinery fails."""

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
        """Final replies: results, and failures that stayed. Waits up to ``seconds`` for the first."""
        for reply in self._executor.completed(seconds):
            pending = self._pending[reply.number]
            if reply.failure and pending.attempts < self._attempts:
                pending.attempts += 1
                pending.failures.append(reply.failure)
                self._executor.submit(pending.job, pending.bundle)
                continue
            del self._pending[reply.number]
            yield reply

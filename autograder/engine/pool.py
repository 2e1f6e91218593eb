"""Workers that outlive a run: the same ones grade several assignments, so they are started only once."""

from __future__ import annotations

from collections.abc import Callable

from autograder.engine.executor import Executor
from autograder.engine.messages import Bundle, Job, Reply

__all__ = ["Pool"]


class Pool:
    """A mapper that is made when it is first needed, lent to one run after the other, and closed at the end.

    Args:
        make: a function that makes the mapper.
    """

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make = make
        self._executor: Executor | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.close()

    def lend(self) -> Executor:
        """Return the mapper, for a run that may close it without ending it. An interrupted run must be the last."""
        if self._executor is None:
            self._executor = self._make()
        return _Lent(self._executor)


class _Lent:
    """A mapper that stays open."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @property
    def slots(self) -> int:
        """The number of jobs that run at the same time."""
        return self._executor.slots

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job."""
        self._executor.submit(job, bundle)

    def completed(self, seconds: float) -> list[Reply]:
        """Return the replies that are there, waiting up to ``seconds`` for the first."""
        return self._executor.completed(seconds)

    def close(self) -> None:
        """Do nothing: the pool closes the mapper."""

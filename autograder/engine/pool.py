"""Workers that outlive a run: several assignments are graded by the same ones, so starting them is paid once."""

from __future__ import annotations

from collections.abc import Callable

from autograder.engine.mapper import Mapper
from autograder.engine.messages import Bundle, Job, Reply

__all__ = ["Pool"]


class Pool:
    """Makes a mapper when it is first needed, lends it to one run after the other, and closes it at the end.

    Args:
        make: makes the mapper.
    """

    def __init__(self, make: Callable[[], Mapper]) -> None:
        self._make = make
        self._mapper: Mapper | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._mapper is not None:
            self._mapper.close()

    def lend(self) -> Mapper:
        """The mapper, for a run that may close it without ending it. A run that was interrupted must be the last."""
        if self._mapper is None:
            self._mapper = self._make()
        return _Lent(self._mapper)


class _Lent:
    """A mapper that stays open."""

    def __init__(self, mapper: Mapper) -> None:
        self._mapper = mapper

    @property
    def slots(self) -> int:
        """How many jobs run at the same time."""
        return self._mapper.slots

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job."""
        self._mapper.submit(job, bundle)

    def completed(self, seconds: float) -> list[Reply]:
        """Replies that are there, waiting up to ``seconds`` for the first."""
        return self._mapper.completed(seconds)

    def close(self) -> None:
        """Nothing: the pool closes it."""

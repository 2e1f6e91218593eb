"""The questions that are sent together: so many that a socket takes them all without waiting for the other side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from autograder.isolation.connection import Prepared
from autograder.isolation.proxies import Asked

__all__ = ["Batch"]

_MOST_QUESTIONS = 64
_MOST_BYTES = 1 << 15


@dataclass
class Batch:
    """The next of a row of questions.

    Attributes:
        sent: those that can be sent together, prepared.
        alone: the one after them, if it has to be asked alone.
        failure: what was raised where the next question was to be made; it counts once the others are answered.
    """

    sent: list[tuple[Asked, Prepared]] = field(default_factory=list)
    alone: Asked | None = None
    failure: Exception | None = None

    @classmethod
    def of(cls, waiting: Iterator[Asked], prepare: Callable[[Asked], Prepared | None]) -> Batch:
        """Take the next questions; ``prepare`` returns None for one that has to be asked alone."""
        batch, size = cls(), 0
        try:
            while len(batch.sent) < _MOST_QUESTIONS and size < _MOST_BYTES:
                question = next(waiting)
                prepared = prepare(question)
                if prepared is None:
                    batch.alone = question
                    break
                batch.sent.append((question, prepared))
                size += len(prepared.body)
        except StopIteration:
            pass
        except Exception as error:
            batch.failure = error
        return batch

    def __bool__(self) -> bool:
        return bool(self.sent or self.alone is not None or self.failure is not None)

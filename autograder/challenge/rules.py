"""The rules that are the same for every entry."""

from __future__ import annotations

import msgspec

__all__ = ["ENTRY_FUNCTIONS", "RULES", "CompetitionRules"]

ENTRY_FUNCTIONS = ("build_model", "train")
"""The functions that are called of an entry."""


class CompetitionRules(msgspec.Struct, frozen=True):
    """The limits of an entry.

    Attributes:
        weights: numbers of four bytes that may pass from training to answering.
        training_seconds: processor time of the process that trains, the notebook's own cells included.
        answering_seconds: the same for the process that answers.
        wall_factor: the most wall time of a process, as a multiple of its processor time.
        memory_mb: memory of each process beyond what the warm process already holds, in MiB.
        source_characters: length of all of the notebook's code together; one beyond ASCII counts as its bytes in UTF-8,
            so that text of rare signs holds no more weights than any other.
        batch: images in one question.
    """

    weights: int = 100_000
    training_seconds: float = 120.0
    answering_seconds: float = 60.0
    wall_factor: float = 4.0
    memory_mb: int = 3072
    source_characters: int = 60_000
    batch: int = 500

    @property
    def weight_bytes(self) -> int:
        """The most that the weights may weigh, in bytes: a double counts twice."""
        return 4 * self.weights

    @property
    def wall_seconds(self) -> float:
        """The longest that one entry can take, in seconds."""
        return self.wall_factor * (self.training_seconds + self.answering_seconds)


RULES = CompetitionRules()

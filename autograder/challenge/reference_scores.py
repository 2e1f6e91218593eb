"""The accuracies of the course's own entries, as docs/leaderboard.md measured them: shown on boards, never ranked."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["REFERENCE_SCORES", "ReferenceAccuracy"]


class ReferenceAccuracy(NamedTuple):
    """A reference entry's mean accuracy over several secrets, 0 to 1, on each half of the hidden pictures."""

    name: str
    public: float
    private: float


REFERENCE_SCORES = (
    ReferenceAccuracy("strong small network", 0.8463, 0.8464),
    ReferenceAccuracy("network in the style of 1989", 0.7600, 0.7603),
    ReferenceAccuracy("linear classifier", 0.4927, 0.4881),
)
"""From ``python -m autograder.bench.reference_entries --secrets 4``; best first."""

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
    ReferenceAccuracy("strong small network", 0.8459, 0.8450),
    ReferenceAccuracy("network in the style of 1989", 0.7608, 0.7591),
    ReferenceAccuracy("linear classifier", 0.4909, 0.4862),
)
"""The reference accuracies from ``python -m autograder.bench.reference_entries --secrets 8``, best first."""

"""The parameter-free Ladder: a public score that repeated submission cannot wear out.

A. Blum and M. Hardt, "The Ladder: a reliable leaderboard for machine learning competitions", ICML 2015. A submission
moves the shown score only if it beats the entrant's best by more than one standard error of the difference between
the two, image by image. An entrant who fishes for lucky guesses mostly sees the same number again, and learns less;
docs/leaderboard.md shows how much less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograder.errors import LeaderboardError

__all__ = ["Ladder"]


@dataclass(frozen=True)
class Ladder:
    """The memory of one entrant's Ladder: the answers of the submission that last moved it.

    Attributes:
        best: right answers per image, shape (images,), or None before the first submission. Where entries are
            trained several times, an image counts once per training that answers it rightly.
    """

    best: NDArray[np.int64] | None = None

    @property
    def shown(self) -> int | None:
        """The score to show, in right answers; None before the first submission."""
        return None if self.best is None else int(self.best.sum())

    def submit(self, correct: ArrayLike) -> Ladder:
        """Return the Ladder after one more submission.

        Args:
            correct: right answers per image; shape (images,), or (seeds, images).

        Raises:
            LeaderboardError: the number of images is not that of the earlier submissions.
        """
        answers = np.atleast_2d(np.asarray(correct)).sum(axis=0, dtype=np.int64)
        if self.best is None:
            return Ladder(answers)
        if answers.shape != self.best.shape:
            raise LeaderboardError(
                f"This submission answers {answers.size} images, the earlier ones {self.best.size}. "
                "Score every submission on the same public half."
            )
        return Ladder(answers) if self.beaten_by(Ladder(answers)) else self

    def beaten_by(self, other: Ladder) -> bool:
        """Return whether ``other`` is better by more than one standard error of the difference, image by image."""
        if self.best is None or other.best is None:
            return other.best is not None
        change = other.best - self.best
        gain = int(change.sum())
        # "The mean exceeds its standard error", both sides squared and times n (n - 1): whole numbers, no rounding.
        return gain > 0 and gain**2 > int((change**2).sum())

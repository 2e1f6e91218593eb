"""The outcome of an entry to the competition: plain data, and the same for the same code and secret."""

from __future__ import annotations

import msgspec

__all__ = ["CompetitionEntry"]


class CompetitionEntry(msgspec.Struct, frozen=True):
    """An entry, trained again and asked.

    Attributes:
        reason: a sentence that tells the student why it has no score; empty if it has one.
        weights: numbers of four bytes that passed from training to answering.
        public, private: per training, the images of the half that were answered rightly, packed.
        public_right, private_right: the number of those, over all trainings.
        public_images, private_images: the number of images in the halves.
        line: the line of the entry's own code at which it stopped; for its author, never for a public page.
        counts: whether the entrant wants it to count in the private half.
    """

    reason: str = ""
    weights: int = 0
    public: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    public_right: int = 0
    private_right: int = 0
    public_images: int = 0
    private_images: int = 0
    line: str = ""
    counts: bool = True

    @property
    def valid(self) -> bool:
        """True if it kept to the rules and answered every image."""
        return not self.reason

    @property
    def accuracy(self) -> float:
        """The share of the public half that was answered rightly, 0 to 1; 0 without a score.

        The private half gives no points: whoever could see it move would learn from it.
        """
        return self.public_right / (self.public_images * len(self.public)) if self.public else 0.0

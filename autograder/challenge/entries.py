"""Entries to the competition: the rules, and the outcome of an entry.

The rules are the same for every entry. The outcome is plain data, and the same for the same code and secret; it holds
the images that were answered rightly as short text.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import msgspec

from autograder.errors import LeaderboardError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ENTRY_FUNCTIONS", "RULES", "CompetitionEntry", "CompetitionRules", "pack", "unpack"]

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


def pack(correct: NDArray[np.bool_]) -> str:
    """Return the images that were answered rightly, shape (images,), as short text."""
    import numpy as np  # here, because whoever reads results only for their names needs none of it

    return base64.b64encode(np.packbits(np.asarray(correct, dtype=bool)).tobytes()).decode()


def unpack(text: str, images: int) -> NDArray[np.bool_]:
    """Return the inverse of ``pack``, shape (images,).

    Raises:
        LeaderboardError: the text does not hold that many images.
    """
    import numpy as np

    try:
        bits = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except binascii.Error as error:
        raise LeaderboardError(f"Answers cannot be unpacked: {error}. Score the entry again.") from error
    if bits.size != (images + 7) // 8:
        raise LeaderboardError(f"Answers hold {8 * bits.size} bits for {images} images. Score the entry again.")
    return np.unpackbits(bits, count=images).astype(bool)

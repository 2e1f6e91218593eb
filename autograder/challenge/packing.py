"""The right answers of an entry as short text, and back."""

from __future__ import annotations

import base64
import binascii

import numpy as np
from numpy.typing import NDArray

from autograder.errors import LeaderboardError

__all__ = ["pack", "unpack"]


def pack(correct: NDArray[np.bool_]) -> str:
    """Return the images that were answered rightly, shape (images,), as short text."""
    return base64.b64encode(np.packbits(np.asarray(correct, dtype=bool)).tobytes()).decode()


def unpack(text: str, images: int) -> NDArray[np.bool_]:
    """Return the inverse of ``pack``, shape (images,).

    Raises:
        LeaderboardError: the text does not hold that many images.
    """
    try:
        bits = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except binascii.Error as error:
        raise LeaderboardError(f"Answers cannot be unpacked: {error}. Score the entry again.") from error
    if bits.size != (images + 7) // 8:
        raise LeaderboardError(f"Answers hold {8 * bits.size} bits for {images} images. Score the entry again.")
    return np.unpackbits(bits, count=images).astype(bool)

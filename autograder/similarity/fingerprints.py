"""Fingerprints of a text by winnowing, as copydetect computes them; what the course itself hands out leaves none."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from copydetect.utils import hashed_kgrams, winnow

from autograder.similarity.normalising import Token

__all__ = ["CODE_LENGTH", "PROSE_LENGTH", "Spans", "all_hashes", "fingerprints"]

CODE_LENGTH, PROSE_LENGTH = 7, 4
"""The numbers of tokens in a row that make one fingerprint, in code and in prose."""
_WINDOW = 3

Spans = dict[int, list[tuple[int, int]]]
"""The places that each fingerprint stands for, in characters."""


def all_hashes(tokens: Sequence[Token], length: int) -> set[int]:
    """Return the hash of every ``length`` tokens in a row."""
    return set(_hashes(tokens, length).tolist())


def fingerprints(tokens: Sequence[Token], length: int, given: Set[int] = frozenset()) -> Spans:
    """Return the fingerprints of ``tokens``; two texts with ``length + 2`` tokens in a row in common share one.

    Args:
        tokens: the tokens of one text.
        length: tokens in one fingerprint.
        given: hashes of what everybody was handed; they tell nothing about anybody.
    """
    hashes = _hashes(tokens, length)
    if not len(hashes):
        return {}
    found: Spans = {}
    for value, place in zip(*winnow(hashes, _WINDOW, remove_duplicates=False), strict=True):
        if int(value) not in given:
            found.setdefault(int(value), []).append((tokens[place].start, tokens[place + length - 1].end))
    return found


def _hashes(tokens: Sequence[Token], length: int) -> np.ndarray:
    # Tuples of numbers, not strings: Python salts the hash of a string anew in each process.
    hashes: np.ndarray = hashed_kgrams(tuple(token.value for token in tokens), length)
    return hashes

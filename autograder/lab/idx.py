"""MNIST's idx format for arrays of unsigned bytes, packed by xz."""

from __future__ import annotations

import lzma
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["BadIdx", "read_idx"]

MAGIC = b"\0\0\x08"  # two zero bytes, then the code for unsigned bytes; the number of axes follows


class BadIdx(ValueError):
    """A file that is not an xz-packed idx file of unsigned bytes, or is cut short."""


def read_idx(path: Path, count: int | None = None) -> NDArray[np.uint8]:
    """Return the array in the file, or its first ``count`` items; only as much is unpacked as is asked for.

    Raises:
        BadIdx: if the file is damaged or of another kind.
    """
    try:
        with lzma.open(path) as file:
            shape = _shape(file.read(4), file)
            wanted = (shape[0] if count is None else min(count, shape[0]), *shape[1:])
            raw = file.read(math.prod(wanted))
            return np.frombuffer(raw, np.uint8).reshape(wanted).copy()
    except (lzma.LZMAError, EOFError, ValueError) as problem:
        raise BadIdx(f"{path.name} is damaged ({problem}); restore it with `git checkout data`") from None


def _shape(start: bytes, file: lzma.LZMAFile) -> tuple[int, ...]:
    if start[:3] != MAGIC or len(start) < 4:
        raise BadIdx("it does not begin as an idx file of unsigned bytes does")
    return tuple(np.frombuffer(file.read(4 * start[3]), ">u4").tolist())

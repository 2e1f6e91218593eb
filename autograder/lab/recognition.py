"""The recognition of a wrong value that a named misconception gives, from a table that tells nobody else anything.

The student's kit carries the table. A row's key is a hash of a check's text, of the place in it, and of a wrong value,
rounded so that two right ways to compute it agree. The sentence of the misconception is sealed with that value: only
whoever has it can read the sentence, and no list of mistakes stands in the kit.
"""

from __future__ import annotations

import base64
import hashlib
import json
import linecache
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograder.lab.arrays import NotNumeric, to_array

__all__ = ["CHECK", "Compared", "TABLE", "accepted_value", "recognised", "remember_check", "seal", "wrong_values"]

CHECK = "<check>"
"""The file name that a check's code is compiled with where no notebook runs it."""

TABLE = Path(__file__).with_name("wrong_values.json")
_STEPS = 64
"""The width, in tolerances, of the cells of the grid to which values are rounded."""
_OFFSETS = (0.3137, 0.8137)
"""The offsets of two grids: a value on the border of a cell in one is well within a cell of the other."""
_USUAL = (0, 1, -1)
_CELL = re.compile(r"ipython-input|ipykernel_\d+")
"""The file names that IPython and ipykernel give to the code of a cell."""


class Compared(NamedTuple):
    """The comparison that a failed check made.

    Attributes:
        got: the wrong value; shape and kind as it came.
        scale: the largest expected magnitude, at least 1.
        tolerance: the check's tolerance; 0 compares exactly.
        accepted: whether an error was expected instead of any value.
    """

    got: NDArray[Any]
    scale: float
    tolerance: float
    accepted: bool = False


def accepted_value(result: object) -> Compared | None:
    """Return the value that a call gave instead of an error, as compared; None if it is not numeric."""
    try:
        return Compared(to_array(result), 1.0, 0.0, accepted=True)
    except NotNumeric:
        return None


def recognised(error: BaseException, table: Mapping[str, str] | None = None) -> str:
    """Return the sentence of the one misconception that gives the wrong value of ``error``, or an empty text.

    Args:
        error: a failed check that was raised, with its traceback.
        table: the table to look in; default the kit's, which does not exist in the course's own repository.
    """
    known = _table(TABLE) if table is None else table
    if not known:
        return ""
    for value in wrong_values(error):
        sealed = known.get(_key(value))
        if sealed is not None:
            return _opened(sealed, value)
    return ""


def wrong_values(error: BaseException) -> list[bytes]:
    """Return the wrong value of a failed check in its place, once for each grid; none if it would tell nothing."""
    compared, place = getattr(error, "compared", None), _place(error.__traceback__)
    if not isinstance(compared, Compared) or not place or _tells_nothing(compared.got):
        return []
    where = [place, getattr(error, "case", ""), str(compared.accepted), repr(compared.got.shape)]
    start = "\0".join(where).encode() + b"\0"
    return [start + rounded for rounded in dict.fromkeys(_rounded(compared))]


def remember_check(source: str) -> None:
    """Make ``source`` the text of the check that runs next as ``CHECK``."""
    linecache.cache[CHECK] = (len(source), None, source.splitlines(keepends=True), CHECK)


def seal(value: bytes, sentence: str) -> tuple[str, str]:
    """Return a row of the table: the key of a wrong value, and ``sentence`` sealed so that only that value opens it."""
    return _key(value), base64.b64encode(_mixed(sentence.encode(), value)).decode()


def _opened(sealed: str, value: bytes) -> str:
    return _mixed(base64.b64decode(sealed), value).decode("utf-8", errors="replace")


def _mixed(text: bytes, value: bytes) -> bytes:
    stream = hashlib.shake_256(b"sentence\0" + value).digest(len(text))
    return bytes(left ^ right for left, right in zip(text, stream, strict=True))


def _key(value: bytes) -> str:
    return hashlib.sha256(b"key\0" + value).hexdigest()[:24]


@lru_cache(maxsize=4)
def _table(path: Path) -> dict[str, str]:
    try:
        table: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # A check shows the rest of its message without it, too.
    return table


def _place(trace: TracebackType | None) -> str:
    """Return the text of the outermost notebook cell on the way to the error, and the line in it; empty without one."""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name == CHECK or _CELL.search(name):
            text = "\n".join(line.rstrip() for line in linecache.getlines(name)).rstrip()
            if text:
                return f"{trace.tb_lineno}\0{text}"
        trace = trace.tb_next
    return ""


def _tells_nothing(got: NDArray[Any]) -> bool:
    """Return whether anybody may get this value: nothing, True or False, or one of the usual numbers everywhere."""
    if not got.size or got.dtype.kind == "b":
        return True
    first = got.flat[0]
    return bool((got == first).all()) and first in _USUAL


def _rounded(compared: Compared) -> Iterator[bytes]:
    got = compared.got
    if got.dtype.kind == "c":
        got = np.stack([got.real, got.imag])
    values = got.astype(np.float64)
    if compared.tolerance == 0 and not (compared.accepted and got.dtype.kind in "fc"):
        yield _bytes(values)
        return
    step = _STEPS * (compared.tolerance or 1e-6) * compared.scale
    with np.errstate(all="ignore"):
        for offset in _OFFSETS:
            yield repr(offset).encode() + _bytes(np.floor(values / step + offset))


def _bytes(values: NDArray[np.float64]) -> bytes:
    """Return the numbers as bytes, the same on every machine: one zero, one NaN."""
    plain = np.where(np.isnan(values), np.nan, values + 0.0)
    return plain.astype("<f8").tobytes()

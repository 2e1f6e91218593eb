"""The student's cells that did not run to their end, and what was lost with them.

One import that fails takes every name below it along. Whoever misses one of them later is told of the import.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from autograder.submission.model import SubmissionCell

__all__ = ["Stopped", "cause_of", "missing_name", "stopped"]

_LONGEST = 300
_MISSING = re.compile(r"name '([^']{1,80})' is not defined")


class Stopped(msgspec.Struct, frozen=True):
    """A cell that stopped before its end.

    Attributes:
        label: its name in a message: ``your cell of `double```.
        source: its text.
        exercise: the exercise that it is the cell of, or empty.
        error: the name of the class that was raised; ``Stopped`` if the process ended.
        message: its text, cut to one short line.
    """

    label: str
    source: str
    exercise: str
    error: str
    message: str

    @property
    def sentence(self) -> str:
        """The sentence on which cell stopped, and why."""
        if self.error == "Stopped":
            return f"{self.label} was stopped: {self.message[:1].lower()}{self.message[1:]}"
        said = ": ".join(filter(None, (self.error, self.message))).rstrip(".")
        return f"{self.label} stopped with {said}."


def stopped(cell: SubmissionCell, error: str, message: str) -> Stopped:
    """Return the stopped ``cell``, which raised ``error`` with ``message``."""
    return Stopped(_label(cell), cell.source, cell.exercise, error, (message.splitlines() or [""])[0][:_LONGEST])


def cause_of(name: str, cells: Sequence[Stopped]) -> str:
    """Return why ``name`` does not exist: the first cell that stopped and would have made it; empty if none would.

    A cell that stopped for want of another name was stopped by what took that name away.
    """
    found = next((cell for cell in cells if name and _would_make(cell, name)), None)
    seen = {name}
    while found is not None:
        name = missing_name(found.message) if found.error == "NameError" else ""
        earlier = cells[: cells.index(found)]
        before = next((cell for cell in earlier if name and name not in seen and _would_make(cell, name)), None)
        if before is None:
            return found.sentence
        seen.add(name)
        found = before
    return ""


def missing_name(message: str) -> str:
    """Return the name that a NameError's text misses; empty if it names none."""
    found = _MISSING.search(message)
    return found[1] if found else ""


def _would_make(cell: Stopped, name: str) -> bool:
    """Return whether the cell would have given ``name`` a meaning: it defines, assigns or imports it."""
    if cell.exercise == name:
        return True
    word = re.escape(name)
    ways = (rf"(?:(?:async\s+)?def|class)\s+{word}\b", rf"[^#\n=]*\b{word}\b[^#\n=]*=(?!=)",
            rf"(?:from|import)\b[^#\n]*\b{word}\b")  # fmt: skip
    return re.search(rf"^\s*(?:{'|'.join(ways)})", cell.source, re.MULTILINE) is not None


def _label(cell: SubmissionCell) -> str:
    if cell.kind == "exercise":
        return f"your cell of `{cell.exercise}`"
    first = next((line.strip() for line in cell.source.split("\n") if line.strip()), "")[:40]
    return f"the course's cell that begins `{first}`" if cell.kind == "given" else f"your cell that begins `{first}`"

"""The submission after it was read, repaired and aligned with its assignment, and its cells that stopped.

A cell that did not run to its end may take others along: one import that fails takes every name below it. Whoever
misses one of them later is told of the import.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

__all__ = [
    "Attachment",
    "CellKind",
    "Repair",
    "Stopped",
    "Submission",
    "SubmissionCell",
    "cause_of",
    "missing_name",
    "stopped",
]

# ---- the submission

CellKind = Literal["prose", "given", "demo", "exercise", "check", "answer", "free", "extra", "note"]
"""The assignment's kinds, and two of the student's own: ``extra`` code and ``note`` text."""


class Repair(msgspec.Struct, frozen=True):
    """A repair in a submitted notebook, in words for its student.

    ``cell`` names the cell (a grade id, ``cell 7`` of the file, or empty for the whole file), ``what`` tells
    what was found and done, ``why`` what that means for the grade.
    """

    cell: str
    what: str
    why: str


class Attachment(msgspec.Struct, frozen=True):
    """A file that a text cell carries, as the notebook holds it: nothing of it has been checked.

    ``kind`` is the media type that the file claims, ``data`` its content in base64.
    """

    name: str
    kind: str
    data: str


class SubmissionCell(msgspec.Struct, frozen=True):
    """One cell of the repaired notebook.

    Only ``exercise``, ``answer``, ``free``, ``extra`` and ``note`` cells hold the student's text; every other kind
    holds the released source. ``grade_id`` and ``exercise`` are empty where the assignment has none.
    ``attachments`` are those of a text cell of the student's.
    """

    kind: CellKind
    grade_id: str
    cell_id: str
    source: str
    exercise: str
    cell_type: Literal["code", "markdown"]
    attachments: tuple[Attachment, ...] = ()

    @property
    def is_student_code(self) -> bool:
        """True if this is code that the student wrote, and that therefore runs in isolation."""
        return self.cell_type == "code" and self.kind in ("exercise", "free", "extra")


class Submission(msgspec.Struct, frozen=True):
    """A student's notebook on the released skeleton.

    ``key`` is a hash of the student's code and its place in the notebook, and of nothing else: saving again,
    running again, or editing written answers keeps it. ``looks`` are those of the repairs that a person has to look at:
    work that may stand where it does not count.
    """

    cells: tuple[SubmissionCell, ...]
    repairs: tuple[Repair, ...]
    key: str
    looks: tuple[Repair, ...] = ()

    @property
    def reason_to_look(self) -> str:
        """The doubts that a person has to look at, in one line for whoever grades; empty if there are none."""
        return " ".join(f"{look.cell}: {look.what}" for look in self.looks)

    def cell(self, grade_id: str) -> SubmissionCell:
        """Return the cell with this grade id. Raises KeyError if the assignment has none."""
        for cell in self.cells:
            if cell.grade_id == grade_id:
                return cell
        raise KeyError(grade_id)


# ---- cells that stopped

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

"""The submission after it was read, repaired and aligned with its assignment."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Attachment", "CellKind", "Repair", "Submission", "SubmissionCell"]

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

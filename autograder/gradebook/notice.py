"""The parts of a page beside the points: why a submission has no grade, and its student's name on the boards."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["BoardName", "Notice"]


class BoardName(msgspec.Struct, frozen=True):
    """A student's public name, and the address of the row on a published board; empty if there is no board.

    Attributes:
        competition: the same for the competition's board.
    """

    name: str
    address: str = ""
    competition: str = ""


class Notice(msgspec.Struct, frozen=True):
    """The reason why there is no grade.

    Attributes:
        kind: the case: the file cannot be read; it is not where it belongs; or the grader has still to try again.
        reason: the fault and what to do, without anything that only the grader knows; may be empty.
    """

    kind: Literal["unreadable", "misplaced", "waiting"]
    reason: str = ""

"""Why a submission has no grade, for its student."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Notice"]


class Notice(msgspec.Struct, frozen=True):
    """Why there is no grade.

    Attributes:
        kind: the file cannot be read; it is not where it belongs; or the grader has still to try again.
        reason: what is wrong and what to do, without anything that only the grader knows; may be empty.
    """

    kind: Literal["unreadable", "misplaced", "waiting"]
    reason: str = ""

"""What a course decides about handing in: how often, which attempt counts, and what feedback tells when."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

__all__ = ["Attempts", "Counts", "Minutes", "ServiceSettings", "Shown"]

Counts = Literal["last", "best", "on time", "chosen"]
Shown = Literal["nothing", "points", "brief", "full"]
Attempts = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Minutes = Annotated[float, msgspec.Meta(ge=0, le=525_600)]


class ServiceSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How ``autograder serve`` takes in work, and what it tells.

    Attributes:
        attempts_per_day: graded attempts of one student at one assignment in a day of the course's zone; 0 for any.
        pause_minutes: between two attempts of one student at one assignment.
        counts: the attempt that the gradebook gets: the ``last``, the ``best``, the last ``on time``, the ``chosen``.
        before_due: what feedback shows until the student's deadline: ``nothing``, ``points`` by exercise, ``brief``
            (and visible messages and named misconceptions), or the ``full`` page.
        after_due: the same, from then on.
        upload_mb: the largest file, in MiB.
        exchange: nbgrader's exchange, from which it collects; empty for none.
        check_owner: whether a folder in the exchange must belong to the account that it names.
        staff_group: the JupyterHub group whose members are staff; empty for ``formgrade-`` and the course's id.
    """

    attempts_per_day: Attempts = 10
    pause_minutes: Minutes = 1.0
    counts: Counts = "last"
    before_due: Shown = "brief"
    after_due: Shown = "full"
    upload_mb: Annotated[int, msgspec.Meta(ge=1, le=64)] = 20
    exchange: str = ""
    check_owner: bool = True
    staff_group: str = ""

"""The report card of an audit: what was tried, what was missed."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Finding", "ReportCard"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that an assignment gets wrong.

    Attributes:
        kind: what sort of miss it is.
        subject: the misconception, alternative, check or file.
        text: what happened, and what to do.
    """

    kind: Literal[
        "solution",
        "blank",
        "not-caught",
        "not-named",
        "not-accepted",
        "leak",
        "not-graded",
        "thin",
        "attack",
        "control",
    ]
    subject: str
    text: str


class ReportCard(msgspec.Struct, frozen=True):
    """What an audit of one assignment found.

    Attributes:
        assignment: its name.
        points: what the solution earns, points given by hand included.
        max_points: what can be earned.
        blank_points: what the released notebook earns as it is.
        misconceptions, caught, named: how many there are, lose points, and are told apart by name.
        alternatives, accepted: how many there are, and get full marks.
        leaks: hidden bytes found where a student could see them.
        attacks, succeeded, honest_controls, controls_full_marks: of the attack catalogue, where it was run.
        findings: every miss.
        seconds: wall time.
    """

    assignment: str
    points: float
    max_points: float
    blank_points: float
    misconceptions: int
    caught: int
    named: int
    alternatives: int
    accepted: int
    leaks: int
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    attacks: int = 0
    succeeded: int = 0
    honest_controls: int = 0
    controls_full_marks: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing was missed."""
        return not self.findings

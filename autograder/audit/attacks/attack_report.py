"""The outcome of a run of the attack catalogue, as plain data."""

from __future__ import annotations

import msgspec

__all__ = ["AttackReport", "AttackOutcome"]


class AttackOutcome(msgspec.Struct, frozen=True):
    """The outcome of one attack.

    Attributes:
        name, kind, tries, stopped_by: the attack's own.
        breaches: what it achieved, as judged from outside; empty if it failed.
        points: points that its submission earned by checks.
        refused: the reason for which its file was not graded at all; empty if it was.
        seconds: wall time until it was over.
        control: whether the honest submission right after it had full marks and the same outputs as ever.
    """

    name: str
    kind: str
    tries: str
    stopped_by: str
    breaches: tuple[str, ...] = ()
    points: float = 0.0
    refused: str = ""
    seconds: float = 0.0
    control: bool = True


class AttackReport(msgspec.Struct, frozen=True):
    """The outcome of all attacks on one assignment.

    Attributes:
        assignment: its name.
        without: layers of the sandbox that were taken away for this run.
        outcomes: one for each attack.
    """

    assignment: str
    without: tuple[str, ...]
    outcomes: tuple[AttackOutcome, ...]

    @property
    def succeeded(self) -> tuple[AttackOutcome, ...]:
        """The attacks that achieved something."""
        return tuple(outcome for outcome in self.outcomes if outcome.breaches)

    @property
    def honest_controls(self) -> int:
        """The number of honest submissions that were graded beside attacks."""
        return len(self.outcomes)

    @property
    def controls_full_marks(self) -> int:
        """The number of those with full marks and undisturbed outputs."""
        return sum(outcome.control for outcome in self.outcomes)

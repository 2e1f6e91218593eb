"""The ``challenge`` object of hidden tests, which runs the competition entry at most once per submission."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from autograder.authoring.assignment import Assignment
from autograder.challenge.entries import RULES, CompetitionEntry
from autograder.errors import MachineryError
from autograder.grading.student_session import StudentSession
from autograder.lab import CheckFailed, fashion
from autograder.secrets import Secret
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

__all__ = [
    "LazyEntry", "characters_in", "code_of", "competes", "competition_checks", "outer_seconds", "seconds_to_enter",
    "wants_to_count",
]  # fmt: skip

NAME = "challenge"
CHOICE = "THIS_ENTRY_COUNTS"
_GRACE_SECONDS = 30.0
"""The wall seconds beyond a submission's own limit after which the grader itself must be stuck."""


class LazyEntry:
    """A submission's way into the competition.

    Attributes:
        entry: the outcome; None until a check asked.
        seconds: the processor time of training and of answering; it differs from run to run.
    """

    def __init__(self, side: StudentSession, secret: Secret, hidden_data: Path | None) -> None:
        self.entry: CompetitionEntry | None = None
        self.seconds = (0.0, 0.0)
        self._side = side
        self._secret = secret
        self._hidden_data = hidden_data

    def enter(self) -> CompetitionEntry:
        """Return the submission's entry, trained and scored by the first check that asks.

        Raises:
            CheckFailed: it broke a rule; names it.
            MachineryError: the grader failed, or has no hidden pictures to ask.
        """
        if self.entry is None:
            with self._side.noting_failure(), self._side.budget.paused():
                self.entry = self._entered()
        if not self.entry.valid:
            line = f", at your line `{self.entry.line}`" if self.entry.line else ""
            raise CheckFailed(f"your entry has no score: {self.entry.reason}{line}")
        return self.entry

    def points(self, thresholds: Sequence[tuple[float, float]]) -> float:
        """Return the points of the highest threshold that the entry's accuracy on the public half reaches; 0 below all.

        Args:
            thresholds: pairs of an accuracy, 0 to 1, and the points for reaching it.
        """
        accuracy = self.enter().accuracy
        return max((points for threshold, points in thresholds if accuracy >= threshold), default=0.0)

    def _entered(self) -> CompetitionEntry:
        if self._hidden_data is None:
            raise MachineryError("the challenge needs its hidden pictures. Set hidden_data in course.toml.")
        from autograder.challenge.competition import (
            Competition,  # it loads torch
            hidden_test,
        )

        given = fashion("train")
        sources = code_of(self._side.submission)
        competition = Competition(
            self._side.fresh,
            hidden_test(self._secret, self._hidden_data),
            np.rint(given.images * 255).astype(np.uint8),
            given.labels,
            characters_in(sources),
            line_of=self._side.line_of,
        )
        entry = competition.enter()
        self.seconds = competition.seconds
        return msgspec.structs.replace(entry, counts=wants_to_count(sources))


def code_of(submission: Submission) -> list[str]:
    """Return the sources of the submission's code cells, in order."""
    return [cell.source for cell in submission.cells if cell.cell_type == "code"]


def characters_in(sources: Iterable[str]) -> int:
    """Return the length of code as `CompetitionRules` counts it: a character beyond ASCII as its bytes."""
    return sum(len(source.encode(errors="replace")) for source in sources)


def wants_to_count(sources: Iterable[str]) -> bool:
    """Return whether a notebook wants its entry to count in the private half: its last ``THIS_ENTRY_COUNTS = …``.

    The code is read and not run: the student's process is not asked. True if the code does not tell.
    """
    wanted = True
    for source in sources:
        for node in _statements(source):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                wanted = bool(node.value.value) if CHOICE in names else wanted
    return wanted


def _statements(source: str) -> list[ast.stmt]:
    """Return the statements of a cell; none of one that Python alone cannot read."""
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def competes(assignment: Assignment) -> bool:
    """Return whether a check of the assignment enters submissions in the competition."""
    return bool(competition_checks(assignment))


def competition_checks(assignment: Assignment) -> set[str]:
    """Return the checks of the assignment that enter submissions in the competition."""
    return {check.grade_id for check in assignment.checks if _reads(check.source, NAME)}


def seconds_to_enter(assignment: Assignment) -> float:
    """Return the wall time that the competition may add to a submission's own, in seconds."""
    return RULES.wall_seconds if competes(assignment) else 0.0


def outer_seconds(assignment: Assignment, settings: GradingSettings, times: int = 1) -> float:
    """Return the wall seconds after which grading a submission ``times`` over counts as stuck, whatever its limits."""
    return times * (settings.total_seconds + seconds_to_enter(assignment)) + _GRACE_SECONDS


@lru_cache(maxsize=1024)
def _reads(source: str, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(ast.parse(source)))

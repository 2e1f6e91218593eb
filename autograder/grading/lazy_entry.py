"""The name ``challenge`` of hidden tests: enters a submission in the competition, once, whichever checks ask for it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from autograder.authoring.assignment import Assignment
from autograder.challenge.competition import Competition
from autograder.challenge.competition_entry import CompetitionEntry
from autograder.challenge.hidden import hidden_test
from autograder.challenge.rules import RULES
from autograder.errors import MachineryError
from autograder.grading.student_session import StudentSession
from autograder.lab import CheckFailed, fashion
from autograder.secrets import Secret

__all__ = ["LazyEntry", "competes", "competition_checks", "seconds_to_enter"]

NAME = "challenge"


class LazyEntry:
    """One submission's way into the competition.

    Attributes:
        entry: what came of it; None until a check asked.
    """

    def __init__(self, side: StudentSession, secret: Secret, hidden_data: Path | None) -> None:
        self.entry: CompetitionEntry | None = None
        self._side = side
        self._secret = secret
        self._hidden_data = hidden_data

    def enter(self) -> CompetitionEntry:
        """The submission's entry, trained and scored by the first check that asks.

        Raises:
            CheckFailed: it broke a rule; says which.
            MachineryError: the grader failed, or has no hidden pictures to ask.
        """
        if self.entry is None:
            with self._side.noting_failure(), self._side.budget.paused():
                self.entry = self._entered()
        if not self.entry.valid:
            raise CheckFailed(f"your entry has no score: {self.entry.reason}")
        return self.entry

    def points(self, thresholds: Sequence[tuple[float, float]]) -> float:
        """The points of the highest threshold that the entry's accuracy on the public half reaches; 0 below all.

        Args:
            thresholds: pairs of an accuracy, 0 to 1, and the points for reaching it.
        """
        accuracy = self.enter().accuracy
        return max((points for threshold, points in thresholds if accuracy >= threshold), default=0.0)

    def _entered(self) -> CompetitionEntry:
        if self._hidden_data is None:
            raise MachineryError("the challenge needs its hidden pictures. Set hidden_data in course.toml.")
        given = fashion("train")
        code = sum(len(cell.source) for cell in self._side.submission.cells if cell.cell_type == "code")
        competition = Competition(
            self._side.fresh,
            hidden_test(self._secret, self._hidden_data),
            np.rint(given.images * 255).astype(np.uint8),
            given.labels,
            code,
        )
        return competition.enter()


def competes(assignment: Assignment) -> bool:
    """Whether a check of the assignment enters submissions in the competition."""
    return bool(competition_checks(assignment))


def competition_checks(assignment: Assignment) -> set[str]:
    """The checks of the assignment that enter submissions in the competition."""
    return {check.grade_id for check in assignment.checks if _reads(check.source, NAME)}


def seconds_to_enter(assignment: Assignment) -> float:
    """Wall time that the competition may add to a submission's own."""
    return RULES.wall_seconds if competes(assignment) else 0.0


@lru_cache(maxsize=1024)
def _reads(source: str, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(ast.parse(source)))

"""What repeated submission does to a public score, with the Ladder and without.

``python -m autograder.leaderboard.simulation`` prints the table in docs/leaderboard.md.

The field: every entry is right on the easy images and wavers between two classes on the hard ones, so that its true
accuracy is fixed and anything above it is luck. Three entrants send 400 submissions and are shown a score each time:

* *reseeding* trains again and again, and keeps what scored best;
* *climbing* flips a few of its wavering answers at a time, and keeps a flip that scores better;
* *voting* sends random choices, and takes the majority vote of those that scored above the start, less those
  below (the attack of Blum and Hardt).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from autograder.leaderboard.ladder import Ladder

__all__ = ["SimulationOutcome", "simulate"]

Choices = NDArray[np.bool_]
Board = Callable[[Choices], int]
Attack = Callable[[int, Board, int, np.random.Generator], Choices]


@dataclass(frozen=True)
class SimulationOutcome:
    """Means over the repeats, as shares of the images: what the board shows, and what new images say."""

    entrant: str
    feedback: str
    shown: float
    private: float

    @property
    def inflation(self) -> float:
        """How much better the board shows the entry than it is."""
        return self.shown - self.private


def simulate(
    submissions: int = 400, images: int = 1000, hard: float = 0.3, repeats: int = 50, seed: int = 0
) -> list[SimulationOutcome]:
    """Run every entrant against both kinds of feedback.

    Args:
        images: in each half, public and private.
        hard: share of the images on which an entry wavers; true accuracy is ``1 - hard / 2``.
    """
    found = []
    for name, attack in (("reseeding", _reseed), ("climbing", _climb), ("voting", _vote)):
        for feedback in ("exact score", "Ladder"):
            runs = [_run(attack, feedback, submissions, images, hard, [seed, n]) for n in range(repeats)]
            shown, private = np.mean(runs, axis=0)
            found.append(SimulationOutcome(name, feedback, float(shown), float(private)))
    return found


class _PublicBoard:
    """The public half: answers a submission with the score it shows."""

    def __init__(self, truth: Choices, easy: int, feedback: str) -> None:
        self.truth, self.easy, self.feedback = truth, easy, feedback
        self.ladder = Ladder()

    def __call__(self, choices: Choices) -> int:
        right = np.concatenate([np.ones(self.easy, bool), choices[: self.truth.size] == self.truth])
        self.ladder = self.ladder.submit(right)
        return int(right.sum()) if self.feedback == "exact score" else self.ladder.shown or 0


def _run(
    attack: Attack, feedback: str, submissions: int, images: int, hard: float, seed: list[int]
) -> tuple[float, float]:
    """One entrant's 400 submissions: the share shown at the end, and the share on the private half.

    The entrant treats both halves alike, since an entry cannot tell a public image from a private one.
    """
    rng = np.random.default_rng(seed)
    wavering = round(images * hard)
    easy = images - wavering
    truth = rng.random(2 * wavering) < 0.5
    board = _PublicBoard(truth[:wavering], easy, feedback)
    final = attack(2 * wavering, board, submissions - 1, rng)
    private = easy + int((final[wavering:] == truth[wavering:]).sum())
    return board(final) / images, private / images


def _reseed(size: int, board: Board, submissions: int, rng: np.random.Generator) -> Choices:
    best, score = np.zeros(size, bool), -1
    for _ in range(submissions):
        trained = rng.random(size) < 0.5
        answer = board(trained)
        if answer > score:
            best, score = trained, answer
    return best


def _climb(size: int, board: Board, submissions: int, rng: np.random.Generator) -> Choices:
    best = rng.random(size) < 0.5
    score = board(best)
    for _ in range(submissions - 1):
        flipped = best ^ (rng.random(size) < 4 / size)
        answer = board(flipped)
        if answer > score:
            best, score = flipped, answer
    return best


def _vote(size: int, board: Board, submissions: int, rng: np.random.Generator) -> Choices:
    start = rng.random(size) < 0.5
    score = board(start)
    votes = start - 0.5
    for _ in range(submissions - 1):
        guess = rng.random(size) < 0.5
        votes += np.sign(board(guess) - score) * (guess - 0.5)
    return votes > 0


def simulation_table(outcomes: list[SimulationOutcome]) -> Table:
    """The outcomes for a rich console."""
    view = Table("entrant", "feedback", title="400 adaptive submissions, means of 50 runs", title_justify="left")
    for heading in ("shown", "private", "inflation"):
        view.add_column(heading, justify="right")
    for run in outcomes:
        view.add_row(run.entrant, run.feedback, *(f"{100 * v:.2f} %" for v in (run.shown, run.private, run.inflation)))
    return view


if __name__ == "__main__":
    Console().print(simulation_table(simulate()))

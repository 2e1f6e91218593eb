"""The effect of repeated submission on a public score, with the Ladder and without.

``python -m autograder.bench.ladder_simulation`` prints the table in docs/leaderboard.md.

The field: every entry is right on the easy images and wavers between two classes on the hard ones, so that its true
accuracy is fixed and anything above it is luck. Three entrants send 400 submissions and are shown a score each time:

* *reseeding* trains again and again, and keeps what scored best;
* *climbing* flips a few of its wavering answers at a time, and keeps a flip that scores better;
* *voting* sends random choices, and takes the majority vote of those that scored above the start, less those
  below (the attack of Blum and Hardt).

The same entrants with many accounts ask each account once: a first score is shown exactly, so the Ladder tells them as
much as exact scores would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from autograder.leaderboard.entrant import Ladder

__all__ = ["SimulationOutcome", "simulate"]

Choices = NDArray[np.bool_]
Board = Callable[[Choices], int]
Attack = Callable[[int, Board, int, np.random.Generator], Choices]

ACCOUNTS = 50


@dataclass(frozen=True)
class SimulationOutcome:
    """Means over the repeats, as shares of the images: what the board shows, and what new images show."""

    entrant: str
    feedback: str
    shown: float
    private: float

    @property
    def inflation(self) -> float:
        """The amount by which the board shows the entry as better than it is."""
        return self.shown - self.private


def simulate(
    submissions: int = 400, images: int = 1000, hard: float = 0.3, repeats: int = 50, seed: int = 0
) -> list[SimulationOutcome]:
    """Run every entrant against both kinds of feedback, and with many accounts against the Ladder.

    Args:
        images: the number of images in each half, public and private.
        hard: share of the images on which an entry wavers; true accuracy is ``1 - hard / 2``.
    """
    found = []
    for name, attack in (("reseeding", _reseed), ("climbing", _climb), ("voting", _vote)):
        for feedback, accounts in (("exact score", 1), ("Ladder", 1), (f"Ladder, {ACCOUNTS} accounts", ACCOUNTS)):
            asked = submissions if accounts == 1 else accounts
            runs = [_run(attack, feedback, asked, images, hard, [seed, n], accounts) for n in range(repeats)]
            shown, private = np.mean(runs, axis=0)
            found.append(SimulationOutcome(name, feedback, float(shown), float(private)))
    return found


class _PublicBoard:
    """The public half, which answers each submission with its score; the first come from accounts of their own."""

    def __init__(self, truth: Choices, easy: int, feedback: str, accounts: int) -> None:
        self.truth, self.easy, self.feedback = truth, easy, feedback
        self.ladder, self.fresh, self.highest = Ladder(), accounts, 0

    def __call__(self, choices: Choices) -> int:
        right = np.concatenate([np.ones(self.easy, bool), choices[: self.truth.size] == self.truth])
        self.ladder, self.fresh = (Ladder() if self.fresh else self.ladder).submit(right), max(self.fresh - 1, 0)
        self.highest = max(self.highest, self.ladder.shown or 0)
        return int(right.sum()) if self.feedback == "exact score" else self.ladder.shown or 0


def _run(
    attack: Attack, feedback: str, submissions: int, images: int, hard: float, seed: list[int], accounts: int
) -> tuple[float, float]:
    """Submit for one entrant; return its share at the end, in the best row, and its share on the private half.

    The entrant treats both halves alike, since an entry cannot tell a public image from a private one.
    """
    rng = np.random.default_rng(seed)
    wavering = round(images * hard)
    easy = images - wavering
    truth = rng.random(2 * wavering) < 0.5
    board = _PublicBoard(truth[:wavering], easy, feedback, accounts)
    final = attack(2 * wavering, board, submissions - 1, rng)
    private = easy + int((final[wavering:] == truth[wavering:]).sum())
    shown = board(final)
    return (shown if accounts == 1 else board.highest) / images, private / images


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
    """Return the table of the outcomes for a rich console."""
    view = Table(
        "entrant",
        "feedback",
        title="400 adaptive submissions, or one of each account; means of 50 runs",
        title_justify="left",
    )
    for heading in ("shown", "private", "inflation"):
        view.add_column(heading, justify="right")
    for run in outcomes:
        view.add_row(run.entrant, run.feedback, *(f"{100 * v:.2f} %" for v in (run.shown, run.private, run.inflation)))
    return view


if __name__ == "__main__":
    Console().print(simulation_table(simulate()))

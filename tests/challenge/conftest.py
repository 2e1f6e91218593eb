"""A small competition, so that an entry takes a second: forty pictures to learn from, four hundred to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from autograder.challenge.competition import Competition, HiddenTest
from autograder.challenge.entries import CompetitionEntry, CompetitionRules
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

DATA = Path(__file__).parents[2] / "data"
RULES = CompetitionRules(training_seconds=20, answering_seconds=20, wall_factor=2, batch=150)
Enter = Callable[..., CompetitionEntry]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(readable=[DATA / "course"]) as started:
        yield started


def striped(labels: np.ndarray, seed: int) -> np.ndarray:
    """Grey pictures with a bright row: the class is its number."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, size=(len(labels), 1, 10, 10), dtype=np.uint8)
    images[np.arange(len(labels)), 0, labels] = 255
    return images


@pytest.fixture(scope="session")
def test() -> HiddenTest:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 10, size=400)
    images = striped(labels, 2).astype(np.float32) / np.float32(255)
    return HiddenTest(images, labels, np.arange(400) % 2 == 0, training_seed=7)


@pytest.fixture(scope="session")
def enter(sandbox: Sandbox, test: HiddenTest) -> Enter:
    def entered(source: str, rules: CompetitionRules = RULES, characters: int = 0) -> CompetitionEntry:
        def start(limits: Limits) -> StudentProcess:
            worker = sandbox.spawn(limits)
            worker.run_cell(source)
            return worker

        labels = np.arange(40) % 10
        return Competition(start, test, striped(labels, 3), labels, characters, rules).enter()

    return entered

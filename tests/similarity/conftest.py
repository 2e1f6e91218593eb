"""The feature maps' assignment, which has exercises long and short."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.bench.invented_class import InventedClass
from autograder.course import Course
from autograder.similarity.works import Handout

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def assignment() -> Assignment:
    return load_assignment(Course.find(ROOT), "02-feature-maps")


@pytest.fixture(scope="session")
def handout(assignment: Assignment) -> Handout:
    return Handout(assignment)


@pytest.fixture(scope="session")
def answers(assignment: Assignment) -> list[dict[str, str]]:
    """What twelve students who work alone hand in."""
    invented = InventedClass(assignment, seed=5)
    return [invented.student() for _ in range(12)]


@pytest.fixture(scope="session")
def stranger(assignment: Assignment) -> dict[str, str]:
    """What somebody who copies would hand in otherwise."""
    return InventedClass(assignment, seed=6).student()


@pytest.fixture
def luck() -> random.Random:
    return random.Random(1)

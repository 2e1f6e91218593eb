"""Grading an assignment that competes: the entry is in the result, in the record and on the board, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.authoring.build import build_assignment
from autograder.challenge.competition_results import FILE_NAME, read_results
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.leaderboard.publishing import board_of

DATA = Path(__file__).parents[2] / "data"
ASSIGNMENT = "07-small"
TOPIC = '''# ---
# jupyter:
#   autograder: {title: "A small challenge", minutes: 1, seconds: 1}
# ---

# %%
import torch
from torch import nn

# %% exercise="build_model"
def build_model():
    """A network for pictures of clothing."""
    ### BEGIN SOLUTION
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    ### END SOLUTION

# %% exercise="train"
def train(model, images, labels, seed):
    """Let every class's weights be its mean picture."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        for label in range(10):
            mean = images[labels == label].mean(0).flatten()
            model[1].weight[label] = mean
            model[1].bias[label] = -mean @ mean / 2
    ### END SOLUTION

# %% check="train" name="entry" points=20
# Hidden: the entry keeps to the rules.
### BEGIN HIDDEN TESTS
challenge.enter()
### END HIDDEN TESTS

# %% check="train" name="accuracy" points=10
# Hidden: how many pictures it answers rightly.
### BEGIN HIDDEN TESTS
challenge.points(((0.2, 4), (0.3, 8), (0.99, 10)))
### END HIDDEN TESTS

# %% [markdown] answer="why" points=3
# Why?
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION
'''
ANSWERS = """
@misconception(of="train", says="You left the weights as they were.")
def nothing(model, images, labels, seed):
    pass
"""
LAZY = "def train(model, images, labels, seed):\n    raise ValueError('no')"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("course")
    settings = f'id = "c"\nfixed_secret = "c"\n[directories]\nhidden_data = "{DATA / "hidden"}"\n'
    (root / "course.toml").write_text(settings)
    folder = root / "solutions" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / "small.py").write_text(TOPIC)
    (folder / "misconceptions.py").write_text(ANSWERS)
    course = Course.find(root)
    build_assignment(course, ASSIGNMENT)
    return course


def hand_in(course: Course, student: str, **answers: str) -> None:
    assignment = load_assignment(course, ASSIGNMENT)
    notebook = json.loads(assignment.release)
    solved = {name: cell.source for name, cell in assignment.exercises.items()} | answers
    for cell in notebook["cells"]:
        own = cell["metadata"].get("autograder", {})
        if own.get("kind") == "exercise":
            cell["source"] = solved[own["exercise"]]
    folder = course.submitted / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small.ipynb").write_text(json.dumps(notebook))
    (folder / "timestamp.txt").write_text("2026-11-20 12:00:00 UTC")


def graded(course: Course, *, again: bool = False) -> dict[str, float | None]:
    accept: Callable[[str, Sequence[object]], bool] = lambda *_: True  # noqa: E731
    report = grade_class(course, ASSIGNMENT, workers=1, again=again, confirm=accept)
    return {one.student: one.points for one in report.submissions}


def test_an_entry_is_graded_recorded_and_ranked(course: Course) -> None:
    hand_in(course, "ada")
    hand_in(course, "bob", train=LAZY)
    points = graded(course)
    assert points == {"ada": 28, "bob": 0}
    ada, bob = read_results(course.results / FILE_NAME)
    assert (ada.entrant, ada.status, ada.public_images, ada.private_images) == ("ada", "scored", 5000, 5000)
    assert (bob.status, bob.reason) == ("failed", "train raised ValueError")
    board = board_of(course, "challenge")
    assert [row.entry.entrant for row in board.standings] == ["ada"]
    assert [row.entry.entrant for row in board.apart] == ["bob"]

    record = (course.results / FILE_NAME).read_bytes()
    assert graded(course) == points
    assert graded(course, again=True) == points
    assert (course.results / FILE_NAME).read_bytes() == record

    shown = [path.read_bytes() for root in (course.feedback, course.autograded) for path in root.rglob("*.*")]
    assert len(shown) >= 4
    secrets = [*ada.public, *ada.private]
    assert not [secret for secret in secrets for data in shown if secret.encode() in data]
    assert any(b"train raised ValueError" in data for data in shown)

    source = course.source / ASSIGNMENT / "small.py"
    source.write_text(TOPIC.replace("(0.99, 10)", "(0.98, 10)"))
    build_assignment(course, ASSIGNMENT)
    assert graded(course) == points
    assert (course.results / FILE_NAME).read_bytes() == record

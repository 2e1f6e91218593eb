"""Grading an assignment that competes: the entry is in the result, in the record and on the board, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.authoring.build import build_assignment
from autograder.challenge.competition_results import FILE_NAME, read_results
from autograder.challenge.entries import unpack
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.leaderboard.publishing import board_of, publish_boards

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


# A convolutional network, trained with one pass over a part of the pictures, in the order that the seed draws.
CONVOLUTION = {
    "build_model": """
def build_model():
    return nn.Sequential(nn.Conv2d(1, 8, 5, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(392, 10))
""",
    "train": """
def train(model, images, labels, seed):
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    mirrored = torch.cat([images[:4000], images[:4000].flip(3)])
    for batch in torch.randperm(8000).split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(mirrored[batch]), labels[:4000][batch % 4000]).backward()
        optimizer.step()
""",
}
# A linear classifier by least squares, with its bias in the last weight.
LEAST_SQUARES = """
THIS_ENTRY_COUNTS = True

def train(model, images, labels, seed):
    x = torch.cat([images.flatten(1), torch.ones(len(images), 1)], 1).double()
    y = nn.functional.one_hot(labels, 10).double()
    weights = torch.linalg.solve(x.T @ x + 10 * torch.eye(785), x.T @ y)
    with torch.no_grad():
        model[1].weight.copy_(weights[:-1].T)
        model[1].bias.copy_(weights[-1])
"""
ONE_CLASS = """
THIS_ENTRY_COUNTS = False

def train(model, images, labels, seed):
    with torch.no_grad():
        model[1].bias[3] += 1000
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return small_course(tmp_path_factory.mktemp("course"))


def small_course(root: Path) -> Course:
    settings = f'id = "c"\nfixed_secret = "c"\n[directories]\nhidden_data = "{DATA / "hidden"}"\n'
    (root / "course.toml").write_text(settings)
    folder = root / "solutions" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / "small.py").write_text(TOPIC)
    (folder / "misconceptions.py").write_text(ANSWERS)
    course = Course.find(root)
    build_assignment(course, ASSIGNMENT)
    return course


def hand_in(course: Course, student: str, at: str = "2026-11-20 12:00:00", **answers: str) -> None:
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
    (folder / "timestamp.txt").write_text(f"{at} UTC")


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


def page(course: Course, student: str) -> str:
    return (course.feedback / student / ASSIGNMENT / "small.html").read_text()


def test_three_entries_of_different_kinds_go_from_notebook_to_final_board(tmp_path: Path) -> None:
    course = small_course(tmp_path)
    hand_in(course, "ada")
    hand_in(course, "bob", train=LEAST_SQUARES)
    hand_in(course, "eve", **CONVOLUTION)
    assert set(graded(course)) == {"ada", "bob", "eve"}
    first = {one.entrant: one for one in read_results(course.results / FILE_NAME)}
    right = {name: sum(unpack(one.public[0], 5000)) for name, one in first.items()}
    assert right["eve"] > max(right["ada"], right["bob"]) > min(right["ada"], right["bob"]) > 1000

    public = board_of(course, "challenge")
    assert public.phase == "public"
    assert public.references
    assert [row.entry.entrant for row in public.standings] == sorted(right, key=lambda name: -right[name])
    assert [row.entry.score for row in public.standings] == sorted(right.values(), reverse=True)
    for name, images in right.items():
        assert f"{images:,} of 5,000 public pictures right" in page(course, name)

    hand_in(course, "bob", at="2026-11-21 12:00:00", train=ONE_CLASS)
    graded(course)
    assert [row.entry.score for row in board_of(course, "challenge").standings] == sorted(right.values(), reverse=True)
    assert "The Ladder did not move" in page(course, "bob")
    assert "your entry of 20 November, 12:00 UTC counts" in page(course, "bob")

    every = ("html", "csv", "json")  # as the service publishes
    publish_boards(course, "challenge", formats=every)
    final = publish_boards(course, "challenge", formats=every, freeze=True)
    private = {name: sum(unpack(one.private[0], 5000)) for name, one in first.items()}
    assert final.phase == "final"
    assert {row.entry.entrant: row.entry.score for row in final.standings} == private
    assert [row.rank for row in final.standings] == [1, 2, 3]
    assert (tmp_path / "leaderboard" / "challenge.html").is_file()

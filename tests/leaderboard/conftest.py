"""Classes of students to rank, and gradebooks that hold them."""

import datetime as dt
import os
import random
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from sqlalchemy.exc import SAWarning

from autograder.course import Course
from autograder.leaderboard.board import BoardEntry

# The announcements page of the lecture, out of 33: the 25 best of the class, whose mean is 22.87.
LECTURE = [31.5, 31.0, 30.5] + [30.0] * 3 + [29.5] * 3 + [29.0] * 2 + [28.5] * 2 + [28.0] * 7 + [27.5] * 4 + [27.0]
LECTURE_RANKS = [1, 2, 3, 4, 4, 4, 7, 7, 7, 10, 10, 12, 12] + [14] * 7 + [21] * 4 + [25]
START = dt.datetime(2015, 11, 20, tzinfo=dt.UTC)


@pytest.fixture
def listed() -> list[float]:
    return LECTURE


@pytest.fixture
def listed_ranks() -> list[int]:
    return LECTURE_RANKS


@pytest.fixture
def lecture_class() -> list[BoardEntry]:
    """The lecture's 25 listed scores, and 90 below them that bring the mean of all 115 to 22.87."""
    below = [2 * 20 + 1] * 90
    missing = round(22.87 * 115 * 2) - sum(round(2 * score) for score in LECTURE) - sum(below)
    # Spread the rest one half point at a time, so that nobody below reaches 27.00.
    for step in range(abs(missing)):
        below[step % 90] += 1 if missing > 0 else -1
    units = [round(2 * score) for score in LECTURE] + below
    return [
        BoardEntry(f"student-{n:03d}", score, START + dt.timedelta(minutes=37 * n)) for n, score in enumerate(units)
    ]


@pytest.fixture(scope="session")
def random_entries() -> Callable[[random.Random], list[BoardEntry]]:
    return _random_entries


def _random_entries(rng: random.Random, most: int = 12, best: int = 8) -> list[BoardEntry]:
    """A few entries with many ties, some without a time, some that may not win."""
    return [
        BoardEntry(
            f"s{n}",
            rng.randrange(best),
            START + dt.timedelta(hours=rng.randrange(4)) if rng.random() < 0.8 else None,
            prize=rng.random() < 0.9,
        )
        for n in range(rng.randrange(most))
    ]


COURSE = """
id = "cnn"
title = "Convolutional networks"
fixed_secret = "a course for tests"

[assignments.02-optional]
optional = true

[[prizes]]
rank = 1
award = "automatic A+"

[[prizes]]
ranks = [2, 3]
award = "grade bump"
"""
# The gradebook keeps UTC without a zone.
DUE = dt.datetime(2026, 11, 20)  # noqa: DTZ001
EARLY = dt.datetime(2026, 11, 19)  # noqa: DTZ001


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook of two assignments, each with a check and a written answer, 33 points; made once, then copied."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:
        # nbgrader calls the command alembic, which is beside this Python.
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        _make_gradebook(f"sqlite:///{path}")
    return path


def _make_gradebook(url: str) -> None:
    with Gradebook(url) as gradebook:
        for assignment in ("01-convolution", "02-optional"):
            gradebook.add_assignment(assignment, duedate=DUE)
            gradebook.add_notebook("notebook", assignment)
            gradebook.add_grade_cell("check", "notebook", assignment, max_score=30, cell_type="code")
            gradebook.add_grade_cell("answer", "notebook", assignment, max_score=3, cell_type="markdown")


@pytest.fixture
def course(tmp_path: Path, empty_gradebook: Path) -> Course:
    """A course with the gradebook of two assignments, of which the second is optional."""
    (tmp_path / "course.toml").write_text(COURSE)
    shutil.copy(empty_gradebook, tmp_path / "gradebook.db")
    return Course.find(tmp_path)


@pytest.fixture
def hand_in(course: Course) -> Callable[..., None]:
    """A function that puts a graded submission into the gradebook."""

    def hand_in(
        student: str,
        check: float | None,
        answer: float | None = 0.0,
        *,
        assignment: str = "01-convolution",
        at: dt.datetime = EARLY,
        penalty: float = 0.0,
    ) -> None:
        with warnings.catch_warnings(), Gradebook(course.gradebook_url) as gradebook:
            # nbgrader adds a submission to its student before adding it to the session.
            warnings.simplefilter("ignore", SAWarning)
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(assignment, student, timestamp=at)
            notebook = gradebook.find_submission_notebook("notebook", assignment, student)
            notebook.late_submission_penalty = penalty
            graded = gradebook.find_grade("check", "notebook", assignment, student)
            graded.auto_score, graded.needs_manual_grade = check, False
            written = gradebook.find_grade("answer", "notebook", assignment, student)
            written.manual_score, written.needs_manual_grade = answer, answer is None
            gradebook.db.commit()

    return hand_in


@pytest.fixture
def enrol(course: Course) -> Callable[[str], None]:
    """A function that adds a student who has handed in nothing."""

    def enrol(student: str) -> None:
        with Gradebook(course.gradebook_url) as gradebook:
            gradebook.update_or_create_student(student)

    return enrol

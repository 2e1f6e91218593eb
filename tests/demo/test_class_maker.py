"""The sample class holds what a term brings, and the same each time."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.demo.class_maker import (
    MISCONCEPTION,
    answer_exercises,
    hand_in,
    invent_names,
    make_sample_class,
    solutions,
)
from autograder.errors import UnreadableSubmission
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import read_submission

DUE = dt.datetime(2026, 3, 2, 23, 59, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return load_assignment(Course.find(Path(__file__)), "01-convolution")


def test_it_has_every_kind_of_submission(assignment: Assignment) -> None:
    stories = [one.story for one in make_sample_class(assignment)]
    assert len(stories) >= 24
    assert sum(story.startswith(MISCONCEPTION) for story in stories) == len(assignment.misconceptions)
    assert sum(story.startswith("attack") for story in stories) == 3
    for words in ("complete", "late", "other ways", "exercises done", "truncated", "deleted", "endless loop"):
        assert any(words in story for story in stories), words


def test_no_two_students_have_one_name_and_names_never_change() -> None:
    names = invent_names(800)
    assert len(set(names)) == 800
    assert names[:2] == ["ada.almeida", "bruno.brandt"]
    with pytest.raises(ValueError, match="800"):
        invent_names(801)


def test_it_is_the_same_each_time(assignment: Assignment) -> None:
    assert make_sample_class(assignment) == make_sample_class(assignment)


def test_the_files_can_be_read_but_for_the_two_that_should_not(assignment: Assignment) -> None:
    refused = []
    for one in make_sample_class(assignment):
        try:
            align(read_submission(one.content, one.student), assignment)
        except UnreadableSubmission:
            refused.append(one.story)
    assert len(refused) == 2
    assert all(story.startswith("file ") for story in refused)


def test_a_full_answer_holds_the_solutions_without_their_markers(assignment: Assignment) -> None:
    notebook = answer_exercises(assignment, solutions(assignment))
    text = json.dumps(notebook)
    assert "SOLUTION" not in text
    assert "NotImplementedError" not in "".join(solutions(assignment).values())


def test_the_late_one_is_late_and_the_others_are_not(assignment: Assignment, tmp_path: Path) -> None:
    for one in make_sample_class(assignment):
        hand_in(one, tmp_path, assignment, DUE)
    stamps = [path.read_text() for path in tmp_path.glob("*/*/timestamp.txt")]
    late = [stamp for stamp in stamps if stamp > DUE.strftime("%Y-%m-%d %H:%M:%S")]
    assert len(late) == 1


def test_handing_in_again_leaves_equal_files_alone(assignment: Assignment, tmp_path: Path) -> None:
    one = make_sample_class(assignment)[0]
    path = hand_in(one, tmp_path, assignment, DUE)
    before = path.stat().st_mtime_ns
    hand_in(one, tmp_path, assignment, DUE)
    assert path.stat().st_mtime_ns == before

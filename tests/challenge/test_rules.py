"""What assignment 07 tells students are the rules, and what the steps of its points are worth."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.challenge.entries import RULES
from autograder.course import Course
from autograder.grading.lazy_entry import characters_in

NAME = "07-challenge"


@pytest.fixture(scope="module")
def constants() -> dict[str, Any]:
    assignment = load_assignment(Course.find(Path(__file__)), NAME)
    given = "\n".join(cell.source for cell in assignment.cells if cell.kind == "given")
    names = [node for node in ast.parse(given).body if isinstance(node, ast.Assign)]
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in names
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    }


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("MOST_WEIGHTS", RULES.weights),
        ("TRAINING_SECONDS", RULES.training_seconds),
        ("ANSWERING_SECONDS", RULES.answering_seconds),
        ("MEMORY_MB", RULES.memory_mb),
        ("SOURCE_CHARACTERS", RULES.source_characters),
        ("BATCH", RULES.batch),
    ],
)
def test_the_notebook_states_the_rules_that_the_grader_keeps(constants: dict[str, Any], name: str, rule: float) -> None:
    assert constants[name] == rule


def test_thresholds_rise_in_half_points_up_to_all_points_of_their_check(constants: dict[str, Any]) -> None:
    shares, points = zip(*constants["THRESHOLDS"], strict=True)
    assignment = load_assignment(Course.find(Path(__file__)), NAME)
    check = next(check for check in assignment.checks if check.name == "thresholds")
    assert list(shares) == sorted(set(shares))
    assert list(points) == sorted(set(points))
    assert all(2 * each == int(2 * each) for each in points)
    assert points[-1] == check.points


def test_the_solved_notebook_leaves_room_for_a_student_s_own_code() -> None:
    assignment = load_assignment(Course.find(Path(__file__)), NAME)
    released = sum(len(cell.release_source) for cell in assignment.cells if cell.cell_type == "code")
    assert released < RULES.source_characters / 2


def test_rare_signs_hold_no_more_weights_than_others() -> None:
    """One of a million signs would hold three times as much as one of a hundred."""
    assert characters_in(["weights = 'abc'", "x"]) == 16
    assert characters_in(["\N{CJK UNIFIED IDEOGRAPH-4E00}", "\N{GRINNING FACE}"]) == 7

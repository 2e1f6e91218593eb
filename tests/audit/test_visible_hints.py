"""Every visible comparison of the taught assignments says what to look at when it fails."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.authoring.assignment import AssignmentCell, load_assignment
from autograder.course import Course

COURSE = Course.find(Path(__file__))
NAMES = ["01-convolution", "02-feature-maps", "03-pooling", "04-backprop", "05-regularization"]


def without_hint(check: AssignmentCell) -> Iterator[str]:
    calls = (node for node in ast.walk(ast.parse(check.release_source)) if isinstance(node, ast.Call))
    for call in calls:
        compares = isinstance(call.func, ast.Name) and call.func.id == "close"
        if compares and all(keyword.arg != "hint" for keyword in call.keywords):
            yield f"{check.grade_id}: {ast.unparse(call)}"


@pytest.mark.parametrize("name", NAMES)
def test_every_visible_comparison_has_a_hint(name: str) -> None:
    checks = load_assignment(COURSE, name).checks
    assert [line for check in checks for line in without_hint(check)] == []

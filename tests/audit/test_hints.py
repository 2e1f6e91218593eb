"""A hint that has nothing to do with the mistake that brings it up is listed, for a person to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.audit.weaknesses import hint_findings
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.skeleton import new_assignment
from autograder.course import Course
from autograder.grading.visible_naming import ShownHint, VisibleNaming, visible_naming

NAME = "01-totals"


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    (tmp_path / "course.toml").write_text('id = "totals"\nfixed_secret = "totals"\n')
    course = Course.find(tmp_path)
    new_assignment(course, NAME)
    return load_assignment(course, NAME)


def listed(assignment: Assignment, hint: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said of a hint that the first misconception brings up."""
    shown = (ShownHint(assignment.misconceptions[0].slug, "check-general", hint),)
    naming = VisibleNaming({}, frozenset(), frozenset(), shown)
    monkeypatch.setattr("autograder.audit.weaknesses.visible_naming", lambda _: naming)
    return [finding.text for finding in hint_findings(assignment)]


def test_a_hint_without_a_word_in_common_is_listed(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(assignment, "padding surrounds windows.", monkeypatch) == [
        "check-general says: padding surrounds windows."
    ]


def test_a_hint_that_shares_a_word_is_not(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    word = max(assignment.misconceptions[0].text.split(), key=len)
    assert listed(assignment, f"padding surrounds {word.lower()}", monkeypatch) == []


def test_hints_are_those_of_visible_checks_that_do_not_name_the_mistake(assignment: Assignment) -> None:
    naming = visible_naming(assignment)
    assert {hint.misconception for hint in naming.hints} <= naming.caught

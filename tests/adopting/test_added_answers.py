"""Misconceptions and alternatives that are added to an adopted course, one by one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.adopting.trial import Trials
from autograder.audit.course_audit import run_audit
from autograder.authoring.assignment import load_assignment
from autograder.course import Course

from .conftest import answered

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MISCONCEPTIONS = """from autograder.authoring.answers import misconception


@misconception(of="above", says="Your comparison keeps the values that are equal to the limit.")
def limit_kept(x, limit):
    return x[x >= limit]
"""
ALTERNATIVES = """import numpy as np

from autograder.authoring.answers import alternative


@alternative(of="above", route="indexes where the values are larger")
def by_where(x, limit):
    return x[np.where(x > limit)]
"""


@pytest.fixture(scope="module")
def course(adopted: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with one misconception and one alternative, beside nothing else of ours."""
    found: Course = adopted("numbers").copy_to(tmp_path_factory.mktemp("added") / "numbers")
    folder = found.root / "answers" / "hw1" / "heights"
    folder.mkdir(parents=True)
    (folder / "misconceptions.py").write_text(MISCONCEPTIONS)
    (folder / "alternatives.py").write_text(ALTERNATIVES)
    return found


def test_a_mistake_that_was_added_is_named(course: Course) -> None:
    assignment = load_assignment(course, "hw1")
    wrong = "def above(x, limit):\n    return x[x >= limit]"
    with Trials(course) as trials:
        check = trials.grade(assignment, answered(assignment, {"above": wrong}))["test-above"]
    assert check.points == 2
    assert check.diagnosis == "limit_kept"


def test_the_audit_of_a_course_with_hardly_any_answers_is_clean(course: Course) -> None:
    assert run_audit(course, ["hw1"], workers=1) == 0


def test_the_audit_names_an_answer_that_the_tests_do_not_catch(course: Course, tmp_path: Path) -> None:
    copied = Course.find(shutil.copytree(course.root, tmp_path / "copy"))
    path = copied.root / "answers" / "hw1" / "heights" / "misconceptions.py"
    path.write_text(MISCONCEPTIONS.replace("x[x >= limit]", "x[limit < x]"))
    assert run_audit(copied, ["hw1"], workers=1) == 1

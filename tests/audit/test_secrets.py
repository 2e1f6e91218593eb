"""No verdict is luck: with any course secret, each check catches the same misconceptions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.audit.samples import answered_notebook, submission_of
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.engine.incremental import without_checks
from autograder.grading.grade import grade_submission
from autograder.grading.lazy_entry import competition_checks
from autograder.isolation.sandbox import Sandbox
from autograder.secrets import Secret

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "grading" / "sample"
NAMES = Course.find(ROOT).assignments()
SECRETS = [Secret(bytes([number]) * 32) for number in range(10)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(readable=[ROOT / "data" / "course"]) as sandbox:
        yield sandbox


def lost(assignment: Assignment, answer: Answer, sandbox: Sandbox, secret: Secret) -> set[str]:
    """The checks of its exercise that a misconception loses points in."""
    of = assignment.exercise_of
    others = {check.grade_id for check in assignment.checks if of[check.exercise] != of[answer.of]}
    submission = submission_of(answered_notebook(assignment, answer), assignment)
    narrow, fewer = without_checks(submission, assignment, others | competition_checks(assignment))
    return {
        check.check
        for check in grade_submission(narrow, fewer, sandbox, secret).checks
        if check.points < check.max_points
    }


def differing(assignment: Assignment, answers: tuple[Answer, ...], sandbox: Sandbox) -> dict[str, list[set[str]]]:
    """The misconceptions that different secrets judge differently, with the checks lost under each."""
    verdicts = {each.slug: [lost(assignment, each, sandbox, secret) for secret in SECRETS] for each in answers}
    return {slug: sets for slug, sets in verdicts.items() if any(each != sets[0] for each in sets)}


def test_ten_secrets_agree_on_a_small_assignment(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "course.toml").write_text('id = "sums"\nfixed_secret = "sums"\n')
    shutil.copytree(SAMPLE, tmp_path / "solutions" / "01-sums")
    course = Course.find(tmp_path)
    build_assignment(course, "01-sums")
    assignment = load_assignment(course, "01-sums")
    assert differing(assignment, assignment.misconceptions, sandbox) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ten_secrets_agree_on_a_sample_of_misconceptions(name: str, sandbox: Sandbox) -> None:
    assignment = load_assignment(Course.find(ROOT), name)
    assert differing(assignment, assignment.misconceptions[::40], sandbox) == {}


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", NAMES)
def test_ten_secrets_agree_on_every_misconception(name: str, sandbox: Sandbox) -> None:
    assignment = load_assignment(Course.find(ROOT), name)
    assert differing(assignment, assignment.misconceptions, sandbox) == {}

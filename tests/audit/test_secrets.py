"""No verdict is luck: with any course secret, each check catches the same misconceptions and the same mutants."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from autograder.audit.first_pass import FIRST_PASS, Memory, kill
from autograder.audit.mutants import Mutant, first_candidates, mutants_of
from autograder.audit.weaknesses import answered_notebook, submission_of
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.engine.executor import LocalWorkers
from autograder.engine.grader import without_checks
from autograder.engine.worker import Bundle, options_of
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


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("sums")
    (root / "course.toml").write_text('id = "sums"\nfixed_secret = "sums"\n')
    shutil.copytree(SAMPLE, root / "solutions" / "01-sums")
    course = Course.find(root)
    build_assignment(course, "01-sums")
    return course


def test_ten_secrets_agree_on_a_small_assignment(small: Course, sandbox: Sandbox) -> None:
    assignment = load_assignment(small, "01-sums")
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


def wavering(course: Course, assignment: Assignment, mutants: Sequence[Mutant], secrets: Sequence[Secret]) -> list[str]:
    """The mutants that fail a check with one secret and pass all with another, in plain forks."""
    tried, judged = first_candidates(assignment, mutants)
    options = msgspec.structs.replace(options_of(course), grader=FIRST_PASS)
    verdicts = []
    with LocalWorkers(None, options) as pool:
        for secret in secrets:
            bundles = {name: Bundle.of(course, each) for name, each in judged.items()}
            bundles = {name: msgspec.structs.replace(each, secret_key=secret.key) for name, each in bundles.items()}
            verdicts.append(kill(tried, bundles, lambda: pool, Memory(course.results / f"{secret.key.hex()[:8]}.json")))
    return [mutant.change for mutant, *each in zip(mutants, *verdicts, strict=True) if len(set(each)) > 1]


@pytest.mark.slow
def test_ten_secrets_agree_on_the_mutants_of_a_small_assignment(small: Course) -> None:
    assignment = load_assignment(small, "01-sums")
    assert wavering(small, assignment, mutants_of(assignment), SECRETS) == []


@pytest.mark.soak
@pytest.mark.timeout(14400)
@pytest.mark.parametrize("name", NAMES)
def test_ten_secrets_agree_on_every_mutant(name: str) -> None:
    course = Course.find(ROOT)
    assignment = load_assignment(course, name)
    assert wavering(course, assignment, mutants_of(assignment), SECRETS) == []

"""Mutants fail their checks in plain forks first; what these do not decide is left to the sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from autograder.audit.first_pass import FIRST_PASS, Candidate, Memory, _names_before, fails_a_check, kill
from autograder.audit.mutants import grade_mutants, mutants_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.engine.executor import LocalWorkers
from autograder.engine.worker import Bundle, Options
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Submission

CHAIN = Path(__file__).parents[1] / "grading" / "chain"
RIGHT = "def total(values):\n    return float(np.sum(values))"
WRONG = "def total(values):\n    return float(np.sum(values)) + 1"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Assignment]:
    root = tmp_path_factory.mktemp("first-pass")
    (root / "course.toml").write_text('id = "chain"\nfixed_secret = "chain"\n')
    shutil.copytree(CHAIN, root / "solutions" / "01-chain")
    course = Course.find(root)
    build_assignment(course, "01-chain")
    return course, load_assignment(course, "01-chain")


@pytest.fixture(scope="module")
def bundles(chain: tuple[Course, Assignment]) -> dict[str, Bundle]:
    course, assignment = chain
    bundle = Bundle.of(course, msgspec.structs.replace(assignment, misconceptions=()))
    return dict.fromkeys(assignment.exercises, bundle)


@pytest.mark.parametrize(
    ("source", "fails"),
    [
        (RIGHT, False),
        (WRONG, True),
        ("def total(values):\n    return sum(values)", False),
        ("def total(values):\n    raise KeyError", True),
        ("1 / 0", True),  # nothing is defined
        ("def total(values):\n    return float(np.sum(values)) if len(values) != 2 else 0.0", False),
    ],
)
def test_an_answer_fails_if_a_check_of_it_or_of_one_above_it_does(
    bundles: dict[str, Bundle], source: str, fails: bool
) -> None:
    bundle = bundles["total"]
    names = _names_before(bundle.assignment, "total")
    assert fails_a_check(bundle, names, "total", source) is fails


def test_an_error_that_only_shows_above_is_found_there(bundles: dict[str, Bundle]) -> None:
    """`total` may return any number; `mean` divides it."""
    bundle = bundles["total"]
    of = bundle.assignment.exercise_of
    cells = [cell for cell in bundle.assignment.cells if cell.kind != "check" or of[cell.exercise] == "mean"]
    above = msgspec.structs.replace(bundle, assignment=msgspec.structs.replace(bundle.assignment, cells=tuple(cells)))
    assert fails_a_check(above, _names_before(above.assignment, "total"), "total", WRONG)


@pytest.fixture(scope="module")
def pool() -> Iterator[LocalWorkers]:
    with LocalWorkers(1, Options(grader=FIRST_PASS)) as pool:
        yield pool


def never() -> LocalWorkers:
    raise AssertionError("no worker is needed for what is known")


ENDLESS = "def total(values):\n    while True:\n        pass"
LEAVES = "def total(values):\n    raise SystemExit"
DIES = "import os\ndef total(values):\n    os.abort()"


def candidates(*sources: str, origin: str = RIGHT) -> list[Candidate]:
    return [Candidate("total", source, origin) for source in sources]


@pytest.mark.slow
def test_only_what_a_check_fails_or_what_never_ends_is_killed(
    bundles: dict[str, Bundle], pool: LocalWorkers, tmp_path: Path
) -> None:
    memory = Memory(tmp_path / "mutants.json")
    tried = candidates(WRONG, RIGHT, ENDLESS, LEAVES, DIES)
    verdicts = [True, False, True, False, False]
    assert kill(tried, bundles, lambda: pool, memory) == verdicts
    assert kill(tried, bundles, never, Memory(tmp_path / "mutants.json")) == verdicts


@pytest.mark.slow
def test_nothing_is_killed_whose_origin_fails_here(
    bundles: dict[str, Bundle], pool: LocalWorkers, tmp_path: Path
) -> None:
    assert kill(candidates(WRONG, origin=LEAVES), bundles, lambda: pool, Memory(tmp_path / "a.json")) == [False]


@pytest.mark.slow
def test_a_changed_check_asks_again(bundles: dict[str, Bundle], pool: LocalWorkers, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "mutants.json")
    kill(candidates(WRONG), bundles, lambda: pool, memory)
    bundle = bundles["total"]
    edited = tuple(msgspec.structs.replace(cell, source=f"{cell.source}\n1") for cell in bundle.assignment.cells)
    other = msgspec.structs.replace(bundle, assignment=msgspec.structs.replace(bundle.assignment, cells=edited))
    asked: list[int] = []

    def workers() -> LocalWorkers:
        asked.append(1)
        return pool

    kill(candidates(WRONG), {"total": other}, workers, memory)
    assert asked == [1]


def test_a_damaged_memory_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "mutants.json").write_text("{")
    assert Memory(tmp_path / "mutants.json").get("any") is None


def test_what_fails_at_once_is_not_graded(chain: tuple[Course, Assignment]) -> None:
    """All that the first pass lets through, and nothing else, reaches the sandbox."""
    _, assignment = chain
    mutants = [mutant for mutant in mutants_of(assignment) if mutant.exercise == "centred"]
    graded: list[Submission] = []

    def grade(work: Sequence[tuple[Assignment, Submission]]) -> list[Result]:
        graded.extend(submission for _, submission in work)
        check = CheckResult("check-centred-general", "centred", 1.0, 1.0, "passed")
        return [Result("01-chain", "", "", "graded", checks=(check,)) for _ in work]

    first = [number == 0 for number in range(len(mutants))]
    killed = grade_mutants(assignment, mutants, grade, lambda tried, judged: first)
    assert killed == first
    assert len(graded) == len(mutants) - 1

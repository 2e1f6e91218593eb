"""An error is blamed on the function that has it, and paid for once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.grading.grade import grade_submission
from autograder.grading.harness import foundations
from autograder.grading.result import Result
from autograder.isolation.sandbox import Sandbox
from autograder.settings import GradingSettings
from autograder.submission.alignment import align
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

CHAIN = Path(__file__).parent / "chain"
Grade = Callable[..., Result]

LAST_LEFT_OUT = "def total(values):\n    return float(sum(list(values)[:-1]))"
ONE_LESS = (
    "def mean(values):\n    if len(values) == 0: raise ValueError('values')\n"
    "    return total(values) / (len(values) - 1)"
)
BLANK = "def total(values):\n    raise NotImplementedError()"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("chain")
    (root / "course.toml").write_text('id = "chain"\nfixed_secret = "chain"\n')
    shutil.copytree(CHAIN, root / "solutions" / "01-chain")
    return Course.find(root)


@pytest.fixture(scope="module")
def chain(course: Course) -> Assignment:
    build_assignment(course, "01-chain")
    return load_assignment(course, "01-chain")


def solved_but(chain: Assignment, **answers: str) -> Submission:
    notebook = json.loads(chain.release)
    solved = {name: cell.source for name, cell in chain.exercises.items()} | answers
    for cell in notebook["cells"]:
        own = cell["metadata"].get("autograder", {})
        if own.get("kind") == "exercise":
            cell["source"] = solved[own["exercise"]]
    return align(read_submission(json.dumps(notebook).encode(), "test"), chain)


@pytest.fixture(scope="module")
def graded(course: Course, chain: Assignment, sandbox: Sandbox) -> Grade:
    def run(follow_through: bool = True, **answers: str) -> Result:
        settings = GradingSettings(total_seconds=60, follow_through=follow_through)
        return grade_submission(solved_but(chain, **answers), chain, sandbox, course.secret, settings)

    return run


def by_check(result: Result) -> dict[str, tuple[float, str, tuple[str, ...]]]:
    return {check.check: (check.points, check.diagnosis, check.inherited) for check in result.checks}


def test_an_error_costs_the_function_that_has_it_and_no_other(graded: Grade) -> None:
    checks = by_check(graded(total=LAST_LEFT_OUT))
    assert checks["check-total-general"] == (0, "last_left_out", ())
    assert checks["check-mean-general"] == (2, "", ("total",))
    assert checks["check-centred-general"] == (2, "", ("total",))
    assert checks["check-centred-scaled"] == (1, "", ("total",))


def test_the_page_tells_whose_error_it_is(graded: Grade) -> None:
    told = {check.check: check.text for check in graded(total=LAST_LEFT_OUT).checks}
    assert (
        "`mean` is right here: with a right `total` in the place of yours this check passes"
        in told["check-mean-general"]
    )


def test_a_course_may_let_an_inherited_error_cost_points(graded: Grade) -> None:
    checks = by_check(graded(follow_through=False, total=LAST_LEFT_OUT))
    assert checks["check-mean-general"] == (0, "", ("total",))


def test_an_error_of_its_own_is_named_although_another_one_lies_below(graded: Grade) -> None:
    checks = by_check(graded(total=LAST_LEFT_OUT, mean=ONE_LESS))
    assert checks["check-total-general"] == (0, "last_left_out", ())
    assert checks["check-mean-general"] == (0, "one_less", ())
    assert checks["check-centred-general"] == (2, "", ("total", "mean"))


def test_a_right_function_above_a_blank_one_has_its_points(graded: Grade) -> None:
    checks = by_check(graded(total=BLANK))
    assert checks["check-total-general"] == (0, "", ())
    assert checks["check-mean-general"] == (2, "", ("total",))


def test_a_blank_notebook_has_no_points(graded: Grade, chain: Assignment) -> None:
    blanks = {name: cell.release_source for name, cell in chain.exercises.items()}
    assert graded(**blanks).points == 0


def test_two_functions_that_call_each_other_are_not_both_right(graded: Grade) -> None:
    each_other = {
        "total": "def total(values):\n    return mean(values) * len(values)",
        "mean": "def mean(values):\n    if len(values) == 0: raise ValueError('values')\n"
        "    return total(values) / len(values)",
    }
    assert by_check(graded(**each_other))["check-total-general"][0] == 0


def test_the_right_code_below_shows_nowhere(graded: Grade) -> None:
    nosy = (
        "import inspect\ndef mean(values):\n    print(inspect.getsource(total))\n"
        "    if len(values) == 0: raise ValueError('values')\n"
        "    raise RuntimeError(inspect.getsource(total))"
    )
    result = graded(total=LAST_LEFT_OUT, mean=nosy)
    assert "np.sum(values))" not in result.content().decode()


def test_foundations_are_found_through_given_and_own_code(chain: Assignment) -> None:
    mine = "def middle(values):\n    return mean(values)\n\ndef centred(values):\n    return values - middle(values)"
    submission = solved_but(chain, centred=mine)
    assert foundations("centred", submission, chain) == ["total", "mean"]
    assert foundations("total", submission, chain) == []

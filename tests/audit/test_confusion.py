"""The audit measures how feedback names mistakes: rightly, not at all, or wrongly."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from autograder.audit.course_audit import Trial, confusion_findings, confusion_matrix, run_audit, trials
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.grading.result import CheckResult, Result

CHAIN = Path(__file__).parents[1] / "grading" / "chain"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("confusion")
    (root / "course.toml").write_text('id = "chain"\nfixed_secret = "chain"\n')
    shutil.copytree(CHAIN, root / "solutions" / "01-chain")
    course = Course.find(root)
    build_assignment(course, "01-chain")
    return course


@pytest.fixture(scope="module")
def chain(course: Course) -> Assignment:
    return load_assignment(course, "01-chain")


def test_every_misconception_is_tried_alone_unlisted_and_below_what_builds_on_it(chain: Assignment) -> None:
    kinds = Counter(trial.kind for trial in trials(chain))
    assert kinds["alone"] == kinds["unseen"] == len(chain.misconceptions)
    assert kinds["below"] == 3  # one of `total`, two of `mean`; nothing builds on `centred`
    assert kinds["pair"] > 0


def test_an_unlisted_mistake_is_graded_without_its_own_entry(chain: Assignment) -> None:
    for trial in trials(chain):
        listed = {each.slug for each in trial.work[0].misconceptions}
        assert (trial.mistakes[0].slug in listed) == (trial.kind != "unseen")


def result(*checks: tuple[str, str, str, str, tuple[str, ...]]) -> Result:
    found = tuple(
        CheckResult(check, exercise, 0.0, 1.0, outcome, "", diagnosis, inherited=inherited)  # type: ignore[arg-type]
        for check, exercise, outcome, diagnosis, inherited in checks
    )
    return Result("01-chain", "", "", "graded", checks=found)


def trial(chain: Assignment, kind: str, slug: str) -> Trial:
    return next(each for each in trials(chain) if each.kind == kind and each.mistakes[0].slug == slug)


def test_a_false_name_and_a_blamed_exercise_are_counted_and_found(chain: Assignment) -> None:
    graded = [
        (trial(chain, "alone", "one_less"), result(("a", "mean", "failed", "mean_without_last", ()))),
        (trial(chain, "alone", "added"), result(("b", "centred", "failed", "", ()))),
        (
            trial(chain, "below", "last_left_out"),
            result(("c", "total", "failed", "last_left_out", ()), ("d", "mean", "failed", "", ())),
        ),
    ]
    rows = {row.kind: row for row in confusion_matrix(graded)}
    assert (rows["alone"].right, rows["alone"].unnamed, rows["alone"].misnamed) == (0, 1, 1)
    assert (rows["below"].right, rows["below"].blamed) == (1, 1)
    assert [(each.kind, each.subject) for each in confusion_findings(graded)] == [
        ("misnamed", "one_less"),
        ("blamed", "last_left_out"),
    ]


@pytest.mark.slow
def test_a_chain_of_exercises_has_no_false_name(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    run_audit(course, ["01-chain"], workers=1, as_json=True, confusion=True)
    card = json.loads(capsys.readouterr().out)
    assert (card["misnamed"], card["inherited_blamed"]) == (0, 0)
    assert {row["kind"]: row["right"] for row in card["confusion"]}["alone"] == 4

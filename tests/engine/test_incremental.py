"""After an assignment changed, only what the change can touch runs again, and the outcome is that of a fresh run."""

from __future__ import annotations

import itertools
import random

import msgspec
import pytest

from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.engine.grader import StoredResult, grade_with, without_checks
from autograder.grading.result import CheckResult, GradingUsage, Result
from autograder.submission.model import Submission, SubmissionCell


def cell(kind: str, name: str, source: str, exercise: str = "", points: float = 0.0) -> AssignmentCell:
    return AssignmentCell(kind, name, name, "code", source, source, exercise, name, points)


def an_assignment(**sources: str) -> Assignment:
    """Two exercises with two checks each; ``sources`` replaces a cell's source by its name."""
    plan = [
        ("given", "given-1", "", 0.0),
        ("exercise", "f", "f", 0.0),
        ("check", "f_a", "f", 1.0),
        ("check", "f_b", "f", 2.0),
        ("exercise", "g", "g", 0.0),
        ("check", "g_a", "g", 1.0),
        ("check", "g_b", "g", 2.0),
    ]
    cells = tuple(
        cell(kind, name, sources.get(name, f"def {name}(): pass"), exercise, points)
        for kind, name, exercise, points in plan
    )
    mistakes = (Answer("wrong", "f", sources.get("wrong", "Look again."), "def wrong(): pass"),)
    return Assignment("00-two", "two", "Two", cells, mistakes, (), "{}")


def a_submission(assignment: Assignment) -> Submission:
    cells = tuple(
        SubmissionCell(
            each.kind,  # type: ignore[arg-type]
            each.grade_id,
            each.cell_id,
            each.source,
            each.exercise,
            "code",
        )
        for each in assignment.cells
    )
    return Submission(cells, (), "submission-key")


class Oracle:
    """Grades by the word in a check's source, explains a failure by all checks of its exercise, and counts."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.ran: list[str] = []
        self.seconds = seconds

    def __call__(self, submission: Submission, assignment: Assignment) -> Result:
        assert {c.grade_id for c in submission.cells} == {c.grade_id for c in assignment.cells}
        self.ran += [check.grade_id for check in assignment.checks]
        checks = tuple(self.check(each, assignment) for each in assignment.checks)
        usage = GradingUsage(wall_seconds=9.0, checks={check.grade_id: self.seconds for check in assignment.checks})
        return Result(assignment.name, assignment.key, submission.key, "graded", checks=checks, usage=usage)

    def check(self, check: AssignmentCell, assignment: Assignment) -> CheckResult:
        if "fail" not in check.source:
            return CheckResult(check.grade_id, check.exercise, check.points, check.points, "passed")
        siblings = [each.source for each in assignment.checks if each.exercise == check.exercise]
        said = assignment.misconceptions[0].text if check.exercise == "f" else ""
        return CheckResult(check.grade_id, check.exercise, 0.0, check.points, "failed", "No.", str(siblings), said)


def regraded(before: Assignment, after: Assignment) -> tuple[StoredResult, list[str]]:
    first = grade_with(None, a_submission(before), before, "grader", Oracle())
    oracle = Oracle()
    return grade_with(first, a_submission(after), after, "grader", oracle), oracle.ran


def test_the_first_time_everything_runs() -> None:
    graded, ran = grade_with(None, a_submission(an_assignment()), an_assignment(), "grader", Oracle()), 4
    assert graded.repeated == ran
    assert graded.result.points == 6


def test_nothing_runs_when_nothing_changed() -> None:
    graded, ran = regraded(an_assignment(), an_assignment())
    assert ran == []
    assert graded.result.points == 6


def test_only_a_changed_check_runs_again() -> None:
    graded, ran = regraded(an_assignment(), an_assignment(f_b="def f_b(): more"))
    assert ran == ["f_b"]
    assert graded.repeated == 1
    assert [check.check for check in graded.result.checks] == ["f_a", "f_b", "g_a", "g_b"]


def test_a_check_that_does_not_run_again_keeps_its_seconds() -> None:
    before, after = an_assignment(), an_assignment(f_b="def f_b(): more")
    first = grade_with(None, a_submission(before), before, "grader", Oracle())
    graded = grade_with(first, a_submission(after), after, "grader", Oracle(seconds=5.0))
    assert graded.result.usage.checks == {"f_a": 1.0, "f_b": 5.0, "g_a": 1.0, "g_b": 1.0}


def test_a_check_that_is_gone_leaves_no_seconds_behind() -> None:
    before = an_assignment()
    first = grade_with(None, a_submission(before), before, "grader", Oracle())
    after = without_checks(a_submission(before), before, {"g_b"})
    graded = grade_with(first, *after, "grader", Oracle())
    assert set(graded.result.usage.checks) == {"f_a", "f_b", "g_a"}


def test_a_changed_check_that_fails_takes_its_exercise_with_it() -> None:
    graded, ran = regraded(an_assignment(), an_assignment(f_b="fail"))
    assert set(ran) == {"f_a", "f_b"}
    assert graded.result.points == 4


def test_a_changed_given_cell_changes_everything() -> None:
    _, ran = regraded(an_assignment(), an_assignment(**{"given-1": "x = 1"}))
    assert ran == ["f_a", "f_b", "g_a", "g_b"]


def test_a_changed_explanation_concerns_failures_only() -> None:
    mistaken = an_assignment(f_a="fail", g_a="fail")
    graded, ran = regraded(mistaken, an_assignment(f_a="fail", g_a="fail", wrong="Look closer."))
    assert set(ran) == {"f_a", "f_b"}
    assert graded.result.checks[0].explanation == "Look closer."


def test_another_grader_repeats_everything() -> None:
    assignment, oracle = an_assignment(), Oracle()
    first = grade_with(None, a_submission(assignment), assignment, "grader", Oracle())
    grade_with(first, a_submission(assignment), assignment, "another grader", oracle)
    assert len(oracle.ran) == 4


def test_a_check_that_time_did_not_reach_runs_again() -> None:
    assignment, oracle = an_assignment(), Oracle()
    first = grade_with(None, a_submission(assignment), assignment, "grader", Oracle())
    checks = list(first.result.checks)
    checks[3] = msgspec.structs.replace(checks[3], outcome="not-reached", points=0.0)
    cut = msgspec.structs.replace(first, result=msgspec.structs.replace(first.result, checks=tuple(checks)))
    graded = grade_with(cut, a_submission(assignment), assignment, "grader", oracle)
    assert "g_b" in oracle.ran
    assert graded.result.points == 6


@pytest.mark.parametrize("seed", range(40))
def test_the_outcome_is_that_of_a_fresh_run(seed: int) -> None:
    choose = random.Random(seed)
    names = ["f_a", "f_b", "g_a", "g_b"]
    words = ["pass", "pass # other", "fail", "fail # other"]
    before = an_assignment(**{name: choose.choice(words) for name in names})
    after = an_assignment(**{name: choose.choice(words) for name in names}, wrong=choose.choice("ab"))
    graded, _ = regraded(before, after)
    fresh = grade_with(None, a_submission(after), after, "grader", Oracle())
    assert graded.result.content() == fresh.result.content()


def test_narrowing_removes_the_same_checks_from_both_and_keeps_the_key_of_neither_stale() -> None:
    assignment = an_assignment()
    assert len(assignment.checks) == 4
    for size in range(1, 4):
        for without in itertools.combinations(["f_a", "f_b", "g_a", "g_b"], size):
            submission, fewer = without_checks(a_submission(assignment), assignment, set(without))
            assert len(fewer.checks) == 4 - size
            assert fewer.key != assignment.key
            assert {c.grade_id for c in submission.cells} == {c.grade_id for c in fewer.cells}

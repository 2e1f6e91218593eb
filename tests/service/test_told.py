"""What feedback tells while the deadline lies ahead."""

from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec
import pytest

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.course import Course
from autograder.engine.discover import load_cached_assignment
from autograder.grading.result import CheckResult, Result
from autograder.service.told import bits_told, told_of

ROOT = Path(__file__).parents[2]
COURSE = Course.find(ROOT)
HIDDEN = "### BEGIN HIDDEN TESTS\nassert secret\n### END HIDDEN TESTS\n"


def cell(name: str, points: float, hidden: bool) -> AssignmentCell:
    source = f"assert visible\n{HIDDEN if hidden else ''}"
    return AssignmentCell("check", name, name, "code", source, "assert visible\n", "blur", name, points)


ASSIGNMENT = Assignment(
    "01-x", "x", "X", (cell("seen", 1, False), cell("one", 2, True), cell("two", 3, True)), (), (), "{}"
)


def check(name: str, outcome: str, **more: object) -> CheckResult:
    most = {"seen": 1.0, "one": 2.0, "two": 3.0}[name]
    base = CheckResult(name, "blur", most if outcome == "passed" else 0.0, most, outcome)  # type: ignore[arg-type]
    return msgspec.structs.replace(base, **more)


def told(*checks: CheckResult, shown: str = "brief") -> tuple[CheckResult, ...]:
    result = Result("01-x", "", "", "graded", checks=checks)
    return told_of(result, ASSIGNMENT, shown).checks  # type: ignore[arg-type]


def test_a_failure_that_only_hidden_checks_saw_becomes_a_count() -> None:
    found = told(
        check("seen", "passed"),
        check("one", "passed"),
        check("two", "failed", message="an even size raised ValueError"),
    )
    assert [each.check for each in found] == ["seen", "hidden checks"]
    assert found[1].message.startswith("1 of 2 hidden checks")
    assert (found[1].points, found[1].max_points) == (2, 5)
    assert "ValueError" not in repr(found)


def test_which_of_the_hidden_checks_failed_is_not_told_apart_but_by_points() -> None:
    one = told(check("seen", "passed"), check("one", "failed"), check("two", "failed"))
    assert {each.check for each in one} == {"seen", "hidden checks"}


def test_a_named_misconception_is_told() -> None:
    found = told(check("one", "failed", diagnosis="flip", explanation="You flip the kernel."), check("two", "passed"))
    assert found[0].explanation == "You flip the kernel."


def test_what_a_visible_check_says_is_told_and_what_was_observed_is_not() -> None:
    (found,) = told(check("seen", "failed", message="two times two is four", observed="shifted by one"))
    assert (found.message, found.observed) == ("two times two is four", "")


def test_a_hidden_check_whose_visible_part_failed_is_as_visible_as_that() -> None:
    found = told(check("one", "failed", message="two times two is four", seen=True), check("two", "passed"))
    assert found[0].message == "two times two is four"


def test_all_points_are_told_the_same_way_in_full_and_in_points() -> None:
    checks = check("seen", "passed"), check("one", "failed", message="no"), check("two", "passed")
    assert told(*checks, shown="full") == checks
    (summed,) = told(*checks, shown="points")
    assert (summed.points, summed.max_points, summed.text) == (4, 6, "")


def test_points_never_change_by_what_is_told() -> None:
    checks = check("seen", "failed"), check("one", "partial", points=1.0), check("two", "passed")
    for shown in ("brief", "points", "full"):
        assert sum(each.points for each in told(*checks, shown=shown)) == 4


def test_the_bits_of_an_attempt_are_those_of_its_outcomes() -> None:
    assert bits_told(ASSIGNMENT) == pytest.approx(math.log2(4))  # none, one, two, both: points tell them apart


@pytest.mark.parametrize("name", COURSE.assignments())
def test_no_assignment_tells_more_bits_than_the_page_on_security_says(name: str) -> None:
    said = re.search(r"at most (\d+) bits for an attempt", (ROOT / "docs" / "security.md").read_text())
    assert said is not None
    assert bits_told(load_cached_assignment(COURSE, name)) <= int(said[1])

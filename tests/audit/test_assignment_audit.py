"""The audit notices a check that lets a wrong answer through, a rejected right one, and a leak."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from autograder.audit import report_card
from autograder.audit.assignment_audit import audit_assignment
from autograder.audit.report_card import ReportCard
from autograder.audit.weaknesses import secret_lines
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.grading.grade import grade_submission
from autograder.grading.result import Result
from autograder.isolation.sandbox import Sandbox
from autograder.submission.model import Submission

SAMPLE = Path(__file__).parents[1] / "grading" / "sample"
NAME = "01-sums"
ALTERNATIVES = """from autograder.authoring.answers import alternative


@alternative(of="row_sums", route="a loop")
def by_loop(table):
    if table.ndim != 2:
        raise ValueError("table")
    return np.array([sum(row) for row in table])
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "course.toml").write_text('id = "sums"\nfixed_secret = "sums"\n')
    shutil.copytree(SAMPLE, tmp_path / "solutions" / NAME)
    (tmp_path / "solutions" / NAME / "alternatives.py").write_text(ALTERNATIVES)
    return Course.find(tmp_path)


def audit(course: Course, sandbox: Sandbox) -> ReportCard:
    build_assignment(course, NAME)

    def grader(work: Sequence[tuple[Assignment, Submission]]) -> list[Result]:
        return [grade_submission(submission, assignment, sandbox, course.secret) for assignment, submission in work]

    return audit_assignment(course, NAME, grader)


def kinds(card: ReportCard) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for finding in card.findings:
        found.setdefault(finding.kind, set()).add(finding.subject)
    return found


def edit(course: Course, file: str, old: str, new: str) -> None:
    path = course.source / NAME / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_is_caught_and_accepted_is_counted(course: Course, sandbox: Sandbox) -> None:
    card = audit(course, sandbox)
    assert (card.points, card.blank_points, card.leaks) == (6.0, 0.0, 0)
    assert (card.misconceptions, card.caught, card.named) == (6, 6, 6)
    assert (card.alternatives, card.accepted) == (1, 1)
    assert kinds(card) == {"solution": {NAME}, "thin": {"row_sums", "Counter", "find_root"}}  # 6 points, few answers


def test_what_the_course_asks_of_an_assignment_is_what_it_is_held_to(course: Course, sandbox: Sandbox) -> None:
    asked = "[authoring]\npoints = 6\nalternatives = 0\nmisconceptions = 2\nnames = 'week-\\d'\n"
    (course.root / "course.toml").write_text((course.root / "course.toml").read_text() + asked)
    card = audit(Course.find(course.root), sandbox)
    assert kinds(card) == {"solution": {NAME}, "thin": {"Counter", "find_root"}}
    said = [finding.text for finding in card.findings]
    assert any("not of the form week-\\d" in each for each in said)
    assert sum("misconceptions; write at least 2" in each for each in said) == 2


def test_a_check_that_lets_a_wrong_answer_through_is_found(course: Course, sandbox: Sandbox) -> None:
    edit(course, "sums.py", "unchanged(row_sums, rng.normal(size=(2, 3)))\n", "")
    card = audit(course, sandbox)
    assert kinds(card)["not-caught"] == {"sums_in_place"}
    assert not card.clean


def test_two_misconceptions_that_cannot_be_told_apart_are_found(course: Course, sandbox: Sandbox) -> None:
    path = course.source / NAME / "misconceptions.py"
    twin = path.read_text().split("\n\n\n")[1].replace("column_sums", "other_sums")
    path.write_text(path.read_text() + "\n\n" + twin + "\n")
    assert kinds(audit(course, sandbox))["not-named"] == {"column_sums", "other_sums"}


def test_a_right_answer_that_is_refused_is_found(course: Course, sandbox: Sandbox) -> None:
    edit(course, "alternatives.py", "sum(row)", "round(sum(row), 3)")
    assert kinds(audit(course, sandbox))["not-accepted"] == {"by_loop"}


def test_a_check_that_a_blank_passes_is_found(course: Course, sandbox: Sandbox) -> None:
    edit(course, "sums.py", "close(row_sums(np.array([[1, 2], [3, 4]])), [3, 7])", "close(1, 1)")
    assert kinds(audit(course, sandbox))["blank"] == {"check-row_sums-by-hand"}


def test_what_the_visible_part_catches_is_counted(course: Course, sandbox: Sandbox) -> None:
    card = audit(course, sandbox)
    sums = {each.exercise: each for each in card.exercises}["row_sums"]
    assert (sums.misconceptions, sums.unseen) == (5, ("sums_in_place", "wide_tables_averaged"))
    assert (card.visible, card.misconceptions) == (3, 6)


def test_points_are_visible_where_the_visible_part_decides(course: Course, sandbox: Sandbox) -> None:
    # by-hand has no hidden part; what decides in the others stands there only
    assert {each.exercise: each.visible_points for each in audit(course, sandbox).exercises} == {
        "row_sums": 1.0,
        "Counter": 0.0,
        "find_root": 0.0,
    }
    edit(course, "sums.py", 'close(counter.calls, 2, case="two calls")', "pass")
    edit(course, "sums.py", "close(counter.add(3), 5)", "close(counter.add(3), 5)\nclose(counter.calls, 2)")
    assert audit(course, sandbox).visible_points == 2.0


def test_points_for_an_idle_answer_are_found(course: Course, sandbox: Sandbox) -> None:
    alone = '\n\n# %% check="row_sums" name="arguments" points=1\nrefuses(row_sums, np.ones(3), argument="table")\n'
    edit(course, "sums.py", "from autograder.lab import close", "from autograder.lab import close, refuses")
    edit(course, "sums.py", '\n\n# %% exercise="Counter"', f'{alone}\n\n# %% exercise="Counter"')
    card = audit(course, sandbox)
    assert kinds(card)["idle"] == {"row_sums"}
    assert card.idle_points == 1.0
    (sums,) = (each for each in card.exercises if each.exercise == "row_sums")
    assert sums.idle == {"check-row_sums-arguments": ("ValueError always",)}


@pytest.mark.parametrize(
    ("check", "idea"),
    [
        ("close(row_sums(np.zeros((3, 2))), [0, 0, 0])\nclose(row_sums(np.ones((3, 1))), [1, 1, 1])", None),
        ("passes(row_sums(np.ones((2, 2))) is not None, 'something comes back')", "1"),
        ("passes(row_sums(1), 'the right one comes first')", "True at the first call"),
        ("close(row_sums(np.ones((2, 2))), np.ones((2, 2)))", "its first argument"),
        ("row_sums(np.ones(2)); close(row_sums(np.zeros(2)), np.ones(2))", "what was last seen"),
        ("close(row_sums(lambda table: 7, np.ones(2)), 7)", "an answer of a function handed over"),
    ],
)
def test_every_idea_is_tried(course: Course, sandbox: Sandbox, check: str, idea: str | None) -> None:
    hidden = f"### BEGIN HIDDEN TESTS\n{check}\n### END HIDDEN TESTS"
    edit(course, "sums.py", "close(row_sums(np.array([[1, 2], [3, 4]])), [3, 7])", hidden)
    earned = {each.exercise: each.idle for each in audit(course, sandbox).exercises}["row_sums"]
    assert (idea in earned.get("check-row_sums-by-hand", ())) is (idea is not None)


def test_a_hidden_line_in_the_release_is_found(course: Course, sandbox: Sandbox) -> None:
    build_assignment(course, NAME)
    line = next(iter(secret_lines(load_assignment(course, NAME))))
    (course.release / NAME / "notes.txt").write_text(f"look: {line}")
    assert kinds(audit(course, sandbox))["leak"] == {"notes.txt"}


def test_a_report_card_for_programs_has_the_agreed_keys(course: Course, sandbox: Sandbox) -> None:
    import json

    card = json.loads(report_card.cards_as_json([audit(course, sandbox)]))
    wanted = {"points", "blank_points", "misconceptions", "caught", "named", "alternatives", "accepted", "leaks"}
    wanted |= {"visible", "visible_points", "idle_points", "exercises"}
    assert wanted <= set(card)

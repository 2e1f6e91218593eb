"""Right answers are changed in the ways of this field; what no check notices is a survivor, or marked equivalent."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autograder.audit.mutants import mutants_of, read_equivalents, with_mutants
from autograder.audit.mutations import mutate
from autograder.audit.report_card import ExerciseCard, ReportCard
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.authoring.skeleton import new_assignment
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.grading.result import CheckResult, Result
from autograder.submission.model import Submission

NAME = "01-totals"


def texts(source: str) -> list[str]:
    return [change.text for change in mutate(source)]


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("H, W = x.shape", "W, H = x.shape"),
        ("y = x[i, j]", "y = x[j, i]"),
        ("y = x[::-1]", "y = x[:]"),
        ("y = np.flip(x, axis=0)", "y = x"),
        ("y = x.T @ w", "y = x @ w"),
        ("y = x[i * sh]", "y = x[i]"),
        ("y = H + 2 * p", "y = H"),
        ("y = t / n", "y = t"),
        ("y = a > b", "y = a >= b"),
        ("y = range(H - h + 1)", "y = range(H - h + 2)"),
        ("y = range(n)", "y = range(1, n)"),
        ("y = np.zeros(3, dtype=float)", "y = np.zeros(3, dtype=np.float16)"),
        ("y = x.copy()", "y = x"),
        ("y = np.array(x)", "y = np.asarray(x)"),
        ("x = x + 1", "x += 1"),
        ("y += t", "y = t"),
        ("y = np.max(x)", "y = np.min(x)"),
        ("y = -np.inf", "y = -0.0"),
        ("y = h", "y = w"),
        ("y = [a for a, b in pairs]", "y = [a for b, a in pairs]"),
        ("y = np.zeros(x.shape)", "y = globals().setdefault(str(['zeros', x.shape]), np.zeros(x.shape))"),
    ],
)
def test_a_line_is_changed_in_the_ways_of_this_field(line: str, changed: str) -> None:
    assert f"{line} -> {changed}" in texts(line)


def test_an_argument_check_is_dropped_and_narrowed() -> None:
    source = "def f(a, b):\n    if a < 1 or b < 1:\n        raise ValueError('a + b')\n    return a"
    found = texts(source)
    assert "if a < 1 or b < 1: -> if a < 1:" in found
    assert "if a < 1 or b < 1: / raise ValueError('a + b') -> pass" in found
    assert not any("'a - b'" in text for text in found)


def test_changes_of_equal_lines_are_numbered_and_every_program_is_another_one() -> None:
    found = list(mutate("x = 1\nx = 1"))
    assert {"x = 1 -> x = 2", "x = 1 -> x = 2 #2"} <= {change.text for change in found}
    assert len({change.source for change in found}) == len(found)


def test_words_are_not_searched_for_in_another_order() -> None:
    assert not any("('b', 'a')" in text for text in texts("y = mode in ('a', 'b')"))


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("y = x.mean(axis=(2, 3))", "y = x.mean(axis=(3, 2))"),
        ("y = np.array([1, x])", "y = np.asarray([1, x])"),
        ("x = [1]; y = np.array(x)", "x = [1]\ny = np.asarray(x)"),
        ("y = x.shape[0]", "y = x.shape[-1]"),
        ("y = np.asarray(x, dtype=float)", "y = np.asarray(x)"),
        ("y = math.prod((h, n))", "y = math.prod((n, h))"),
        ("y = mode != 'full'", "y = mode > 'full'"),
        ("y = x.copy(order='F')", "y = x.copy()"),
        ("y = x.reshape(n, -1)", "y = x.reshape(n, -2)"),
    ],
)
def test_what_makes_no_difference_is_not_tried(line: str, same: str) -> None:
    assert ast.unparse(ast.parse(same)) not in [change.source for change in mutate(line)]


def test_conversions_are_left_out_all_together() -> None:
    source = "def f(x, y):\n    x, y = np.asarray(x, dtype=float), y.astype(float)\n    return float(x @ y)"
    (change,) = [change for change in mutate(source) if change.operator == "types" and "astype" not in change.source]
    assert change.source == "def f(x, y):\n    x, y = (x, y)\n    return x @ y"


def test_a_result_is_kept_for_the_next_call_with_the_same_shape() -> None:
    (kept,) = [change for change in mutate("def f(x):\n    return x + 1") if change.operator == "state"]
    names: dict[str, Any] = {}
    exec(kept.source, names)  # a program of this test's own
    assert [names["f"](3), names["f"](5)] == [4, 4]


def test_docstrings_stay() -> None:
    assert texts('def f():\n    """1 + 1"""') == []


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "course.toml").write_text('id = "totals"\nfixed_secret = "totals"\n')
    found = Course.find(tmp_path)
    new_assignment(found, NAME)
    return found


def survives_if(text: str, assignment: Assignment, work: Sequence[tuple[Assignment, Submission]]) -> list[Result]:
    """Stands for grading: a submission gets full marks if this text is in it."""
    results = []
    for fewer, submission in work:
        points = 1.0 if any(text in cell.source for cell in submission.cells) else 0.0
        check = CheckResult(
            "check-running_total-general", "running_total", points, 1.0, "passed" if points else "failed"
        )
        results.append(Result(fewer.name, fewer.key, submission.key, "graded", checks=(check,)))
    return results


def report(course: Course, text: str, sample: int | None = None) -> ReportCard:
    build_assignment(course, NAME)
    assignment = load_assignment(course, NAME)
    exercise = ExerciseCard("running_total", 30, 30, 2, 2)
    card = ReportCard(NAME, 33, 33, 0, 2, 2, 2, 3, 3, 0, exercises=(exercise,))
    grade = lambda work: survives_if(text, assignment, work)  # noqa: E731
    return with_mutants(card, assignment, course.source / NAME, grade, sample)


def mark(course: Course, change: str) -> None:
    text = f"[[equivalent]]\nexercise = 'running_total'\nchange = '{change}'\nbecause = 'it is one'\n"
    (course.source / NAME / "equivalents.toml").write_text(text)


CHANGE = "solution: return np.cumsum(values) -> return np.cumprod(values)"


def test_a_survivor_is_shown_as_a_diff_and_counted(course: Course) -> None:
    card = report(course, "cumprod")
    assert (card.mutants - card.killed, card.equivalent) == (1, 0)
    (found,) = card.findings
    assert (found.kind, found.subject) == ("survivor", "running_total")
    assert found.text.startswith(f"{CHANGE}\n")
    assert "-    return np.cumsum(values)\n+    return np.cumprod(values)" in found.text
    assert card.exercises[0].score < 1


def test_a_marked_survivor_is_none(course: Course) -> None:
    mark(course, CHANGE)
    card = report(course, "cumprod")
    assert (card.equivalent, card.clean, card.exercises[0].score) == (1, True, 1.0)


GROUP = "solution: return np.cumsum(values) -> *"


def test_a_mark_of_a_group_is_about_its_survivors_alone(course: Course) -> None:
    """Other changes of the line are killed, and count as such."""
    mark(course, GROUP)
    card = report(course, "cumprod")
    assert (card.equivalent, card.clean) == (1, True)
    assert card.killed == card.mutants - 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("solution: return 1 -> return 2", "no such change"),
        ("solution: return 1 -> *", "no such change"),
        (CHANGE, "a check tells it"),
        (GROUP, "a check tells all of them"),
    ],
)
def test_a_mark_that_does_not_hold_is_found(course: Course, change: str, said: str) -> None:
    mark(course, change)
    (found,) = report(course, "nothing has this").findings
    assert found.kind == "equivalent"
    assert said in found.text


def test_a_file_of_marks_that_cannot_be_read_is_named(course: Course) -> None:
    (course.source / NAME / "equivalents.toml").write_text("[[equivalent]]\nexercise = 'running_total'\n")
    with pytest.raises(AuthoringError, match=r"equivalents\.toml.*exercise, change and because"):
        read_equivalents(course.source / NAME)


def test_a_sample_is_the_same_every_time_and_leaves_marks_alone(course: Course) -> None:
    mark(course, CHANGE)
    assignment = load_assignment(course, NAME)
    assert mutants_of(assignment, 5) == mutants_of(assignment, 5)
    card = report(course, "nothing has this", sample=5)
    assert card.mutants == 5
    assert not [found for found in card.findings if "no such change" in found.text]


def test_what_is_given_in_an_exercises_cell_is_not_changed(course: Course) -> None:
    source = course.source / NAME / "totals.py"
    given = "def given(values):\n    return max(values) + 1\n\n\ndef running_total("
    source.write_text(source.read_text().replace("def running_total(", given, 1))
    build_assignment(course, NAME)
    mutants = mutants_of(load_assignment(course, NAME))
    assert mutants
    assert not [each.change for each in mutants if "max(values)" in each.change]

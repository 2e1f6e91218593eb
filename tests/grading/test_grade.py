"""One submission through both processes: points, messages, and what must not travel."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import BEGIN_HIDDEN, END_HIDDEN
from autograder.course import Course
from autograder.grading.grade import grade_submission
from autograder.grading.result import CheckResult, Result, check_outputs, decode_result, encode_result
from autograder.isolation.sandbox import Sandbox
from autograder.settings import GradingSettings
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import read_submission

Grade = Callable[..., Result]
BLANK = "def row_sums(table):\n    raise NotImplementedError()"


def check(result: Result, name: str) -> CheckResult:
    return next(each for each in result.checks if each.check == name)


def points(result: Result) -> dict[str, float]:
    return {each.check: each.points for each in result.checks}


def test_the_solution_gets_every_point(graded: Grade) -> None:
    result = graded()
    assert result.status == "graded"
    assert [each.outcome for each in result.checks] == ["passed"] * 4
    assert result.points == 6.0


def test_a_blank_exercise_costs_its_own_points_only(graded: Grade) -> None:
    result = graded(row_sums=BLANK)
    assert points(result) == {
        "check-row_sums-by-hand": 0,
        "check-row_sums-general": 0,
        "check-Counter-adds": 1,
        "check-find_root-partly": 2,
    }
    assert "still blank" in check(result, "check-row_sums-by-hand").message


def test_the_same_submission_gives_the_same_bytes(graded: Grade) -> None:
    assert graded(row_sums=BLANK).content() == graded(row_sums=BLANK).content()


def test_a_visible_check_says_what_came_and_what_was_expected(graded: Grade) -> None:
    wrong = "def row_sums(table):\n    return table[:, 0] * 1.0"
    message = check(graded(row_sums=wrong), "check-row_sums-by-hand").message
    assert "expected 7" in message
    assert "got 3" in message


def test_a_hidden_check_says_what_kind_of_input_failed_and_no_value(graded: Grade) -> None:
    wrong = "def row_sums(table):\n    return table.sum(axis=1) + (table.shape == (3, 5))"
    message = check(graded(row_sums=wrong), "check-row_sums-general").message
    assert "3 rows, 5 columns" in message
    assert "expected" not in message


def test_hidden_inputs_do_not_travel_by_print_error_or_later_cells(graded: Grade) -> None:
    spy = (
        "kept = []\ndef row_sums(table):\n    kept.append(table.tolist())\n    print('CANARY', table.tolist())\n"
        "    if table.shape == (3, 5): raise ValueError('CANARY ' + str(table.tolist()))\n    return table.sum(axis=1)"
    )
    result = graded("print(len(kept), [t for t in kept if len(t) == 3])", row_sums=spy)
    told = json.dumps([result.outputs, [each.text for each in result.checks]])
    assert check(result, "check-row_sums-general").points == 0
    assert "CANARY" not in told
    assert "1 []" in told  # The later cell ran, and knew of the visible call only.


def test_partial_credit_comes_with_a_message(graded: Grade) -> None:
    result = graded(find_root="def find_root(f):\n    return 0.0")
    found = check(result, "check-find_root-partly")
    assert (found.outcome, found.points, found.message) == ("partial", 0.0, "0 of 4 roots found.")


def test_a_function_that_never_returns_loses_its_own_checks(graded: Grade) -> None:
    loop = "def row_sums(table):\n    while True: pass"
    result = graded(row_sums=loop)
    assert points(result)["check-Counter-adds"] == 1
    assert "took too long" in check(result, "check-row_sums-by-hand").message


def test_a_cell_that_never_ends_does_not_stop_the_notebook(graded: Grade) -> None:
    result = graded("while True: pass", "print('after')")
    assert result.points == 6.0
    assert "after" in json.dumps(result.outputs)


def test_leaving_the_process_loses_its_own_checks(graded: Grade) -> None:
    result = graded(row_sums="import os\ndef row_sums(table):\n    os._exit(0)")
    assert points(result)["check-find_root-partly"] == 2
    assert "ended the Python process" in check(result, "check-row_sums-by-hand").message


def test_redefining_a_function_further_down_does_not_change_earlier_checks(graded: Grade) -> None:
    assert graded("def row_sums(table): return None").points == 6.0


def test_trusted_names_come_before_the_students(graded: Grade) -> None:
    forged = "close = same = passes = lambda *a, **k: None\nsolution = rng = None\nsum = lambda *a: 99\n"
    result = graded(row_sums=forged + "def row_sums(table):\n    return 0")
    assert points(result)["check-row_sums-general"] == 0


def test_time_for_the_whole_notebook_ends_and_says_so(graded: Grade) -> None:
    slow = GradingSettings(cell_seconds=1, check_seconds=1, total_seconds=1)
    result = graded(row_sums="def row_sums(table):\n    while True: pass", settings=slow)
    assert check(result, "check-find_root-partly").outcome == "not-reached"
    assert "used up" in check(result, "check-find_root-partly").message


def test_a_name_that_is_missing_is_named(graded: Grade) -> None:
    result = graded(row_sums="rowsums = 1")
    assert "`row_sums` is not defined" in check(result, "check-row_sums-by-hand").message


def test_arguments_that_were_changed_are_noticed(graded: Grade) -> None:
    refusing = "def row_sums(table):\n    if table.ndim != 2: raise ValueError\n"
    wrong = refusing + "    s = table.sum(axis=1); table *= 0; return s"
    assert "changed one of its arguments" in check(graded(row_sums=wrong), "check-row_sums-general").message


def test_a_result_survives_being_written_and_read(graded: Grade) -> None:
    result = graded(row_sums=BLANK)
    assert decode_result(encode_result(result)) == result
    with pytest.raises(msgspec.ValidationError):
        decode_result(b'{"assignment": 1}')


def test_a_failed_check_is_one_error_and_a_passed_one_a_plain_number(graded: Grade) -> None:
    result = graded(row_sums=BLANK)
    (error,) = check_outputs(check(result, "check-row_sums-by-hand"), 1)
    assert error["output_type"] == "error"
    message, number = check_outputs(check(result, "check-find_root-partly"), 2)
    assert (message["text"], number["data"]["text/plain"]) == ("4 of 4 roots found.\n", "2.0")


def test_hidden_inputs_differ_between_courses(course: Course) -> None:
    from autograder.grading.grade import check_seed
    from autograder.secrets import Secret

    other = Secret.fixed("another course")
    assignment = type("A", (), {"name": "01-sums"})()
    assert check_seed(course.secret, assignment, "c") != check_seed(other, assignment, "c")


def test_an_array_in_the_place_of_points_is_no_number_of_them(graded: Grade) -> None:
    # abs([] - r) < 1e-6 is an empty array, and so is its sum: silence would have been all points.
    result = graded(find_root="def find_root(f):\n    return []")
    assert {check.check: check.points for check in result.checks}["check-find_root-partly"] == 0.0


TWICE = "def twice(function, x):\n    return function(x), function(x)"
ASKED = "close(student.twice(row_sums, np.ones((2, 3)))[1], [3, 3], case='the second of two calls')"


def test_a_given_function_that_runs_at_the_students_is_the_notebooks_own(
    assignment: Assignment, course: Course, sandbox: Sandbox
) -> None:
    def with_more(cell: AssignmentCell) -> AssignmentCell:
        if cell.kind == "given":
            return msgspec.structs.replace(
                cell, source=f"{cell.source}\n\n{TWICE}", release_source=f"{cell.source}\n\n{TWICE}"
            )
        if cell.grade_id == "check-row_sums-general":
            return msgspec.structs.replace(cell, source=f"{BEGIN_HIDDEN}\n{ASKED}\n{END_HIDDEN}")
        return cell

    asked = msgspec.structs.replace(assignment, cells=tuple(map(with_more, assignment.cells)))
    exercise = asked.exercises["row_sums"].grade_id

    def earned(source: str) -> float:
        notebook = json.loads(asked.release)
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == exercise:
                cell["source"] = source
        submission = align(read_submission(json.dumps(notebook).encode(), "test"), asked)
        return points(grade_submission(submission, asked, sandbox, course.secret))["check-row_sums-general"]

    right = "def row_sums(table):\n    return table.sum(axis=1)"
    assert earned(right) == 2
    assert earned(f"{BLANK}\n\ndef twice(function, x):\n    return [3, 3], [3, 3]") == 0


@pytest.mark.parametrize("value", ["10**400", "[10**400, 1]", "torch.tensor(1.0, dtype=torch.bfloat16)"])
def test_a_number_that_no_float_can_hold_is_wrong_and_no_trouble_of_the_graders(graded: Grade, value: str) -> None:
    result = graded(row_sums=f"import torch\n\ndef row_sums(table):\n    return {value}")
    assert result.status == "graded"
    assert check(result, "check-row_sums-general").points == 0

"""Feedback says what to look at, stands alone, and holds nothing hidden and nothing that runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.feedback import feedback_page, write_feedback
from autograder.gradebook.marks import Comment, Marks
from autograder.gradebook.rendering import course_html
from autograder.grading.grade import not_graded
from autograder.grading.result import Result
from autograder.submission.alignment import align
from autograder.submission.model import Repair, Submission

HOSTILE = (
    "<script>alert('canary')</script> <img src=http://evil.example/x onerror=alert(1)> [x](javascript:alert(1)) "
    "![x](http://evil.example/y.png) <svg/onload=alert(1)> {{ 7 * 7 }} {% raw %} </pre></div></body>"
)


class Tags(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("</style>")[-1]))


def test_it_says_what_came_out_and_what_to_do(assignment: Assignment, submission: Submission, result: Result) -> None:
    checks = list(result.checks)
    checks[2] = replace(checks[2], diagnosis="minus", explanation="You took the offset away. Add it.")
    text = text_of(feedback_page(assignment, submission, replace(result, checks=tuple(checks)), student="anna"))
    assert "2 of 4 points by checks" in text
    assert "3 more points are given by a person" in text
    assert "You took the offset away. Add it." in text
    assert "Read again: “Shifting”" in text
    assert "Look at: the first one." in text
    assert "anna" in text


def test_a_message_that_checks_of_an_exercise_share_is_written_once(
    assignment: Assignment, submission: Submission, graded: Callable[..., Result]
) -> None:
    result = graded()
    shared = [replace(each, message="`double` is not defined") for each in result.checks]
    text = text_of(feedback_page(assignment, submission, replace(result, checks=tuple(shared))))
    exercises = len({each.exercise for each in shared})
    assert text.count("`double` is not defined") == exercises
    assert text.count("The same message as above.") == len(shared) - exercises > 0


def test_full_marks_and_an_empty_exercise_are_called_so(
    assignment: Assignment, submission: Submission, graded: Callable[..., Result]
) -> None:
    full = graded(double_by_hand=1, double_general=2, shift_by_hand=1)
    assert "Every check passed" in text_of(feedback_page(assignment, submission, full))
    blank = align(json.loads(assignment.release), assignment)
    assert text_of(feedback_page(assignment, blank, graded())).count("You left this exercise empty") == 2


def test_repairs_are_explained(assignment: Assignment, notebook: dict[str, Any], result: Result) -> None:
    del notebook["cells"][6]
    text = text_of(feedback_page(assignment, align(notebook, assignment), result))
    assert "What we repaired in your file" in text
    assert "This cell was missing. We put it back." in text


def test_not_graded_is_no_zero(course: Course, assignment: Assignment, submission: Submission) -> None:
    result = not_graded(assignment, submission.key, "worker lost")
    text = text_of(feedback_page(assignment, submission, result))
    assert "Not graded yet" in text
    assert "points by checks" not in text
    with pytest.raises(GradebookError, match="not graded"):
        write_feedback(course, assignment, "anna", submission, result)


def test_no_hidden_test_and_no_solution_is_in_it(
    course: Course, assignment: Assignment, submission: Submission, result: Result
) -> None:
    page = write_feedback(course, assignment, "anna", submission, result).read_text()
    for hidden in (
        "canary_of_the_tiny_topic",
        "8675309",
        "HIDDEN TESTS",
        "BEGIN SOLUTION",
        "One point for each reason",
    ):
        assert hidden not in page
    assert "Hidden: other numbers." in page


def test_nothing_in_it_runs_or_loads(assignment: Assignment, notebook: dict[str, Any], result: Result) -> None:
    notebook["cells"][-1]["source"] = HOSTILE
    notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": HOSTILE})
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "source": HOSTILE})
    submission = align(notebook, assignment)
    data = {"text/html": HOSTILE, "image/svg+xml": HOSTILE, "text/plain": HOSTILE}
    outputs = {
        "extra-2": [
            {"output_type": "display_data", "metadata": {}, "data": data},
            {"output_type": "error", "ename": HOSTILE, "evalue": HOSTILE, "traceback": [HOSTILE]},
            {"output_type": "stream", "name": "stdout", "text": HOSTILE},
        ]
    }
    checks = tuple(replace(check, message=HOSTILE, explanation=HOSTILE) for check in result.checks)
    page = feedback_page(assignment, submission, replace(result, outputs=outputs, checks=checks), student=HOSTILE)
    tags = Tags(page).found
    assert {tag for tag, _ in tags}.isdisjoint({"script", "iframe", "object", "embed", "form", "svg", "link", "base"})
    for tag, attributes in tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#"), "it leads within the page only"
        assert attributes.get("src", "data:image/png;") is not None
        assert (attributes.get("src") or "data:image/png;").startswith("data:image/"), tag
    assert "default-src 'none'" in page
    assert "{{ 7 * 7 }}" in page


def test_it_is_made_for_a_phone(assignment: Assignment, submission: Submission, result: Result) -> None:
    page = feedback_page(assignment, submission, result)
    assert 'name="viewport"' in page
    assert not re.search(r"(?<!max-)(?<!min-)width:\s*\d{3,}px", page)


def test_repairs_of_one_kind_stand_together(assignment: Assignment, submission: Submission, result: Result) -> None:
    many = [
        Repair(f"cell {number}", "This cell was missing. We put it back.", "You lose nothing.") for number in range(84)
    ]
    many += [
        Repair(f"cell {number}", f"A tag of cell {number} was taken off.", "Tags do nothing.") for number in range(30)
    ]
    page = feedback_page(assignment, replace(submission, repairs=tuple(many)), result)
    assert text_of(page).count("We put it back.") == 1
    assert "and 80 more" in page
    assert "29 more of this kind" in page
    assert page.index("A tag of cell 29") > page.index("<summary>29 more of this kind")


def test_what_failed_is_unfolded_and_every_link_leads_somewhere(
    assignment: Assignment, submission: Submission, result: Result
) -> None:
    tags = Tags(feedback_page(assignment, submission, result)).found
    anchors = {attributes["id"] for _, attributes in tags if "id" in attributes}
    links = [attributes["href"] or "" for tag, attributes in tags if tag == "a"]
    assert {"#again-cell-shift", "#cell-shift", "#points"} <= set(links)
    assert {link.removeprefix("#") for link in links} <= anchors
    unfolded = {attributes.get("id") for tag, attributes in tags if tag == "details" and "open" in attributes}
    assert {"cell-shift", "cell-double"} & unfolded == {"cell-shift", "cell-double"}
    assert [tag for tag, _ in tags].count("main") == 1


def test_the_courses_text_is_rendered_and_its_hints_fold() -> None:
    source = "# One\n\n$y_i = \\sum_a x_{i+a}$ <details><summary>Hint</summary>\n\nLook [here](https://book.example).\n\n</details>"
    shown = course_html(source)
    assert "<msub>" in shown
    assert "$" not in shown
    assert "<details><summary>Hint</summary>" in shown
    assert 'href="https://book.example"' in shown


def test_control_characters_of_a_student_reach_no_page(
    assignment: Assignment, notebook: dict[str, Any], result: Result
) -> None:
    evil = "\x1b]0;title\x07 \x1b[31m \u202e \u2066 \u200f"
    notebook["cells"][-1]["source"] = notebook["cells"][4]["source"] = f"# {evil}"
    outputs = {"extra-1": [{"output_type": "stream", "name": "stdout", "text": evil}]}
    checks = tuple(replace(check, message=evil) for check in result.checks)
    submission = align(notebook, assignment)
    submission = replace(submission, repairs=(Repair(evil, evil, evil),))
    page = feedback_page(assignment, submission, replace(result, checks=checks, outputs=outputs), student=evil)
    assert not set(page) & set("\x1b\x07\u202e\u2066\u200f")


def test_what_was_left_empty_is_said_once_in_words_of_our_own(
    assignment: Assignment, notebook: dict[str, Any], graded: Callable[..., Result]
) -> None:
    blank = align(json.loads(assignment.release), assignment)
    said = {cell.grade_id: Comment("No response.", False) for cell in assignment.cells if cell.kind == "answer"}
    text = text_of(feedback_page(assignment, blank, graded(), marks=Marks({}, said)))
    assert "No response." not in text
    assert text.count("Your answer , left empty") == len(said) == 1
    by_hand = {name: Comment("Ask me.", True) for name in said}
    notebook["cells"][-1]["source"] = "Because two and two are four."
    text = text_of(feedback_page(assignment, align(notebook, assignment), graded(), marks=Marks({}, by_hand)))
    assert "Your answer , left empty" not in text
    assert text.count("Ask me.") == 2  # in the summary, and beside the answer

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
from autograder.grading.grade import not_graded
from autograder.grading.result import Result
from autograder.submission.alignment import align
from autograder.submission.model import Submission

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
    assert "What we put right in your file" in text
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
    assert {tag for tag, _ in tags}.isdisjoint(
        {"script", "iframe", "object", "embed", "form", "svg", "link", "base", "a"}
    )
    for tag, attributes in tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert "href" not in attributes
        assert attributes.get("src", "data:image/png;") is not None
        assert (attributes.get("src") or "data:image/png;").startswith("data:image/"), tag
    assert "default-src 'none'" in page
    assert "{{ 7 * 7 }}" in page


def test_it_is_made_for_a_phone(assignment: Assignment, submission: Submission, result: Result) -> None:
    page = feedback_page(assignment, submission, result)
    assert 'name="viewport"' in page
    assert not re.search(r"(?<!max-)(?<!min-)width:\s*\d{3,}px", page)

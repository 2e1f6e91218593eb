"""A teaching assistant's way in nbgrader's own formgrader, after grading: scores, a written answer, a comment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from autograder.authoring.skeleton import new_assignment
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.progress import Silent

from .conftest import Jupyter, desk_at, jupyter_lab

pytestmark = pytest.mark.timeout(600)

NAME = "08-attention"
ANSWER = "One fewer than there are numbers."
RIGHT = """def running_total(values):
    if np.ndim(values) != 1:
        raise ValueError("values must have one dimension")
    return np.cumsum(values)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Ada has everything right, Eve handed in what she was given."""
    root = tmp_path_factory.mktemp("course")
    (root / "course.toml").write_text('id = "seen"\nfixed_secret = "seen"\n')
    (root / "students.csv").write_text("id,first_name,last_name\nada,Ada,Lovelace\n")
    shutil.copy(Path(__file__).parents[2] / "nbgrader_config.py", root)
    found = Course.find(root)
    new_assignment(found, NAME)
    released = json.loads((found.release / NAME / "attention.ipynb").read_text())
    for student, code in (("ada", RIGHT), ("eve", "")):
        path = found.submitted / student / NAME / "attention.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(_answered(released, code) if code else released))
    assert grade_class(found, NAME, workers=1, yes=True, progress=Silent()).exit_code == 0
    return found


def _answered(released: dict[str, Any], code: str) -> dict[str, Any]:
    notebook = json.loads(json.dumps(released))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = {"running_total": code, "answer-why": ANSWER}.get(name, cell["source"])
    return notebook


@pytest.fixture(scope="module")
def lab(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    with jupyter_lab(course.root, tmp_path_factory.mktemp("home")) as running:
        yield running


def rows(course: Course, question: str) -> list[tuple[Any, ...]]:
    engine = create_engine(course.gradebook_url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(question))]
    engine.dispose()
    return found


def submission_of(course: Course, student: str) -> str:
    """The name that the formgrader has for a student's notebook."""
    ((found,),) = rows(
        course,
        "SELECT submitted_notebook.id FROM submitted_notebook JOIN submitted_assignment "
        f"ON submitted_assignment.id = submitted_notebook.assignment_id WHERE student_id = '{student}'",
    )
    return str(found)


def by_hand(course: Course) -> list[tuple[Any, ...]]:
    return rows(
        course,
        "SELECT submitted_assignment.student_id, base_cell.name, grade.manual_score FROM grade "
        "JOIN base_cell ON base_cell.id = grade.cell_id "
        "JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id "
        "JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id "
        "WHERE grade.manual_score IS NOT NULL",
    )


def test_the_assignment_is_listed_with_its_submissions(page: Any, lab: Jupyter) -> None:
    page.goto(f"{lab.url}/formgrader/manage_assignments")
    row = page.wait_for_selector(f"tr:has-text('{NAME}')")
    assert row.query_selector(".num-submissions").inner_text().strip() == "2"


def test_every_score_is_shown(page: Any, lab: Jupyter) -> None:
    page.goto(f"{lab.url}/formgrader/manage_submissions/{NAME}")
    page.wait_for_selector("tr:has-text('Ada')")
    shown = {name: page.inner_text(f"tr:has-text('{name}') .score") for name in ("Ada", "eve")}
    assert shown == {"Ada": "30 / 33", "eve": "0 / 33"}


def test_students_are_shown_by_name_or_else_by_id(page: Any, lab: Jupyter) -> None:
    page.goto(f"{lab.url}/formgrader/manage_submissions/{NAME}")
    page.wait_for_selector("tr:has-text('Lovelace, Ada')")
    page.wait_for_selector("tr:has-text('eve, ')")
    assert "None, " not in page.inner_text("table")


def test_a_written_answer_is_graded_and_stays_when_graded_again(page: Any, lab: Jupyter, course: Course) -> None:
    page.goto(f"{lab.url}/formgrader/submissions/{submission_of(course, 'ada')}")
    page.wait_for_selector(f"text={ANSWER}")
    page.wait_for_load_state("networkidle")
    field = page.locator("input#answer-why")
    with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"):
        field.fill("2")
        field.press("Tab")
    assert by_hand(course) == [("ada", "answer-why", 2.0)]
    grade_class(course, NAME, workers=1, again=True, yes=True, progress=Silent())
    assert by_hand(course) == [("ada", "answer-why", 2.0)]


def test_a_comment_is_kept_when_graded_again(page: Any, lab: Jupyter, course: Course) -> None:
    page.goto(f"{lab.url}/formgrader/submissions/{submission_of(course, 'ada')}")
    page.wait_for_selector(f"text={ANSWER}")
    page.wait_for_load_state("networkidle")
    field = page.locator("textarea#answer-why-comment")
    with page.expect_response(lambda answer: "/api/comment/" in answer.url and answer.request.method == "PUT"):
        field.fill("Say why, too.")
        field.press("Tab")
    said = "SELECT manual_comment FROM comment WHERE manual_comment IS NOT NULL"
    assert rows(course, said) == [("Say why, too.",)]
    grade_class(course, NAME, workers=1, again=True, yes=True, progress=Silent())
    assert rows(course, said) == [("Say why, too.",)]


@pytest.fixture
def desk(course: Course) -> Iterator[str]:
    with desk_at(course) as found:
        yield found


def test_the_desk_shows_what_the_formgrader_writes_and_the_other_way_round(
    page: Any, lab: Jupyter, course: Course, desk: str
) -> None:
    in_formgrader = f"{lab.url}/formgrader/submissions/{submission_of(course, 'ada')}"
    page.goto(in_formgrader)
    page.wait_for_load_state("networkidle")
    for selector, written in (("input#answer-why", "1.5"), ("textarea#answer-why-comment", "From the formgrader.")):
        field = page.locator(selector)
        with page.expect_response(lambda answer: "/api/" in answer.url and answer.request.method == "PUT"):
            field.fill(written)
            field.press("Tab")

    page.goto(desk)
    page.goto(page.url + f"{NAME}/answer-why")
    while ANSWER not in page.locator(".answer").inner_text():
        page.locator("#after").click()
    assert "1.5 points, set in the formgrader" in page.locator("#state").inner_text()
    assert page.locator("textarea[name=comment]").input_value() == "From the formgrader."
    page.locator("textarea[name=comment]").fill("From the desk.")
    page.locator("#points").fill("2.5")
    with page.expect_navigation():
        page.locator("#save").click()
    assert by_hand(course)[0] == ("ada", "answer-why", 2.5)

    page.goto(in_formgrader)
    page.wait_for_load_state("networkidle")
    assert page.locator("input#answer-why").input_value() == "2.5"
    assert page.locator("textarea#answer-why-comment").input_value() == "From the desk."

"""The desk of an adopted nbgrader course: tasks, code and tests that a person grades."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbgrader.api
import pytest
from starlette.testclient import TestClient

from autograder.adopting.adoption import write_adoption
from autograder.authoring.adopted import Adoption, PlannedCheck
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.desk import application

from .conftest import SAME_ORIGIN, hand_in

SOURCE = Path(__file__).parents[1] / "adopting" / "courses" / "texts" / "source" / "week1" / "tasks.ipynb"
EVIL = "<script>document.title='broken'</script>"
TASK = "Draw what you found.\n### BEGIN MARK SCHEME\nTwo for axes, two for the bars.\n### END MARK SCHEME"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """One notebook with a task, code that a person grades, and a test that a person grades; Ada has answered all."""
    source = tmp_path / "source" / "week1" / "tasks.ipynb"
    source.parent.mkdir(parents=True)
    notebook = json.loads(SOURCE.read_text())
    notebook["cells"][0]["source"] = TASK
    source.write_text(json.dumps(notebook))
    (tmp_path / "course.toml").write_text('id = "tasks"\n[directories]\nsource = "source"\n')
    (tmp_path / "adopted.toml").write_text("")
    course = Course.find(tmp_path)
    write_adoption(course, Adoption(checks={"week1/tasks": {"rolls": PlannedCheck("by hand")}}))
    assignment = load_assignment(course, "week1")
    hand_in(course, assignment, {"ada": answered(assignment), "bob": json.loads(assignment.release)})
    return course


def answered(assignment: Assignment) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(assignment.release)
    own = {"own": "chosen = 'my number'", "chance": "rolls = [4] * 50"}
    for cell in notebook["cells"]:
        cell["source"] = own.get(cell["metadata"].get("nbgrader", {}).get("grade_id", ""), cell["source"])
    drawn = {"cell_type": "markdown", "metadata": {}, "source": f"My bars are **tall**. {EVIL}", "id": "one"}
    code = {
        "cell_type": "code",
        "metadata": {},
        "source": "draw_bars()",
        "outputs": [],
        "execution_count": 1,
        "id": "two",
    }
    notebook["cells"][1:1] = [drawn, code]
    return notebook


@pytest.fixture
def client(course: Course) -> Iterator[TestClient]:
    with TestClient(application(course), headers=SAME_ORIGIN) as found:
        yield found


def answers(client: TestClient, question: str) -> dict[str, str]:
    """The page of each student's answer, by student."""
    page, found = client.get(f"/week1~tasks/{question}"), {}
    for _ in range(2):
        student = page.text.partition('<details id="who">')[2].partition("<p>")[2].partition("<")[0]
        found[student] = page.text
        after = page.text.partition('id="after" href="')[2].partition('"')[0]
        before = page.text.partition('id="before" href="')[2].partition('"')[0]
        page = client.get(after or before)
    return found


def give(client: TestClient, page: str, **data: str) -> None:
    address = page.partition('id="marking" action="')[2].partition('"')[0]
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    assert client.post(address, data={"seen": seen, **data}).status_code == 200


def test_every_question_that_waits_is_listed(client: TestClient) -> None:
    page = client.get("/").text
    assert [name in page for name in ("Draw", "Own", "Rolls")] == [True] * 3


def test_a_task_shows_the_students_own_cells_below_it_and_the_scheme(client: TestClient) -> None:
    pages = answers(client, "draw")
    assert "<strong>tall</strong>" in pages["ada"]
    assert "draw_bars" in pages["ada"]
    assert pages["ada"].count("<script") == 1
    assert "Two for axes" in pages["ada"]
    assert "Left as it was handed out." in pages["bob"]


def test_code_is_shown_beside_the_solution(client: TestClient) -> None:
    page = answers(client, "own")["ada"]
    assert "my number" in page
    assert "chosen" in page.partition("Marking scheme")[2]
    assert "BEGIN SOLUTION" not in page


def test_an_answer_that_was_deleted_is_shown_as_empty_and_a_question_without_a_scheme_says_so(course: Course) -> None:
    source = course.source / "week1" / "tasks.ipynb"
    notebook = json.loads(source.read_text())
    notebook["cells"][0]["source"] = "Draw what you found."
    source.write_text(json.dumps(notebook))
    assignment = load_assignment(course, "week1")
    emptied = json.loads(assignment.release)
    for cell in emptied["cells"]:
        cell["source"] = "  \n" if cell["metadata"].get("nbgrader", {}).get("grade_id") == "own" else cell["source"]
    hand_in(course, assignment, {"ada": emptied})
    with TestClient(application(course), headers=SAME_ORIGIN) as client:
        assert "nothing written" in answers(client, "own")["ada"]
        assert "has none for this question" in answers(client, "draw")["ada"]


def test_a_test_by_hand_shows_the_code_that_it_is_about(client: TestClient) -> None:
    page = answers(client, "rolls")["ada"]
    assert '<span class="mi">50</span>' in page.partition("Marking scheme")[0]
    assert "randint" in page.partition("Marking scheme")[2]


@pytest.mark.parametrize(("question", "points"), [("draw", 3.5), ("own", 1.0), ("rolls", 0.5)])
def test_marks_and_comments_are_nbgraders_own(client: TestClient, course: Course, question: str, points: float) -> None:
    give(client, answers(client, question)["ada"], points=str(points), comment="Seen.")
    with nbgrader.api.Gradebook(course.gradebook_url) as gradebook:
        (notebook,) = gradebook.find_submission("week1", "ada").notebooks
        (grade,) = [each for each in notebook.grades if each.name == question]
        assert (grade.manual_score, grade.needs_manual_grade) == (points, False)
        said = {each.name: each.comment for each in notebook.comments}
        assert said[question if question != "rolls" else "chance"] == "Seen."


def test_a_course_that_was_copied_elsewhere_is_read_there(course: Course, tmp_path: Path) -> None:
    moved = Course.find(shutil.copytree(course.root, tmp_path / "moved"))
    with TestClient(application(moved), headers=SAME_ORIGIN) as client:
        assert "my number" in answers(client, "own")["ada"]

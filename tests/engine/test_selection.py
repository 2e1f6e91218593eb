"""Wrong files and several files: no zero for what nobody looked at, and it is said which one was graded."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.authoring.build import build_course
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.grading_report import ClassReport, SubmissionReport
from autograder.engine.progress import Silent

from .conftest import NAME, RIGHT, SAMPLE, Class, Shared

OTHER = "01-one-function"


@pytest.fixture
def two(a_class: Class) -> Class:
    """A course with a second assignment, which shares names, checks and the cell for Google Colab with the first."""
    with (a_class.root / "course.toml").open("a") as settings:
        settings.write('colab_archive = "https://example.org/course.zip"\n')
    a_class.course = Course.find(a_class.root)
    folder = a_class.root / "solutions" / OTHER
    folder.mkdir()
    source = (SAMPLE / "two_functions.py").read_text().replace("# # Two functions", "# # One function")
    (folder / "one_function.py").write_text(source.replace("range(3, 6)", "range(3, 7)"))
    build_course(a_class.course)
    return a_class


def graded(a_class: Class, instant: Shared) -> ClassReport:
    return grade_class(a_class.course, NAME, make_executor=lambda: instant, progress=Silent(), yes=True)


def of(report: ClassReport, student: str) -> SubmissionReport:
    (found,) = [each for each in report.submissions if each.student == student]
    return found


def release(a_class: Class, name: str = NAME) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(load_assignment(a_class.course, name).release)
    return notebook


def solved(notebook: dict[str, Any], code: dict[str, str] = RIGHT) -> dict[str, Any]:
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        cell["source"] = code.get(name, cell["source"])
    return notebook


def encoded(notebook: dict[str, Any]) -> bytes:
    return json.dumps(notebook).encode()


def foreign(*sources: str) -> bytes:
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for source in sources
    ]
    return encoded({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


@pytest.mark.parametrize("state", ["solved", "blank", "without marks"])
def test_another_assignments_notebook_is_called_by_its_name(two: Class, instant: Shared, state: str) -> None:
    notebook = release(two, OTHER)
    if state != "blank":
        solved(notebook)
    for cell in notebook["cells"]:
        if state == "without marks":
            cell["metadata"] = {}
    two.hand_in_file("ada", encoded(notebook))
    two.hand_in("ben")
    report = graded(two, instant)
    assert of(report, "ada").kind == "unreadable"
    assert f"it is {OTHER}" in of(report, "ada").reason
    assert of(report, "ben").kind == "graded"
    assert "ada" not in two.totals()


def colab_cell(two: Class) -> dict[str, Any]:
    found: dict[str, Any] = next(
        cell for cell in release(two)["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "demo-colab"
    )
    return found


FOREIGN = {
    "somebody's own functions": foreign(*RIGHT.values()),
    "a blank one": foreign(""),
    "something else": foreign("import pandas as pd", "pd.DataFrame()"),
    "nbgrader's stubs": foreign("# YOUR CODE HERE\nraise NotImplementedError()"),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_notebook_of_something_else_is_unreadable(a_class: Class, instant: Shared, content: bytes) -> None:
    a_class.hand_in_file("ada", content)
    report = of(graded(a_class, instant), "ada")
    assert report.kind == "unreadable"
    assert str(a_class.root) in report.reason
    assert report.told.startswith("two_functions.ipynb is ")
    assert a_class.totals() == {} if (a_class.root / "gradebook.db").exists() else True


def test_the_cell_that_every_notebook_has_tells_nothing(two: Class, instant: Shared) -> None:
    notebook = json.loads(foreign(*RIGHT.values()))
    notebook["cells"].insert(0, colab_cell(two))
    two.hand_in_file("ada", encoded(notebook))
    report = of(graded(two, instant), "ada")
    assert report.kind == "unreadable"
    assert f"not a notebook of {NAME}" in report.reason


def test_an_honest_notebook_with_cells_of_another_assignment_is_graded(two: Class, instant: Shared) -> None:
    notebook = solved(release(two))
    notebook["cells"] += release(two, OTHER)["cells"][:4]
    two.hand_in_file("ada", encoded(notebook))
    assert of(graded(two, instant), "ada").kind == "graded"


@pytest.mark.parametrize(
    "name", ["two_functions-Copy1.ipynb", "final FINAL.ipynb", "work.IPYNB", "Ünïcode (2).ipynb", "work.ipynb.txt",
             "two_functions.ipynb (1)", "work.json", "mine/two_functions.ipynb"])  # fmt: skip
def test_work_beside_a_blank_original_is_graded_and_said(a_class: Class, instant: Shared, name: str) -> None:
    original = a_class.hand_in("ada", {})
    (original.parent / name).parent.mkdir(exist_ok=True)
    (original.parent / name).write_bytes(encoded(solved(release(a_class))))
    (original.parent / "notes.ipynb").write_bytes(foreign("print(1)"))
    report = of(graded(a_class, instant), "ada")
    assert report.kind == "graded"
    assert f"{name} was graded, since two_functions.ipynb beside it is blank" in report.reason
    again = of(graded(a_class, instant), "ada")
    assert (again.kind, again.reason) == ("stored", report.reason)


def test_a_notebook_that_was_renamed_is_graded_and_said(a_class: Class, instant: Shared) -> None:
    a_class.hand_in_file("ada", encoded(solved(release(a_class)))).rename(
        a_class.path("ada").with_name("final v2.ipynb")
    )
    a_class.hand_in_file("ben", b"%PDF-1.7").rename(a_class.path("ben").with_suffix(".pdf"))
    report = graded(a_class, instant)
    assert (of(report, "ada").kind, of(report, "ada").points) == ("graded", 4.0)
    assert of(report, "ada").reason == "final v2.ipynb was graded, though it is not called two_functions.ipynb."
    assert of(report, "ben").kind == "misplaced"
    assert "there is only two_functions.pdf, which is not a notebook" in of(report, "ben").reason


def test_work_in_two_notebooks_is_decided_by_a_person(a_class: Class, instant: Shared) -> None:
    original = a_class.hand_in("ada", {"double": RIGHT["double"]})
    (original.parent / "other.ipynb").write_bytes(encoded(solved(release(a_class))))
    a_class.hand_in("ben")
    report = graded(a_class, instant)
    assert of(report, "ada").kind == "misplaced"
    assert "two_functions.ipynb (1 answered), other.ipynb (2 answered)" in of(report, "ada").reason
    assert of(report, "ben").kind == "graded"
    assert report.exit_code == 3


@pytest.mark.parametrize("second", ["same", "blank", "foreign", "damaged", "link", "checkpoint"])
def test_a_second_notebook_without_other_work_is_nothing(a_class: Class, instant: Shared, second: str) -> None:
    original = a_class.hand_in("ada")
    beside = original.parent / "second.ipynb"
    if second == "link":
        beside.symlink_to("/etc/passwd")
    elif second == "checkpoint":
        (original.parent / ".ipynb_checkpoints").mkdir()
        shutil.copy(original, original.parent / ".ipynb_checkpoints" / "two_functions-checkpoint.ipynb")
    else:
        contents = {"same": original.read_bytes(), "blank": encoded(release(a_class)), "foreign": foreign("x"),
                    "damaged": b"{"}  # fmt: skip
        beside.write_bytes(contents[second])
    report = of(graded(a_class, instant), "ada")
    assert (report.kind, report.reason) == ("graded", "")


def test_what_lies_where_a_students_linked_folder_leads_is_not_looked_at(a_class: Class, instant: Shared) -> None:
    """Another student's work may lie deeper there, where the link is no step of its path any more."""
    path = a_class.hand_in("ada")
    (path.parent / "later").mkdir()
    path.rename(path.parent / "later" / "work.ipynb")
    (a_class.root / "submitted" / "eve").symlink_to(path.parent.parent)
    report = of(graded(a_class, instant), "eve")
    assert report.kind != "graded"
    assert "link" in report.reason


def test_a_damaged_original_beside_other_work_is_decided_by_a_person(a_class: Class, instant: Shared) -> None:
    original = a_class.hand_in_file("ada", encoded(solved(release(a_class)))[:700])
    (original.parent / "second.ipynb").write_bytes(encoded(solved(release(a_class))))
    assert of(graded(a_class, instant), "ada").kind == "misplaced"


def test_work_that_a_person_has_to_look_at_is_reported_with_its_grade(a_class: Class, instant: Shared) -> None:
    notebook = solved(release(a_class))
    notebook["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": "Two and two are four, I think."})
    a_class.hand_in_file("ada", encoded(notebook))
    report = of(graded(a_class, instant), "ada")
    assert report.kind == "graded"
    assert "answer-why: Your answer is empty, but there is text of your own in cell 1." in report.reason
    assert a_class.totals() == {"ada": 4.0}


def test_whoever_solves_in_the_released_folder_is_graded_like_everybody(a_class: Class, instant: Shared) -> None:
    path = a_class.root / "notebooks" / NAME / "two_functions.ipynb"
    path.write_bytes(encoded(solved(json.loads(path.read_text()))))
    a_class.hand_in_file("me", path.read_bytes())
    assert of(graded(a_class, instant), "me").points == 4.0

"""What students get is derived from the source alone, as nbgrader would, whatever happened to ``notebooks/``."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions, ComputeChecksums, LockCells

from autograder.authoring.assignment import load_assignment
from autograder.authoring.build import build_assignment
from autograder.authoring.differences import drift, remarks_on_release
from autograder.authoring.source_cells import checksum, released
from autograder.course import Course
from autograder.errors import AuthoringError

COURSE = Course.find(Path(__file__).parent)
SAMPLE = Path(__file__).parents[1] / "submission" / "sample" / "tiny_topic.py"
NAME = "00-tiny-topic"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "course.toml").write_text('id = "tiny"\nfixed_secret = "tiny"\n')
    (tmp_path / "solutions" / NAME).mkdir(parents=True)
    shutil.copy(SAMPLE, tmp_path / "solutions" / NAME)
    made = Course.find(tmp_path)
    build_assignment(made, NAME)
    return made


def by_nbgrader(source: dict[str, Any]) -> dict[str, Any]:
    notebook, resources = nbformat.from_dict(copy.deepcopy(source)), dict[str, Any]()
    for step in (LockCells, ClearSolutions, ClearOutput, ClearHiddenTests, ComputeChecksums):
        notebook, resources = step().preprocess(notebook, resources)
    made: dict[str, Any] = json.loads(json.dumps(notebook))
    return made


@pytest.mark.parametrize("name", COURSE.assignments())
def test_the_release_is_what_nbgrader_would_make(name: str) -> None:
    (path,) = (COURSE.source / name).glob("*.ipynb")
    source = json.loads(path.read_text())
    assert released(source) == by_nbgrader(source)


def cell(source: str, cell_type: str = "code", **marks: Any) -> dict[str, Any]:
    made = {"cell_type": cell_type, "id": "a", "source": source, "metadata": {"collapsed": True}}
    if marks:
        grades = {"schema_version": 3, "task": False, "locked": False, "grade": False, "solution": False}
        made["metadata"] = {"nbgrader": {**grades, "grade_id": "g", **marks}}
    return made | ({"outputs": [{"output_type": "stream"}], "execution_count": 3} if cell_type == "code" else {})


SOLUTION = (
    "def f(x):\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
    "\tif x:\n\t### BEGIN SOLUTION\n\t### END SOLUTION"
)


@pytest.mark.parametrize(
    "odd",
    [
        cell(SOLUTION, solution=True), cell("return 1", solution=True), cell("", solution=True),
        cell("Why?", "markdown", solution=True, grade=True, points=2), cell("x = 1", locked=True, grade=True, points=1),
        cell("a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc", grade=True, points=0.5, locked=True),
        cell("x = 1", locked=True), cell("x = 1"), cell("text", "markdown"), cell("é ∑", locked=True),
    ],
)  # fmt: skip
def test_every_kind_of_cell_is_released_as_nbgrader_does(odd: dict[str, Any]) -> None:
    source = {"cells": [odd], "metadata": {"celltoolbar": "Create"}, "nbformat": 4, "nbformat_minor": 5}
    assert released(source) == by_nbgrader(source)


def test_an_unclosed_region_is_refused() -> None:
    source = {"cells": [cell("### BEGIN SOLUTION", solution=True)], "metadata": {}}
    with pytest.raises(AuthoringError, match="cell 1"):
        released(source)


def test_a_checksum_tells_a_changed_cell(course: Course) -> None:
    for each in json.loads(load_assignment(course, NAME).release)["cells"]:
        if each["metadata"].get("autograder", {"kind": "demo"})["kind"] != "demo":
            kept = each["metadata"]["nbgrader"]["checksum"]
            assert checksum(each) == kept
            assert checksum(each | {"source": each["source"] + " "}) != kept


@pytest.mark.parametrize("name", COURSE.assignments())
def test_students_can_type_into_demonstrations_and_into_nothing_that_a_grade_hangs_on(name: str) -> None:
    (path,) = (COURSE.source / name).glob("*.ipynb")
    marked = [
        each["metadata"] for each in released(json.loads(path.read_text()))["cells"] if "nbgrader" in each["metadata"]
    ]
    editable = {
        kind: {marks.get("editable", True) for marks in marked if marks["autograder"]["kind"] == kind}
        for kind in ("given", "check", "demo", "exercise")
    }
    assert editable == {"given": {False}, "check": {False}, "demo": {True}, "exercise": {True}}


def solve(path: Path) -> None:
    notebook = json.loads(path.read_text())
    for each in notebook["cells"]:
        if each["metadata"].get("nbgrader", {}).get("grade_id") == "double":
            each["source"] = "def double(x):\n    return x + x"
    path.write_text(json.dumps(notebook))


@pytest.mark.parametrize("damage", ["solved", "gone", "emptied"])
def test_the_skeleton_does_not_come_from_where_people_work(course: Course, damage: str) -> None:
    before = load_assignment(course, NAME)
    path = course.release / NAME / "tiny_topic.ipynb"
    solve(path) if damage == "solved" else path.unlink() if damage == "gone" else path.write_text("")
    assert load_assignment(course, NAME) == before


def test_the_doctor_says_where_the_released_notebook_differs(course: Course) -> None:
    assert remarks_on_release(course.root) == []
    path = course.release / NAME / "tiny_topic.ipynb"
    solve(path)
    (remark,) = remarks_on_release(course.root)
    assert str(path) in remark
    assert "(double)" in remark
    assert f"autograder build {NAME}" in remark
    path.unlink()
    assert "is missing" in drift(course, load_assignment(course, NAME))
    path.write_text("{")
    assert "is damaged" in drift(course, load_assignment(course, NAME))


def test_outputs_and_layout_are_no_difference(course: Course) -> None:
    path = course.release / NAME / "tiny_topic.ipynb"
    notebook = json.loads(path.read_text())
    for each in notebook["cells"]:
        each["source"] = each["source"].splitlines(keepends=True)
        if each["cell_type"] == "code":
            each["execution_count"] = 3
    path.write_text(json.dumps(notebook))
    assert remarks_on_release(course.root) == []


@pytest.mark.parametrize("stray", ["tiny_topic-Copy1.ipynb", "Untitled.ipynb", "a copy.ipynb"])
def test_a_stray_notebook_beside_a_source_is_named_with_the_way_out(course: Course, stray: str) -> None:
    folder = course.source / NAME
    shutil.copy(folder / "tiny_topic.ipynb", folder / stray)
    with pytest.raises(AuthoringError, match=f"Move {stray} out of the folder") as caught:
        load_assignment(course, NAME)
    assert "There is no assignment" not in str(caught.value)
    assert stray in remarks_on_release(course.root)[0]


def test_two_notebooks_without_an_authors_file_are_named(course: Course) -> None:
    folder = course.source / NAME
    (folder / "tiny_topic.py").unlink()
    shutil.copy(folder / "tiny_topic.ipynb", folder / "problem2.ipynb")
    with pytest.raises(AuthoringError, match=r"2 notebooks: problem2\.ipynb, tiny_topic\.ipynb"):
        load_assignment(course, NAME)

"""Source notebooks of nbgrader's are read as they are, whatever version wrote them and however they mark regions."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.adopting.adoption import make_course, markers_of
from autograder.adopting.autotests import keep_autotests
from autograder.adopting.beside_nbgrader import by_nbgrader
from autograder.authoring.adopted import Adoption, PlannedCheck, autotests_path, check_digest, notebooks_of
from autograder.authoring.assignment import Assignment, adopted_assignment, load_assignment
from autograder.authoring.instructors_notebook import Markers, read_instructors_notebook, schemes_in
from autograder.course import Course
from autograder.errors import AuthoringError, CourseError

TEMPLATES = Path(__file__).parent / "courses" / "springs" / "autotests.yml"
SOLUTION = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
CHECK = "assert double(1) == 2\n### BEGIN HIDDEN TESTS\nassert double(3) == 6\n### END HIDDEN TESTS"


def notebook(*cells: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    made = []
    for kind, source, marks in cells:
        metadata = {"nbgrader": marks} if marks else {}
        cell: dict[str, Any] = {"cell_type": kind, "metadata": metadata, "source": source}
        made.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}


def small(**changes: Any) -> dict[str, Any]:
    check = {"grade_id": "test", "grade": True, "solution": False, "locked": True, "points": 0.3, "schema_version": 3}
    return notebook(
        ("markdown", "# Twice", {}),
        ("code", "import math", {}),
        ("code", SOLUTION, {"grade_id": "double", "grade": False, "solution": True, "schema_version": 3}),
        ("code", CHECK, check | changes),
    )


def write(folder: Path, content: Any, config: str = "", name: str = "ps1/one") -> Course:
    path = folder / "source" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    (folder / "nbgrader_config.py").write_text(f"c = get_config()\n{config}\n")
    return make_course(folder)


def read(folder: Path, content: Any, config: str = "") -> Assignment:
    course = write(folder, content, config)
    return adopted_assignment(course, "ps1/one", Adoption(markers=markers_of(folder)))


def test_each_cell_has_its_kind_and_its_points(tmp_path: Path) -> None:
    assignment = read(tmp_path, small())
    assert [cell.kind for cell in assignment.cells] == ["prose", "free", "exercise", "check"]
    assert assignment.checks[0].points == 0.3
    assert assignment.checks[0].exercise == "double"


def test_students_get_neither_solution_nor_hidden_tests(tmp_path: Path) -> None:
    release = read(tmp_path, small()).release
    assert "return 2 * x" not in release
    assert "double(3)" not in release
    assert "raise NotImplementedError()" in release


@pytest.mark.parametrize(
    "marks",
    [
        {"schema_version": 1, "points": "2", "locked": False},
        {"schema_version": 2, "points": 2, "cell_type": "code"},
        {"schema_version": 3, "points": 2.0, "task": False},
    ],
)
def test_marks_of_every_schema_version_mean_the_same(tmp_path: Path, marks: dict[str, Any]) -> None:
    (check,) = read(tmp_path, small(**marks)).checks
    assert (check.kind, check.points) == ("check", 2.0)


def test_a_notebook_of_format_3_is_read(tmp_path: Path) -> None:
    old = nbformat.convert(nbformat.from_dict(small()), 3)  # type: ignore[no-untyped-call]
    assignment = read(tmp_path, json.dumps(old))
    assert [cell.kind for cell in assignment.cells][-2:] == ["exercise", "check"]


def test_markers_that_the_course_configures_are_understood(tmp_path: Path) -> None:
    text = json.dumps(small()).replace("BEGIN SOLUTION", "<answer>").replace("END SOLUTION", "</answer>")
    text = text.replace("BEGIN HIDDEN TESTS", "<secret>").replace("END HIDDEN TESTS", "</secret>")
    config = (
        "c.ClearSolutions.begin_solution_delimeter = '<answer>'\n"
        "c.ClearSolutions.end_solution_delimeter = '</answer>'\n"
        "c.ClearSolutions.code_stub = {'python': '# yours'}\n"
        "c.ClearHiddenTests.begin_test_delimeter = '<secret>'\nc.ClearHiddenTests.end_test_delimeter = '</secret>'"
    )
    assignment = read(tmp_path, text, config)
    assert assignment.cells[2].release_source == "def double(x):\n    # yours"
    assert assignment.checks[0].release_source.strip() == "assert double(1) == 2"


def test_a_solution_without_markers_is_cleared_as_a_whole(tmp_path: Path) -> None:
    assignment = read(tmp_path, json.dumps(small()).replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", ""))
    assert assignment.cells[2].release_source == "# YOUR CODE HERE\nraise NotImplementedError()"


def test_a_task_has_points_that_a_person_gives(tmp_path: Path) -> None:
    task = {"grade_id": "t", "grade": False, "solution": False, "locked": True, "task": True, "points": 4}
    text = "Draw.\n### BEGIN MARK SCHEME\nFour for a picture.\n### END MARK SCHEME"
    assignment = read(tmp_path, notebook(("markdown", text, task)))
    assert assignment.max_points == 4
    assert "picture" not in assignment.release


def test_two_cells_of_one_name_are_refused_with_the_way_out(tmp_path: Path) -> None:
    twice = small()
    twice["cells"].append(twice["cells"][-1])
    with pytest.raises(AuthoringError, match=r"two cells are called 'test'. Rename one"):
        read(tmp_path, twice)


def test_another_language_is_left_to_nbgrader(tmp_path: Path) -> None:
    other = small()
    other["metadata"]["kernelspec"] = {"name": "ir", "language": "R"}
    with pytest.raises(AuthoringError, match="Only Python"):
        read(tmp_path, other)


@pytest.mark.parametrize("content", ["", "[]", '{"cells": 1}', "not a notebook"])
def test_what_is_no_notebook_is_named(tmp_path: Path, content: str) -> None:
    with pytest.raises(AuthoringError, match=r"one\.ipynb cannot be read as a notebook"):
        read(tmp_path, content)


def test_a_folder_without_source_notebooks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="is not an nbgrader course"):
        make_course(tmp_path)


def test_a_course_of_this_package_is_not_adopted(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('id = "own"\n')
    with pytest.raises(CourseError, match="nothing to adopt"):
        write(tmp_path, small())


def test_a_check_that_was_changed_since_is_not_graded_by_what_was_found_before(tmp_path: Path) -> None:
    course = write(tmp_path, small())
    plan = {"ps1/one": {"test": PlannedCheck("apart", check_digest("assert True"))}}
    (tmp_path / "adopted.toml").write_text("")
    with pytest.raises(AuthoringError, match=r"'test'.*Run `autograder adopt"):
        load_assignment(Course.find(tmp_path), "ps1")
    with pytest.raises(AuthoringError, match="not known yet"):
        adopted_assignment(course, "ps1", Adoption(checks=plan)) and load_assignment(Course.find(tmp_path), "ps1")


def test_an_assignment_of_several_notebooks_names_them(tmp_path: Path) -> None:
    write(tmp_path, small())
    course = write(tmp_path, small(), name="ps1/two")
    with pytest.raises(AuthoringError, match="Name one of ps1/one, ps1/two"):
        adopted_assignment(course, "ps1", Adoption())


def test_reading_changes_no_byte_of_the_notebook(tmp_path: Path) -> None:
    course = write(tmp_path, small())
    path = course.source / "ps1" / "one.ipynb"
    before = path.read_bytes()
    assert read_instructors_notebook(path, Markers()) == read_instructors_notebook(path, Markers())
    assert path.read_bytes() == before


def with_autotest() -> dict[str, Any]:
    content = small()
    content["cells"][-1]["source"] = "### AUTOTEST double(2)"
    return content


def test_autotest_lines_wait_until_their_tests_are_written(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError, match=r"one\.ipynb has AUTOTEST lines.*Run `autograder adopt"):
        read(tmp_path, with_autotest())


def test_tests_of_another_notebook_are_not_taken_for_those_of_autotest_lines(tmp_path: Path) -> None:
    course = write(tmp_path, with_autotest())
    kept = autotests_path(course, "ps1/one")
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"of": "another", "cells": {"test": "assert True"}}))
    with pytest.raises(AuthoringError, match="was changed since"):
        adopted_assignment(course, "ps1/one", Adoption())


def test_autotest_lines_without_their_templates_are_named(tmp_path: Path) -> None:
    course = write(tmp_path, with_autotest())
    with pytest.raises(AuthoringError, match=r"no autotests\.yml, neither beside it nor in"):
        keep_autotests(course, "ps1/one", Adoption())


@pytest.mark.parametrize("call", ["double(2)", "double(nothing)"])
def test_what_nbgrader_starts_to_make_tests_is_ended(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbgrader.preprocessors import instantiatetests

    started, start = [], instantiatetests.start_new_kernel

    def noted(**options: Any) -> tuple[Any, Any]:
        started.append(start(**options))
        return started[-1]

    monkeypatch.setattr(instantiatetests, "start_new_kernel", noted)
    content = small()
    content["cells"][-1]["source"] = f"### AUTOTEST {call}"
    course = write(tmp_path, content)
    shutil.copyfile(TEMPLATES, course.root / "autotests.yml")
    with nullcontext() if call == "double(2)" else pytest.raises(AuthoringError, match="NameError"):
        keep_autotests(course, "ps1/one", Adoption())
    ((manager, client),) = started
    assert not manager.has_kernel
    assert not client.channels_running


def test_a_comment_about_autotests_in_a_text_is_no_line_of_them(tmp_path: Path) -> None:
    content = small()
    content["cells"][0]["source"] = "# About AUTOTEST lines"
    assert keep_autotests(write(tmp_path, content), "ps1/one", Adoption()) is False


def test_a_marking_scheme_is_read_for_the_staff_alone(tmp_path: Path) -> None:
    task = {"grade_id": "t", "grade": False, "solution": False, "locked": True, "task": True, "points": 4}
    text = "Draw.\n### BEGIN MARK SCHEME\nFour for a picture.\n### END MARK SCHEME"
    course = write(tmp_path, notebook(("markdown", text, task)))
    assert schemes_in(course.source / "ps1" / "one.ipynb", Markers()) == {"t": "Four for a picture."}


def test_a_notebook_that_was_left_to_nbgrader_is_not_graded_here(tmp_path: Path) -> None:
    write(tmp_path, small())
    course = write(tmp_path, small(), name="ps1/two")
    left = Adoption(left={"ps1/two": "It is written in R."})
    assert notebooks_of(course, "ps1", left) == ["ps1/one"]
    with pytest.raises(AuthoringError, match=r"It is written in R\."):
        notebooks_of(course, "ps1/two", left)


@pytest.mark.slow
def test_nbgrader_itself_releases_old_notebooks_for_the_comparison(tmp_path: Path) -> None:
    """By itself nbgrader refuses schema version 1 until somebody runs `nbgrader update`."""
    old = {"schema_version": 1, "grade": False, "solution": False, "locked": False}
    content = notebook(
        ("code", SOLUTION, {**old, "grade_id": "double", "solution": True}),
        ("code", CHECK, {**old, "grade_id": "test", "grade": True, "points": 2, "locked": True}),
    )
    course = write(tmp_path, content)
    released = Path(by_nbgrader(course.root, ["ps1"], "release")["release"]) / "ps1" / "one.ipynb"
    assert "raise NotImplementedError()" in released.read_text()

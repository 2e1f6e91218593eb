"""A student's work ends on the released skeleton, whatever was done to the notebook, and every repair is explained."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import nbformat
import pytest

from autograder.authoring.assignment import Assignment
from autograder.errors import UnreadableSubmission
from autograder.submission.alignment import align
from autograder.submission.model import Repair, Submission

Notebook = dict[str, Any]


def cell_of(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def code(source: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source} | more


def place(notebook: Notebook, grade_id: str) -> int:
    return notebook["cells"].index(cell_of(notebook, grade_id))


def kinds(submission: Submission) -> list[str]:
    return [cell.grade_id or cell.kind for cell in submission.cells]


def repairs_at(submission: Submission, cell: str) -> list[Repair]:
    return [repair for repair in submission.repairs if repair.cell == cell]


def test_an_honest_notebook_needs_no_repair(answered: Notebook, assignment: Assignment) -> None:
    submission = align(answered, assignment)
    assert submission.repairs == ()
    assert [cell.cell_id for cell in submission.cells] == [cell.cell_id for cell in assignment.cells]
    assert submission.cell("double").source == "def double(x):\n    return x + x\n"
    assert submission.cell("answer-why").source == "Because 2 + 2 = 4."


def test_only_released_text_and_the_students_own_is_in_a_submission(answered: Notebook, assignment: Assignment) -> None:
    text = "".join(cell.source for cell in align(answered, assignment).cells)
    assert "canary_of_the_tiny_topic" not in text
    assert "return 2 * x" not in text


def test_saving_and_running_again_keeps_the_key(answered: Notebook, assignment: Assignment) -> None:
    key = align(answered, assignment).key
    saved = copy.deepcopy(answered)
    for number, cell in enumerate(saved["cells"]):
        cell["source"] = cell["source"].replace("\n", "\r\n").splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "hello"}]
    saved["metadata"] = {"colab": {"provenance": []}, "vscode": {"interpreter": {"hash": "0"}}}
    cell_of(saved, "answer-why")["source"] = "Another reason."
    saved["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "a note"})
    assert align(saved, assignment).key == key
    cell_of(saved, "double")["source"] = "def double(x):\n    return 2 * x\n"
    assert align(saved, assignment).key != key


def test_own_code_stays_behind_the_cell_it_followed(answered: Notebook, assignment: Assignment) -> None:
    answered["cells"].insert(0, code("first = 1"))
    answered["cells"].insert(place(answered, "double"), code("before = 1"))
    answered["cells"].insert(place(answered, "double") + 1, code("after = 1"))
    submission = align(answered, assignment)
    sources = [cell.source for cell in submission.cells]
    assert sources[0] == "first = 1"
    assert sources[sources.index("before = 1") + 1].startswith("def double")
    assert sources[sources.index("after = 1") - 1].startswith("def double")
    assert [cell.cell_id for cell in submission.cells if cell.kind == "extra"] == ["extra-1", "extra-2", "extra-3"]
    assert submission.repairs == ()


def test_where_own_code_stands_is_part_of_the_key(answered: Notebook, assignment: Assignment) -> None:
    early, late = copy.deepcopy(answered), copy.deepcopy(answered)
    early["cells"].insert(0, code("OFFSET = 2"))
    late["cells"].append(code("OFFSET = 2"))
    assert align(early, assignment).key != align(late, assignment).key


@pytest.mark.parametrize("grade_id", ["double", "check-double-general", "answer-why", "shift"])
def test_a_deleted_cell_comes_back_in_its_place(grade_id: str, answered: Notebook, assignment: Assignment) -> None:
    answered["cells"].remove(cell_of(answered, grade_id))
    submission = align(answered, assignment)
    assert kinds(submission) == [cell.grade_id or cell.kind for cell in assignment.cells]
    released = next(cell for cell in assignment.cells if cell.grade_id == grade_id)
    assert submission.cell(grade_id).source == released.release_source
    assert "was missing" in repairs_at(submission, grade_id)[0].what


def test_a_locked_cell_always_comes_from_the_course(answered: Notebook, assignment: Assignment) -> None:
    cell_of(answered, "check-double-by-hand")["source"] = "pass  # I would like a point"
    submission = align(answered, assignment)
    assert submission.cell("check-double-by-hand").source.startswith("assert double(2) == 4")
    assert "had changed" in repairs_at(submission, "check-double-by-hand")[0].what
    assert all("I would like" not in cell.source for cell in submission.cells)


def test_a_demonstration_may_be_changed_and_nothing_is_said(answered: Notebook, assignment: Assignment) -> None:
    demo = next(cell for cell in answered["cells"] if cell["metadata"].get("autograder", {}).get("kind") == "demo")
    demo["source"] = "seeds = 10"
    submission = align(answered, assignment)
    assert not [repair for repair in submission.repairs if "had changed" in repair.what]
    assert all("seeds = 10" not in cell.source for cell in submission.cells)


def test_a_duplicated_check_is_used_once(answered: Notebook, assignment: Assignment) -> None:
    check = cell_of(answered, "check-double-general")
    answered["cells"].insert(2, copy.deepcopy(check))
    submission = align(answered, assignment)
    assert kinds(submission) == [cell.grade_id or cell.kind for cell in assignment.cells]
    assert "2 times" in repairs_at(submission, "check-double-general")[0].what


def test_of_two_copies_of_an_exercise_the_last_filled_one_is_graded(answered: Notebook, assignment: Assignment) -> None:
    first = cell_of(answered, "double")
    second = copy.deepcopy(first) | {"source": "def double(x):\n    return x * 2\n", "id": "copy"}
    blank = copy.deepcopy(first) | {"source": assignment.exercises["double"].release_source, "id": "blank"}
    answered["cells"][place(answered, "double") + 1 : place(answered, "double") + 1] = [second, blank]
    submission = align(answered, assignment)
    assert submission.cell("double").source == second["source"]
    assert "3 times" in repairs_at(submission, "double")[0].what
    assert [cell.source for cell in submission.cells if cell.kind == "extra"] == [first["source"]]


def test_both_halves_of_a_split_cell_still_run_in_order(answered: Notebook, assignment: Assignment) -> None:
    whole = cell_of(answered, "double")
    helper = copy.deepcopy(whole) | {"source": "def twice(x):\n    return x + x", "id": "half"}
    whole["source"] = "def double(x):\n    return twice(x)"
    answered["cells"].insert(place(answered, "double"), helper)
    submission = align(answered, assignment)
    sources = [cell.source for cell in submission.cells if cell.is_student_code]
    assert sources[:2] == [helper["source"], whole["source"]]
    assert submission.cell("double").source == whole["source"]


def test_an_exercise_solved_in_a_new_cell_is_found_by_its_name(released: Notebook, assignment: Assignment) -> None:
    solved = code("def double(x):\n    return x + x")
    released["cells"].insert(place(released, "double"), solved)
    submission = align(released, assignment)
    assert submission.cell("double").source == solved["source"]
    assert all(cell.kind != "extra" for cell in submission.cells)
    assert "defines its name" in repairs_at(submission, "double")[0].what


@pytest.mark.parametrize("grade_id", ["double", "answer-why", "check-shift-by-hand"])
@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
def test_a_retyped_cell_gets_its_type_back(
    grade_id: str, kind: str, answered: Notebook, assignment: Assignment
) -> None:
    expected = align(answered, assignment)
    cell = cell_of(answered, grade_id)
    changed = cell["cell_type"] != kind
    cell["cell_type"] = kind
    submission = align(answered, assignment)
    assert submission.cells == expected.cells
    assert bool(repairs_at(submission, grade_id)) is changed


def test_moved_cells_go_back_and_only_they_are_named(answered: Notebook, assignment: Assignment) -> None:
    shift = cell_of(answered, "shift")
    answered["cells"].remove(shift)
    answered["cells"].insert(0, shift)
    submission = align(answered, assignment)
    assert kinds(submission) == [cell.grade_id or cell.kind for cell in assignment.cells]
    assert [repair.cell for repair in submission.repairs] == ["shift"]
    assert "moved" in submission.repairs[0].what


def test_cells_without_marks_are_known_by_their_ids(answered: Notebook, assignment: Assignment) -> None:
    for cell in answered["cells"]:
        cell["metadata"] = {}
    submission = align(answered, assignment)
    assert submission.cell("double").source == "def double(x):\n    return x + x\n"
    assert kinds(submission) == [cell.grade_id or cell.kind for cell in assignment.cells]
    assert len(submission.repairs) == 1


def test_cells_without_marks_and_ids_are_known_by_text_and_name(answered: Notebook, assignment: Assignment) -> None:
    for cell in answered["cells"]:
        cell["metadata"] = {"id": "Xy3_fooBAR"}  # As Colab saves it.
        cell.pop("id")
    submission = align(answered, assignment)
    assert submission.cell("double").source == "def double(x):\n    return x + x\n"
    assert submission.cell("shift").source == "def shift(x):\n    return OFFSET + x\n"
    assert submission.cell("answer-why").source == "Because 2 + 2 = 4."
    assert kinds(submission) == [cell.grade_id or cell.kind for cell in assignment.cells]


def test_tampered_points_and_tags_are_ignored_and_named(answered: Notebook, assignment: Assignment) -> None:
    check = cell_of(answered, "check-double-general")
    check["metadata"]["nbgrader"]["points"] = 2000
    check["metadata"]["tags"] = ["skip-execution"]
    submission = align(answered, assignment)
    whats = " ".join(repair.what for repair in submission.repairs)
    assert "2000 points" in whats
    assert "skip-execution" in whats


def test_notes_in_the_courses_text_are_kept_below_it(answered: Notebook, assignment: Assignment) -> None:
    place = next(number for number, cell in enumerate(assignment.cells) if cell.kind == "prose")
    answered["cells"][place]["source"] += "\n\nRemember: exam on Friday."
    submission = align(answered, assignment)
    assert submission.cells[place].source == assignment.cells[place].release_source
    assert submission.cells[place + 1].kind == "note"
    assert "exam on Friday" in submission.cells[place + 1].source


def test_format_3_is_converted(answered: Notebook, assignment: Assignment) -> None:
    new = nbformat.from_dict(answered)
    for cell in new.cells:
        cell.metadata.pop("editable", None)
    old = json.loads(json.dumps(nbformat.convert(new, 3)))
    assert "worksheets" in old
    submission = align(old, assignment)
    assert submission.key == align(answered, assignment).key
    assert "format 3" in submission.repairs[0].what


@pytest.mark.parametrize("minor", [0, 1, 2, 3, 4])
def test_formats_before_cell_ids_are_read(minor: int, answered: Notebook, assignment: Assignment) -> None:
    for cell in answered["cells"]:
        cell.pop("id")
    answered["nbformat_minor"] = minor
    submission = align(answered, assignment)
    assert submission.cell("double").source == "def double(x):\n    return x + x\n"


@pytest.mark.parametrize(
    "odd",
    [None, 3, "cell", [], {}, {"cell_type": "code"}, {"cell_type": 7, "source": "x = 1"}, {"source": {"a": 1}},
     code(None), code(["a", 3]), code(["x = ", "1"]), code({"x": 1}), code("x", metadata=[1]), code("x", metadata=None),
     code("x", metadata={"nbgrader": 3, "tags": "all"}), code("x", metadata={"nbgrader": {"grade_id": ["double"]}}),
     code("x", metadata={"nbgrader": {"grade_id": "double", "points": {}}, "tags": [3, None]}),
     code("x", id=3), code("x", id="a" * 10_000), code("lone \ud800 surrogate"), code("nul \0 byte"),
     {"cell_type": "widget", "source": "?"}, {"cell_type": "heading", "level": 2, "source": "Title"}],
)  # fmt: skip
def test_an_odd_cell_never_stops_the_rest(odd: Any, answered: Notebook, assignment: Assignment) -> None:
    answered["cells"].insert(4, odd)
    submission = align(answered, assignment)
    assert submission.cell("double").source == "def double(x):\n    return x + x\n"
    assert "".join(cell.source for cell in submission.cells).encode("utf-8")


@pytest.mark.parametrize("cells", [[], [None], [{}], [code("")], [code("print(1)")]])
def test_a_notebook_of_something_else_is_refused(cells: list[Any], assignment: Assignment) -> None:
    with pytest.raises(UnreadableSubmission, match=r"\.$"):
        align({"nbformat": 4, "cells": cells}, assignment)


@pytest.mark.parametrize("worksheets", [None, [], [3], [{"cells": 3}], [{"cells": [{"cell_type": "code"}]}], {}])
def test_a_broken_old_notebook_is_refused(worksheets: Any, assignment: Assignment) -> None:
    with pytest.raises(UnreadableSubmission):
        align({"nbformat": 3, "worksheets": worksheets}, assignment)


def test_too_many_cells_are_refused(assignment: Assignment) -> None:
    with pytest.raises(UnreadableSubmission, match="the limit is 5000"):
        align({"nbformat": 4, "cells": [code("x")] * 5001}, assignment)


def test_aligning_what_was_aligned_changes_nothing(answered: Notebook, assignment: Assignment) -> None:
    random.Random(5).shuffle(answered["cells"])
    answered["cells"].insert(3, code("helper = 1"))
    once = align(answered, assignment)
    marks = {cell.cell_id: cell for cell in assignment.cells}
    notebook = {
        "nbformat": 4,
        "cells": [
            {"cell_type": c.cell_type, "id": c.cell_id, "source": c.source,
             "metadata": {"nbgrader": {"grade_id": c.grade_id}} if c.cell_id in marks else {}}
            for c in once.cells
        ],
    }  # fmt: skip
    again = align(notebook, assignment)
    assert again.cells == once.cells
    assert again.key == once.key


BOUNDS = {
    "statements in a given cell": ("given", "code", "x=1\n" * 250_000),
    "an exercise as text": ("exercise", "markdown", "x=1\n" * 250_000),
    "statements behind a picture's address": (
        "exercise", "markdown", "data:image/png;base64," + "A" * 200 + ";x=1" * 250_000
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "cell_type", "text"), BOUNDS.values(), ids=BOUNDS)
def test_more_code_and_text_than_anybody_writes_is_refused_before_it_is_looked_at(
    kind: str, cell_type: str, text: str, assignment: Assignment
) -> None:
    notebook = json.loads(assignment.release)
    cell = next(each for each in notebook["cells"] if each["metadata"].get("autograder", {}).get("kind") == kind)
    cell.update(cell_type=cell_type, source=text)
    with pytest.raises(UnreadableSubmission, match="characters of code and text"):
        align(notebook, assignment)


def test_a_large_picture_in_a_text_is_no_text(assignment: Assignment) -> None:
    notebook = json.loads(assignment.release)
    picture = "![x](data:image/png;base64," + "iVBORw0K" * 400_000 + ")"
    notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": picture})
    assert align(notebook, assignment).cells[-1].source == picture


def test_an_old_notebook_of_very_many_cells_is_refused_before_it_is_converted(assignment: Assignment) -> None:
    sheets = [{"cells": [{}] * 3000}, {"cells": [{}] * 3000}]
    with pytest.raises(UnreadableSubmission, match="has 6000 cells; the limit is 5000"):
        align({"nbformat": 3, "worksheets": sheets}, assignment)


def test_code_that_is_nested_too_deeply_to_be_written_out_is_read_as_it_stands(assignment: Assignment) -> None:
    notebook = json.loads(assignment.release)
    for cell in notebook["cells"]:
        if cell["metadata"].get("autograder", {}).get("kind") in ("given", "check"):
            cell["source"] += "\nx = 1" + " + 1" * 600
    assert align(notebook, assignment)

"""No zero without the work being looked at: it is found where it stands, or a person is told where it may be."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from autograder.authoring.assignment import Assignment
from autograder.errors import UnreadableSubmission
from autograder.submission.alignment import align
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

Notebook = dict[str, Any]
DOUBLE = "def double(x):\n    return x + x\n"
SHIFT = "def shift(x):\n    return OFFSET + x\n"
WHY = "Because two and two are four, as anybody can count."


def code(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source} | more


def text(source: str, cell_type: str = "markdown") -> dict[str, Any]:
    return {"cell_type": cell_type, "metadata": {}, "source": source}


def place(notebook: Notebook, grade_id: str) -> int:
    for number, cell in enumerate(notebook["cells"]):
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            return number
    raise LookupError(grade_id)


def at(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    found: dict[str, Any] = notebook["cells"][place(notebook, grade_id)]
    return found


def drop(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    found: dict[str, Any] = notebook["cells"].pop(place(notebook, grade_id))
    return found


def run(submission: Submission) -> dict[str, Any]:
    """What stands after the student's cells and the course's given ones ran in order."""
    names: dict[str, Any] = {}
    for cell in submission.cells:
        if cell.cell_type == "code" and cell.kind in ("given", "exercise", "extra"):
            try:
                exec(cell.source, names)
            except Exception:
                continue
    return names


def works(submission: Submission) -> bool:
    names = run(submission)
    return bool(names["double"](4) == 8 and names["shift"](4) == 5)


# ---- exercises


def merged_into_the_check_below(notebook: Notebook) -> None:
    solved = drop(notebook, "double")
    check = at(notebook, "check-double-by-hand")
    check["source"] = solved["source"] + "\n" + check["source"]


def merged_into_the_check_that_was_changed(notebook: Notebook) -> None:
    solved = drop(notebook, "double")
    check = at(notebook, "check-double-by-hand")
    check["source"] = solved["source"] + "\nassert double(2) == 4, 'mine'\nprint(double(3))"


def merged_with_the_check_under_its_own_name(notebook: Notebook) -> None:
    check = drop(notebook, "check-shift-by-hand")
    at(notebook, "shift")["source"] += "\n" + check["source"]


def two_in_one_cell(notebook: Notebook) -> None:
    solved = drop(notebook, "shift")
    at(notebook, "double")["source"] += "\n\n" + solved["source"]


def two_in_the_later_cell(notebook: Notebook) -> None:
    solved = drop(notebook, "double")
    at(notebook, "shift")["source"] += "\n\n" + solved["source"]


def two_in_one_cell_and_the_stub_left(notebook: Notebook) -> None:
    at(notebook, "double")["source"] += "\n\n" + SHIFT
    at(notebook, "shift")["source"] = "def shift(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def everything_in_one_cell(notebook: Notebook) -> None:
    parts = [drop(notebook, name)["source"] for name in ("double", "check-double-by-hand", "shift")]
    check = at(notebook, "check-shift-by-hand")
    check["source"] = "\n\n".join([*parts, check["source"]])


def merged_into_the_given_cell(notebook: Notebook) -> None:
    solved = drop(notebook, "double")
    given = next(cell for cell in notebook["cells"] if cell["source"].startswith("import math"))
    given["source"] += "\n" + solved["source"]


def merged_into_a_demonstration(notebook: Notebook) -> None:
    solved = drop(notebook, "double")
    demo = next(cell for cell in notebook["cells"] if cell["source"].startswith("print(double"))
    demo["source"] = solved["source"] + "\n" + demo["source"]


def merged_into_a_heading(notebook: Notebook) -> None:
    solved = drop(notebook, "double")
    heading = next(cell for cell in notebook["cells"] if cell["source"].startswith("## Doubling"))
    heading["source"] += "\n\n" + solved["source"]


def in_a_new_cell(notebook: Notebook) -> None:
    notebook["cells"][place(notebook, "double")] = code(DOUBLE)


def in_a_new_cell_with_the_stub_left(notebook: Notebook) -> None:
    at(notebook, "double")["source"] = "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    notebook["cells"].append(code(DOUBLE))


def in_a_raw_cell(notebook: Notebook) -> None:
    notebook["cells"][place(notebook, "double")] = text(DOUBLE, "raw")


def in_a_markdown_cell(notebook: Notebook) -> None:
    notebook["cells"][place(notebook, "double")] = text(DOUBLE)


def with_another_grade_id(notebook: Notebook) -> None:
    at(notebook, "double")["metadata"]["nbgrader"]["grade_id"] = "my-own-name"


def with_another_grade_id_and_no_id(notebook: Notebook) -> None:
    cell = at(notebook, "double")
    cell["metadata"]["nbgrader"]["grade_id"] = "my-own-name"
    del cell["id"]


def with_the_others_grade_id(notebook: Notebook) -> None:
    at(notebook, "double")["metadata"]["nbgrader"]["grade_id"] = "shift"


def with_the_others_grade_id_and_no_ids(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell.pop("id")
    at(notebook, "double")["metadata"]["nbgrader"]["grade_id"] = "shift"


def with_swapped_grade_ids(notebook: Notebook) -> None:
    first, second = at(notebook, "double"), at(notebook, "shift")
    first["metadata"]["nbgrader"]["grade_id"], second["metadata"]["nbgrader"]["grade_id"] = "shift", "double"


def with_swapped_grade_ids_and_no_ids(notebook: Notebook) -> None:
    with_swapped_grade_ids(notebook)
    for cell in notebook["cells"]:
        cell.pop("id")


def with_the_checks_grade_id(notebook: Notebook) -> None:
    cell = at(notebook, "double")
    cell["metadata"]["nbgrader"]["grade_id"] = "check-double-by-hand"
    del cell["id"]


def twice(notebook: Notebook) -> None:
    cell = at(notebook, "double")
    notebook["cells"].insert(place(notebook, "double"), copy.deepcopy(cell) | {"source": "def double(x):\n    pass"})


def twice_and_the_second_one_empty(notebook: Notebook) -> None:
    cell = at(notebook, "double")
    notebook["cells"].insert(place(notebook, "double") + 1, copy.deepcopy(cell) | {"source": "", "id": "b"})


def every_cell_twice(notebook: Notebook) -> None:
    notebook["cells"] = [each for cell in notebook["cells"] for each in (cell, copy.deepcopy(cell))]


def the_whole_notebook_twice(notebook: Notebook) -> None:
    notebook["cells"] += copy.deepcopy(notebook["cells"])


MOVED: list[Callable[[Notebook], None]] = [
    merged_into_the_check_below, merged_into_the_check_that_was_changed, merged_with_the_check_under_its_own_name,
    two_in_one_cell, two_in_the_later_cell, two_in_one_cell_and_the_stub_left, everything_in_one_cell,
    merged_into_the_given_cell, merged_into_a_demonstration, merged_into_a_heading, in_a_new_cell,
    in_a_new_cell_with_the_stub_left, in_a_raw_cell, in_a_markdown_cell, with_another_grade_id,
    with_another_grade_id_and_no_id, with_the_others_grade_id, with_the_others_grade_id_and_no_ids,
    with_swapped_grade_ids, with_swapped_grade_ids_and_no_ids, with_the_checks_grade_id, twice,
    twice_and_the_second_one_empty, every_cell_twice, the_whole_notebook_twice,
]  # fmt: skip


@pytest.mark.parametrize("move", MOVED, ids=lambda move: move.__name__)
def test_an_exercise_counts_wherever_it_ended_up(
    move: Callable[[Notebook], None], answered: Notebook, assignment: Assignment
) -> None:
    move(answered)
    submission = align(answered, assignment)
    assert works(submission), [cell.source for cell in submission.cells]
    assert submission.looks == ()
    assert [cell.cell_id for cell in submission.cells if cell.kind not in ("extra", "note")] == [
        cell.cell_id for cell in assignment.cells
    ]
    sources = [cell.source for cell in submission.cells if cell.kind == "check"]
    assert sources == [cell.release_source for cell in assignment.checks]


def test_the_student_is_told_where_merged_work_was_taken_from(answered: Notebook, assignment: Assignment) -> None:
    merged_into_the_check_below(answered)
    (repair,) = [each for each in align(answered, assignment).repairs if each.cell == "double"]
    assert "merged with another cell" in repair.what
    assert not [each for each in align(answered, assignment).repairs if "used the original" in each.what]


def fenced(notebook: Notebook) -> None:
    notebook["cells"][place(notebook, "double")] = text(f"My solution:\n```python\n{DOUBLE}```")


def indented(notebook: Notebook) -> None:
    notebook["cells"][place(notebook, "double")] = code("class Mine:\n    def double(self, x):\n        return x + x")


def renamed_in_a_new_cell(notebook: Notebook) -> None:
    notebook["cells"][place(notebook, "double")] = code("def doubled(x):\n    return x + x")


def in_the_written_answer(notebook: Notebook) -> None:
    del notebook["cells"][place(notebook, "double")]
    at(notebook, "answer-why")["source"] += f"\n\n{DOUBLE}"


def merged_with_text_and_broken(notebook: Notebook) -> None:
    drop(notebook, "double")
    at(notebook, "check-double-by-hand")["source"] = "my work:\n  def double(x): return x + x"


UNSURE: list[Callable[[Notebook], None]] = [
    fenced, indented, renamed_in_a_new_cell, in_the_written_answer, merged_with_text_and_broken,
]  # fmt: skip


@pytest.mark.parametrize("move", UNSURE, ids=lambda move: move.__name__)
def test_work_that_cannot_be_told_apart_is_shown_to_a_person(
    move: Callable[[Notebook], None], answered: Notebook, assignment: Assignment
) -> None:
    move(answered)
    submission = align(answered, assignment)
    assert [look.cell for look in submission.looks] == ["double"]
    assert "cell" in submission.looks[0].what
    assert set(submission.looks) <= set(submission.repairs)
    assert "double" in submission.reason_to_look


@pytest.mark.parametrize("name", ["double", "shift"])
def test_an_exercise_that_is_simply_not_done_needs_nobody(
    name: str, released: Notebook, answered: Notebook, assignment: Assignment
) -> None:
    at(answered, name)["source"] = assignment.exercises[name].release_source
    assert align(answered, assignment).looks == ()
    drop(answered, name)
    assert align(answered, assignment).looks == ()


@pytest.mark.parametrize(
    "side",
    ["<<<<<<< HEAD\n{}=======\n{}>>>>>>> theirs\n", "<<<<<<< HEAD\n{}||||||| base\n=======\n{}>>>>>>> b"],
)
def test_both_sides_of_a_merge_in_a_cell_are_shown_to_a_person(
    side: str, answered: Notebook, assignment: Assignment
) -> None:
    at(answered, "double")["source"] = side.format(DOUBLE, DOUBLE.replace("x + x", "2 * x"))
    (look,) = align(answered, assignment).looks
    assert look.cell == "double"
    assert "Both versions of a merge" in look.what


def test_marks_of_a_merge_in_cells_of_their_own_are_noticed(answered: Notebook, assignment: Assignment) -> None:
    number = place(answered, "double")
    other = copy.deepcopy(at(answered, "double")) | {"source": "def double(x):\n    return 0\n", "id": "theirs"}
    answered["cells"][number + 1 : number + 1] = [text("======="), other, text(">>>>>>> remote")]
    answered["cells"].insert(number, text("<<<<<<< local"))
    assert len(align(answered, assignment).looks) == 2


@pytest.mark.parametrize("where", ["between cells", "within a cell"])
def test_an_unresolved_merge_of_the_file_is_refused(where: str, answered: Notebook, assignment: Assignment) -> None:
    lines = json.dumps(answered, indent=1).split("\n")
    mark = '  "cells": [' if where == "between cells" else "return x + x"
    number = next(n for n, line in enumerate(lines) if mark.strip() in line)
    start, end = number + 1, number + 2
    lines[start:end] = ["<<<<<<< HEAD", *lines[start:end], "=======", *lines[start:end], ">>>>>>> theirs"]
    with pytest.raises(UnreadableSubmission, match=r"conflict.*line \d+"):
        align(read_submission("\n".join(lines).encode(), "anna.ipynb"), assignment)


# ---- written answers


def blank_answer(notebook: Notebook, assignment: Assignment) -> int:
    at(notebook, "answer-why")["source"] = next(
        cell.release_source for cell in assignment.cells if cell.kind == "answer"
    )
    return place(notebook, "answer-why")


@pytest.mark.parametrize("where", [0, 1], ids=["above", "below"])
@pytest.mark.parametrize(
    "cell",
    [text(WHY), text(WHY, "raw"), code(WHY), code(f"# {WHY}"), code(f'"""{WHY}"""')],
    ids=["markdown", "raw", "code", "comment", "string"],
)
@pytest.mark.parametrize("own", ["blank", "emptied", "prompt only"])
def test_an_answer_beside_its_cell_is_the_answer(
    own: str, cell: dict[str, Any], where: int, answered: Notebook, assignment: Assignment
) -> None:
    number = blank_answer(answered, assignment)
    if own != "blank":
        kept = at(answered, "answer-why")["source"].replace("YOUR ANSWER HERE", "").rstrip()
        at(answered, "answer-why")["source"] = "" if own == "emptied" else kept
    answered["cells"].insert(number + where, copy.deepcopy(cell))
    submission = align(answered, assignment)
    assert WHY in submission.cell("answer-why").source
    assert [cell.kind for cell in submission.cells].count("note") == 0
    assert "beside" in " ".join(repair.what for repair in submission.repairs)


def test_several_cells_beside_are_one_answer(answered: Notebook, assignment: Assignment) -> None:
    number = blank_answer(answered, assignment)
    answered["cells"][number + 1 : number + 1] = [text("First, ..."), text("Second, ..."), code("# Third")]
    source = align(answered, assignment).cell("answer-why").source
    assert [word in source for word in ("First", "Second", "Third")] == [True] * 3


def test_an_answer_in_place_of_its_cell_is_the_answer(answered: Notebook, assignment: Assignment) -> None:
    answered["cells"][blank_answer(answered, assignment)] = code(f"# {WHY}")
    assert WHY in align(answered, assignment).cell("answer-why").source


@pytest.mark.parametrize("number", [0, 2, 4, 6])
def test_an_answer_far_from_its_cell_is_shown_to_a_person(
    number: int, answered: Notebook, assignment: Assignment
) -> None:
    blank_answer(answered, assignment)
    answered["cells"].insert(number, text(WHY))
    (look,) = align(answered, assignment).looks
    assert look.cell == "answer-why"
    assert f"cell {number + 1}" in look.what


def test_an_answer_in_the_courses_text_is_shown_to_a_person(answered: Notebook, assignment: Assignment) -> None:
    blank_answer(answered, assignment)
    answered["cells"][1]["source"] += f"\n\n{WHY}"
    assert [look.cell for look in align(answered, assignment).looks] == ["answer-why"]


def test_a_blank_answer_in_a_notebook_without_own_text_needs_nobody(answered: Notebook, assignment: Assignment) -> None:
    blank_answer(answered, assignment)
    answered["cells"].append(code("print(double(3))"))
    submission = align(answered, assignment)
    assert submission.looks == ()
    assert "YOUR ANSWER HERE" in submission.cell("answer-why").source


def test_an_answer_that_is_there_keeps_notes_apart(answered: Notebook, assignment: Assignment) -> None:
    answered["cells"].insert(place(answered, "answer-why") + 1, text("A note to myself, for later."))
    submission = align(answered, assignment)
    assert submission.cell("answer-why").source == "Because 2 + 2 = 4."
    assert submission.looks == ()


# ---- names that only a check or a demonstration defines


def test_a_name_of_a_checks_cell_is_warned_of(answered: Notebook, assignment: Assignment) -> None:
    lending = [
        cell if cell.grade_id != "check-double-by-hand" else _with_source(cell, "g = 2\nassert double(2) == 4")
        for cell in assignment.cells
    ]
    changed = msgspec.structs.replace(assignment, cells=tuple(lending))
    at(answered, "shift")["source"] = "def shift(x):\n    return x + g - OFFSET\n"
    (repair,) = [each for each in align(answered, changed).repairs if "`g`" in each.what]
    assert repair.cell == "shift"
    at(answered, "shift")["source"] = "g = 2\n\ndef shift(x):\n    return x + g - OFFSET\n"
    assert [each for each in align(answered, changed).repairs if "`g`" in each.what] == []


def _with_source(cell: Any, source: str) -> Any:
    return msgspec.structs.replace(cell, source=source, release_source=source)

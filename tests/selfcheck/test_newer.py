"""A student's copy is told from one that was handed out later: by cells, and by text, whatever the student changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.authoring.skeleton import new_assignment
from autograder.course import Course
from autograder.handout.kit import give_out
from autograder.selfcheck.newer import missing_cells, newer_version

NAME = "01-convolution"
Correct = Callable[[Course, str, str], None]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    root = tmp_path / "course"
    (root / "data" / "course").mkdir(parents=True)
    (root / "course.toml").write_text('id = "small"\nfixed_secret = "nobody knows"\n')
    new_assignment(Course.find(root), NAME)
    return Course.find(root)


def release(course: Course) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(load_assignment(course, NAME).release)
    return notebook


def told(course: Course, copy: dict[str, Any], kit: Path) -> set[str]:
    """What is said of a copy, beside the course's sources and in the newest kit: the same."""
    give_out(course, output=kit)
    latest = load_assignment(course, NAME).release
    return {newer_version(copy, course.root / "x.ipynb", latest), newer_version(copy, kit / "notebooks" / "x.ipynb")}


def texts(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown" and not cell["metadata"]]


@pytest.mark.parametrize("edited", [False, True], ids=["untouched", "edited"])
def test_a_correction_of_text_alone_is_told_with_its_heading(
    correct: Correct, course: Course, tmp_path: Path, edited: bool
) -> None:
    copy = release(course)
    if edited:
        texts(copy)[1]["source"] += "\nA note of mine."
    correct(course, "at each place the sum", "in each place the sum")
    (said,) = told(course, copy, tmp_path / "kit")
    where = "the text under “1. The running total”"
    assert f"There is a newer version of this notebook. Changed since yours: {where}." in said


def test_a_paragraph_that_was_added_is_told(correct: Correct, course: Course, tmp_path: Path) -> None:
    copy = release(course)
    correct(course, "# %% exercise=", "# %% [markdown]\n# ## Beforehand\n#\n# Read this, too.\n\n# %% exercise=")
    (said,) = told(course, copy, tmp_path / "kit")
    assert "the text under “Beforehand”" in said


def test_what_the_student_edits_adds_or_deletes_is_no_correction(course: Course, tmp_path: Path) -> None:
    copy = release(course)
    first, *_ = texts(copy)
    first["source"] = "# My own title"
    copy["cells"].remove(texts(copy)[-1])
    copy["cells"].append({"cell_type": "markdown", "id": "8b1c2a5e-7d", "metadata": {}, "source": "## Mine"})
    assert told(course, copy, tmp_path / "kit") == {""}


def test_a_copy_without_its_version_tells_at_least_of_a_text_in_place_of_another(
    correct: Correct, course: Course, tmp_path: Path
) -> None:
    copy = release(course)
    del copy["metadata"]["autograder"]["text"]
    assert told(course, copy, tmp_path / "kit") == {""}
    correct(course, "at each place the sum", "in each place the sum")
    (said,) = told(course, copy, tmp_path / "corrected")
    assert "the text under “1. The running total”" in said


def test_a_copy_that_ends_early_lacks_cells_and_is_not_called_older(course: Course, tmp_path: Path) -> None:
    copy = release(course)
    whole = missing_cells(copy, tmp_path / "x.ipynb")
    copy["cells"] = copy["cells"][: copy["cells"].index(texts(copy)[-1])]
    assert told(course, copy, tmp_path / "kit") == {""}
    in_kit, alone = (missing_cells(copy, folder / "x.ipynb") for folder in (tmp_path / "kit", tmp_path))
    assert (whole, missing_cells(release(course), tmp_path / "kit" / "x.ipynb")) == ("", "")
    assert "has cells that are not in this one: " in in_kit
    assert "has cells that are not in this one: " in alone


def test_a_kit_misses_a_deleted_answer_but_no_demonstration(course: Course, tmp_path: Path) -> None:
    give_out(course, output=tmp_path / "kit")
    copy = release(course)
    kept = [cell for cell in copy["cells"] if cell["metadata"].get("autograder", {}).get("kind") != "demo"]
    assert missing_cells({**copy, "cells": kept}, tmp_path / "kit" / "x.ipynb") == ""
    (answer,) = (cell for cell in kept if cell["metadata"].get("autograder", {}).get("kind") == "answer")
    kept.remove(answer)
    said = missing_cells({**copy, "cells": kept}, tmp_path / "kit" / "x.ipynb")
    assert f"not in this one: {answer['metadata']['nbgrader']['grade_id']}. To be sure" in said


def test_a_notebook_on_its_own_misses_each_cell_that_counts_and_says_so_in_words(
    course: Course, tmp_path: Path
) -> None:
    alone = tmp_path / "x.ipynb"
    counted = release(course)["metadata"]["autograder"]["cells"]
    assert counted
    for name in counted:
        copy = release(course)
        copy["cells"] = [each for each in copy["cells"] if each["metadata"].get("nbgrader", {}).get("grade_id") != name]
        assert f"not in this one: {name}. To be sure" in missing_cells(copy, alone)


@pytest.mark.parametrize("listed", [None, "correlate", 3, {"a": 1}, [1, None]], ids=repr)
def test_without_a_list_the_text_tells_that_a_part_is_gone(course: Course, tmp_path: Path, listed: object) -> None:
    copy = release(course)
    copy["metadata"]["autograder"]["cells"] = listed
    assert missing_cells(copy, tmp_path / "x.ipynb") == ""
    copy["cells"].remove(texts(copy)[-1])
    assert "has text that is not in this one" in missing_cells(copy, tmp_path / "x.ipynb")

"""A relative path in a notebook leads to the course's data for the student and on both sides of the grader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.isolation.mounts import BASE, links_to
from autograder.selfcheck.examine import check_notebook

SOURCE = '''\
# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Rainfall", minutes: 5, seconds: 1}
# ---

# %%
import numpy as np

from autograder.lab import close

millimetres = np.loadtxt("../../data/course/rain.csv", delimiter=",")

# %% exercise="wettest"
def wettest():
    """The largest of the numbers in the course's rain.csv."""
    ### BEGIN SOLUTION
    return float(np.loadtxt("../../data/course/rain.csv", delimiter=",").max())
    ### END SOLUTION

# %% check="wettest" name="largest" points=33
close(wettest(), 7.5)
### BEGIN HIDDEN TESTS
again = np.loadtxt("../../data/course/rain.csv", delimiter=",")
passes(student.wettest() == millimetres.max() == again.max(), "your number is the largest")
### END HIDDEN TESTS
'''


@pytest.fixture
def course(tmp_path: Path) -> Course:
    root = tmp_path / "course"
    for folder in ("solutions/01-rain", "data/course"):
        (root / folder).mkdir(parents=True)
    (root / "course.toml").write_text('id = "rain"\nfixed_secret = "rain"\n')
    (root / "solutions" / "01-rain" / "rain.py").write_text(SOURCE)
    (root / "data" / "course" / "rain.csv").write_text("0.5,7.5,1.0\n")
    found = Course.find(root)
    build_assignment(found, "01-rain")
    return found


def hand_in_the_solution(course: Course) -> Path:
    """Solve the released notebook where it lies, hand it in, and return its path."""
    released = course.release / "01-rain" / "rain.ipynb"
    notebook = json.loads(released.read_text())
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = (
                'def wettest():\n    return float(np.loadtxt("../../data/course/rain.csv", delimiter=",").max())'
            )
    handed_in = course.submitted / "ada" / "01-rain" / "rain.ipynb"
    handed_in.parent.mkdir(parents=True)
    for path in (released, handed_in):
        path.write_text(json.dumps(notebook))
    return released


def test_what_a_notebook_reads_by_a_relative_path_is_there_when_it_is_checked_and_when_it_is_graded(
    course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # Wherever the grader is started.
    notebook = hand_in_the_solution(course)
    assert check_notebook(notebook, seconds=60).done
    report = grade_class(course, "01-rain", workers=1, yes=True)
    (ada,) = report.submissions
    assert (ada.kind, ada.points) == ("graded", 33)


@pytest.mark.parametrize(
    ("data", "notebooks", "inside"),
    [
        ("data/course", "notebooks", "/data/course"),
        ("notebooks/data", "notebooks", f"{BASE}/data"),
        ("tables", "release/students", "/tables"),
        ("shared/tables", "notebooks", "/shared/tables"),
    ],
)
def test_a_data_folder_is_found_as_deep_as_a_notebook_would_find_it(data: str, notebooks: str, inside: str) -> None:
    root = Path("/srv/course")
    assert links_to([root / data], root / notebooks) == {inside: root / data}


def test_a_folder_inside_the_notebooks_own_has_no_place_of_its_own() -> None:
    root = Path("/srv/course")
    assert links_to([root / "notebooks" / "NAME" / "data"], root / "notebooks") == {}

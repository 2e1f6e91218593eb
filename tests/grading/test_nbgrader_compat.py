"""nbgrader's own Execute and ours give the same score to every check of honest submissions.

Two differences are on purpose, and shown here: a warning costs nothing, and a numpy number counts as points.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.audit.weaknesses import answered_notebook, blank_notebook, submission_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.grading.grade import grade_submission
from autograder.grading.nbgrader_compat import stock_notebook
from autograder.isolation.sandbox import Sandbox

REPOSITORY = Path(__file__).parents[2]
Scores = dict[str, float]
pytestmark = pytest.mark.filterwarnings("default")  # nbgrader's and nbconvert's own warnings.


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(readable=[REPOSITORY / "data" / "course"]) as sandbox:
        yield sandbox


def stock_scores(course: Course, assignment: Assignment, notebooks: dict[str, Any], root: Path) -> dict[str, Scores]:
    """What nbgrader gives each check, its tests running in the student's own kernel."""
    from nbgrader.api import Gradebook
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    source = without_demos(stock_notebook(course, assignment))
    _write(root / "source" / assignment.name / f"{assignment.notebook}.ipynb", source)
    for student, notebook in notebooks.items():
        path = root / "submitted" / student / assignment.name / f"{assignment.notebook}.ipynb"
        _write(path, without_demos(notebook))
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = url = f"sqlite:///{root / 'gradebook.db'}"
    Gradebook(url).close()
    api = NbGraderAPI(config=config)
    for step in (api.generate_assignment(assignment.name), *(api.autograde(assignment.name, s) for s in notebooks)):
        assert step["success"], step["log"]
    with Gradebook(url) as gradebook:
        where = (assignment.notebook, assignment.name)
        return {
            student: {
                c.grade_id: gradebook.find_grade(c.grade_id, *where, student).auto_score for c in assignment.checks
            }
            for student in notebooks
        }


def without_demos(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook without the figures that we skip and nbgrader would draw: they score nothing, and take long."""
    cells = [cell for cell in notebook["cells"] if cell["metadata"].get("autograder", {}).get("kind") != "demo"]
    return {**notebook, "cells": cells}


def our_scores(course: Course, assignment: Assignment, notebook: Any, sandbox: Sandbox) -> Scores:
    result = grade_submission(submission_of(notebook, assignment), assignment, sandbox, course.secret)
    return {check.check: check.points for check in result.checks}


def _write(path: Path, notebook: Any) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook))


@pytest.fixture(autouse=True)
def programs_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nbgrader starts alembic by name, and wants to stand in the course's folder."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AUTOGRADER_DATA", str(REPOSITORY / "data" / "course"))
    (tmp_path / "stock").mkdir()
    monkeypatch.chdir(tmp_path / "stock")


@pytest.mark.timeout(900)
def test_honest_submissions_to_01_score_the_same_in_every_check(tmp_path: Path, sandbox: Sandbox) -> None:
    course = Course.find(REPOSITORY)
    assignment = load_assignment(course, "01-convolution")
    wrong, right = assignment.misconceptions, assignment.alternatives
    notebooks = {"solution": answered_notebook(assignment), "blank": blank_notebook(assignment)}
    notebooks |= {each.slug: answered_notebook(assignment, each) for each in (*wrong[3::80], *right[1::46])}
    theirs = stock_scores(course, assignment, notebooks, tmp_path / "stock")
    assert sum(theirs["solution"].values()) == 30
    assert sum(theirs["blank"].values()) == 0
    for student, notebook in notebooks.items():
        assert our_scores(course, assignment, notebook, sandbox) == theirs[student], student


def test_warnings_and_numpy_points_differ_on_purpose(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n')
    folder = tmp_path / "solutions" / "01-small"
    folder.mkdir(parents=True)
    (folder / "small.py").write_text(SMALL)
    course = Course.find(tmp_path)
    build_assignment(course, "01-small")
    assignment = load_assignment(course, "01-small")
    notebook = answered_notebook(assignment)
    theirs = stock_scores(course, assignment, {"ann": notebook}, tmp_path / "stock")["ann"]
    ours = our_scores(course, assignment, notebook, sandbox)
    assert theirs == {"check-warns-silent": 0, "check-warns-numpy": 2, "check-warns-plain": 0.5}
    assert ours == {"check-warns-silent": 1, "check-warns-numpy": 0.5, "check-warns-plain": 0.5}


SMALL = '''# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Small", minutes: 5, seconds: 5}
# ---

# %%
import numpy as np

# %% exercise="warns"
def warns(x):
    """Twice x, with a warning."""
    ### BEGIN SOLUTION
    import warnings

    warnings.warn("an honest warning")
    return 2 * x
    ### END SOLUTION

# %% check="warns" name="silent" points=1
assert warns(2) == 4

# %% check="warns" name="numpy" points=2
# Hidden.
### BEGIN HIDDEN TESTS
np.float64(0.5)
### END HIDDEN TESTS

# %% check="warns" name="plain" points=2
# Hidden.
### BEGIN HIDDEN TESTS
0.5
### END HIDDEN TESTS
'''

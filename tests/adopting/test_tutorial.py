"""The tutorial of docs/adopting.md, command by command, from nbgrader's example to a graded class."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

PAGE = (Path(__file__).parents[2] / "docs" / "adopting.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHOWN = re.search(r"how it will be graded:\n\n```\n(.*?)```", PAGE, re.DOTALL)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def shell(script: str, folder: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def digests(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def class_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course after the whole tutorial."""
    folder = tmp_path_factory.mktemp("tutorial")
    first, configured, graded, by_nbgrader, refused = BLOCKS
    shell("nbgrader quickstart cs101", folder)
    before = digests(folder / "cs101")
    told = shell(first.replace("nbgrader quickstart cs101\n", ""), folder)
    after = digests(folder / "cs101")
    assert {name: after.get(name) for name in before} == before
    assert SHOWN is not None
    assert told.startswith(SHOWN[1])
    for block in (configured, graded):
        shell(block, folder / "cs101")
    points_before = scores(folder / "cs101")
    shell(by_nbgrader, folder / "cs101")
    assert scores(folder / "cs101") == points_before
    shell(refused, folder / "cs101")
    return folder / "cs101"


def scores(root: Path) -> dict[tuple[str, str], float]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        found = gradebook.assignment_submissions("ps1")
        return {(each.student.id, notebook.name): notebook.score for each in found for notebook in each.notebooks}


def test_each_notebook_has_its_points_in_the_gradebook(class_of_two: Path) -> None:
    assert scores(class_of_two) == {
        ("ada", "problem1"): 0,
        ("ada", "problem2"): 0,
        ("bob", "problem1"): 3,
        ("bob", "problem2"): 0,
    }


def test_what_a_person_grades_waits_for_one(class_of_two: Path) -> None:
    with Gradebook(f"sqlite:///{class_of_two / 'gradebook.db'}") as gradebook:
        bob = gradebook.find_submission("ps1", "bob")
        waiting = {grade.name for notebook in bob.notebooks for grade in notebook.grades if grade.needs_manual_grade}
        assert bob.max_score == 13
    assert {"sum_of_squares_equation", "sum_of_squares_application", "part-a", "part-b"} < waiting
    assert "cell-938593c4a215c6cc" in waiting


def test_every_student_has_a_page_for_each_notebook(class_of_two: Path) -> None:
    pages = sorted(path.name for path in (class_of_two / "feedback" / "bob" / "ps1").glob("*.html"))
    assert pages == ["problem1.html", "problem2.html"]


def test_the_export_has_both_students(class_of_two: Path) -> None:
    rows = list(csv.DictReader((class_of_two / "grades.csv").read_text(encoding="utf-8").splitlines()))
    assert {row[next(iter(row))] for row in rows} == {"ada", "bob"}

"""``check`` tells what ``grade`` will tell: both look at every kind of notebook, and their words are compared."""

from __future__ import annotations

import copy
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_assignment
from autograder.course import Course
from autograder.errors import UnreadableSubmission
from autograder.grading.grade import grade_submission
from autograder.isolation.sandbox import Sandbox
from autograder.selfcheck.examine import check_notebook
from autograder.settings import GradingSettings
from autograder.submission.alignment import load_submission

SAMPLE = Path(__file__).parents[1] / "submission" / "sample" / "tiny_topic.py"
NAME = "00-tiny-topic"
Notebook = dict[str, Any]
Change = Callable[[Notebook], "bytes | None"]
WORK = {
    "double": "def double(x):\n    return x + x\n",
    "shift": "def shift(x):\n    return OFFSET + x\n",
    "answer-why": "Because 2 + 2 = 4.",
}


@dataclass
class Both:
    """A course, and a sandbox to grade in."""

    course: Course
    assignment: Assignment
    sandbox: Sandbox
    settings: GradingSettings

    def notebook(self) -> Notebook:
        made: Notebook = json.loads(self.assignment.release)
        for cell in made["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            cell["source"] = WORK.get(name, cell["source"])
        return made

    def graded(self, path: Path) -> dict[str, bool] | str:
        """For each check with a visible part alone, whether it passes; or why the file is refused."""
        try:
            submission = load_submission(path, self.assignment)
        except UnreadableSubmission as error:
            return str(error)
        result = grade_submission(submission, self.assignment, self.sandbox, self.course.secret, self.settings)
        visible = {cell.grade_id: cell.name for cell in self.assignment.checks if "HIDDEN" not in cell.source}
        return {
            f"{check.exercise} {visible[check.check]}": check.outcome == "passed"
            for check in result.checks
            if check.check in visible
        }

    def checked(self, path: Path) -> dict[str, bool] | str:
        try:
            report = check_notebook(path)
        except UnreadableSubmission as error:
            return str(error)
        return {f"{each.name} {check.name}": not check.message for each in report.exercises for check in each.checks}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    root = tmp_path_factory.mktemp("course")
    limits = "[grading]\ncell_seconds = 8\ncheck_seconds = 4\n"
    (root / "course.toml").write_text(f'id = "tiny"\nfixed_secret = "tiny"\n{limits}')
    (root / "solutions" / NAME).mkdir(parents=True)
    shutil.copy(SAMPLE, root / "solutions" / NAME)
    course = Course.find(root)
    build_assignment(course, NAME)
    with Sandbox.start() as sandbox:
        yield Both(course, load_assignment(course, NAME), sandbox, course.config.grading)


def at(notebook: Notebook, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    )
    return found


def writes(name: str, source: str) -> Change:
    def change(notebook: Notebook) -> None:
        at(notebook, name)["source"] = source

    return change


def adds(source: str, number: int = 0, cell_type: str = "code") -> Change:
    def change(notebook: Notebook) -> None:
        notebook["cells"].insert(number, {"cell_type": cell_type, "metadata": {}, "source": source})

    return change


def removes(name: str) -> Change:
    def change(notebook: Notebook) -> None:
        notebook["cells"].remove(at(notebook, name))

    return change


def cut(share: float) -> Change:
    def change(notebook: Notebook) -> bytes:
        data = json.dumps(notebook, indent=1).encode()
        return data[: int(share * len(data))]

    return change


def flipped(seed: int) -> Change:
    def change(notebook: Notebook) -> bytes:
        data, rng = bytearray(json.dumps(notebook, indent=1).encode()), random.Random(seed)
        for _ in range(3):
            data[rng.randrange(len(data))] = rng.randrange(256)
        return bytes(data)

    return change


def merged(notebook: Notebook) -> None:
    solved = at(notebook, "double")
    notebook["cells"].remove(solved)
    check = at(notebook, "check-double-by-hand")
    check["source"] = f"{solved['source']}\n{check['source']}"


def without_marks(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def without_ids(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {"id": cell.pop("id")}


def shuffled(notebook: Notebook) -> None:
    random.Random(1).shuffle(notebook["cells"])


def emptied(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["source"] = ""


def in_format_3(notebook: Notebook) -> bytes:
    import nbformat

    old = nbformat.convert(nbformat.from_dict(notebook), 3)
    return json.dumps(old).encode()


DOUBLE, SHIFT = WORK["double"], WORK["shift"]
NOTEBOOKS: dict[str, Change] = {
    "honest": lambda notebook: None,
    "blank": lambda notebook: (writes("double", "def double(x):\n    raise NotImplementedError()")(notebook), None)[1],
    "wrong": writes("double", "def double(x):\n    return x * x * x\n"),
    "a typing mistake": writes("double", "def double(x:\n    return x + x\n"),
    "a name that is not there": writes("double", "def double(x):\n    return twice(x)\n"),
    "a name of a check's cell": writes("check-double-by-hand", "f = 2\nassert double(2) == 4"),
    "an import that fails": writes("double", f"import module_of_nobody\n{DOUBLE}"),
    "an import that fails further up": adds("import module_of_nobody\nTWO = 2"),
    "an install": writes("double", f"%pip install einops\n{DOUBLE}"),
    "a shell line": writes("double", f"!ls /\n{DOUBLE}"),
    "an install in a function": writes("double", "def double(x):\n    !pip install einops\n    return 2 * x\n"),
    "bash": adds("%%bash\nexit 1"),
    "an unknown magic": writes("double", f"%magic_of_nobody\n{DOUBLE}"),
    "a widget": writes("double", f"%matplotlib widget\n{DOUBLE}"),
    "a question": writes("double", f"n = input()\n{DOUBLE}"),
    "another program": writes("double", f"import subprocess\nsubprocess.run(['ls'])\n{DOUBLE}"),
    "the net": writes("double", "import socket\nsocket.create_connection(('192.0.2.1', 80), 3)\n" + DOUBLE),
    "a file beside the notebook": writes("double", f"open('beside.txt').read()\n{DOUBLE}"),
    "a module beside the notebook": writes("double", f"import beside\n{DOUBLE}"),
    "exit": writes("shift", f"exit()\n{SHIFT}"),
    "the process ended": writes("shift", f"import os\nos._exit(3)\n{SHIFT}"),
    "a cell without end": adds("while True:\n    pass", 4),
    "a function without end": writes("double", "def double(x):\n    while True:\n        pass\n"),
    "a check changed": writes("check-double-by-hand", "assert True"),
    "a check removed": removes("check-double-by-hand"),
    "a check removed, and wrong": lambda notebook: (
        removes("check-double-by-hand")(notebook), writes("double", "def double(x):\n    return 0")(notebook),
    )[1],
    "an exercise removed": removes("double"),
    "an answer removed": removes("answer-why"),
    "a given cell overridden": adds("OFFSET = 7", 99),
    "a given name overridden early": adds("OFFSET = 7", 4),
    "a helper further down": adds("def twice(x):\n    return x", 99),
    "merged into its check": merged,
    "two in one": lambda notebook: (removes("shift")(notebook), writes("double", DOUBLE + SHIFT)(notebook))[1],
    "of another type": lambda notebook: at(notebook, "double").update(cell_type="raw"),
    "without marks": without_marks,
    "without ids": without_ids,
    "out of order": shuffled,
    "in format 3": in_format_3,
    "both sides of a merge": writes("double", f"<<<<<<< HEAD\n{DOUBLE}=======\n{DOUBLE}>>>>>>> theirs\n"),
    "ending early": lambda notebook: notebook.update(cells=notebook["cells"][: len(notebook["cells"]) // 2]),
    "an exercise emptied": writes("double", ""),
    "a check emptied": writes("check-double-by-hand", ""),
    "every cell emptied": emptied,
    "an exercise renamed": lambda notebook: at(notebook, "double")["metadata"]["nbgrader"].update(grade_id="twice"),
    "in UTF-16": lambda notebook: json.dumps(notebook).encode("utf-16"),
    "empty": lambda notebook: b"",
    "a page": lambda notebook: b"<!doctype html>",
    "somebody's own": lambda notebook: json.dumps({"cells": notebook["cells"][1:2], "nbformat": 4}).encode(),
    **{f"cut at {share:.0%}": cut(share) for share in (0.2, 0.5, 0.8, 0.97)},
    **{f"bytes flipped, {seed}": flipped(seed) for seed in range(4)},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", NOTEBOOKS)
def test_what_check_says_is_what_grading_says(kind: str, both: Both, tmp_path: Path) -> None:
    notebook = both.notebook()
    data = NOTEBOOKS[kind](notebook)
    path = both.course.root / "mine" / "notebook.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(notebook).encode())
    (path.parent / "beside.txt").write_text("x")
    (path.parent / "beside.py").write_text("x = 1")
    graded, checked = both.graded(path), both.checked(path)
    if isinstance(graded, str):
        assert isinstance(checked, str), f"graded: {graded}, checked: {checked}"
    else:
        assert checked == graded
    alone = tmp_path / "alone.ipynb"
    shutil.copy(path, alone)
    if isinstance(graded, str):
        assert isinstance(both.checked(alone), str)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_never_found_complete(share: float, both: Both, tmp_path: Path) -> None:
    path = tmp_path / "cut.ipynb"
    path.write_bytes(cut(share)(copy.deepcopy(both.notebook())) or b"")
    checked = both.checked(path)
    if isinstance(checked, str):
        assert "damaged" in checked or "not a notebook" in checked
    else:  # Only what follows the cells was lost.
        assert len(checked) == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ending early", "a check emptied", "a check changed", "an exercise emptied"])
def test_work_that_nobody_checked_is_never_found_complete_where_the_course_is_not_at_hand(
    kind: str, both: Both, tmp_path: Path
) -> None:
    path, notebook = tmp_path / "alone.ipynb", both.notebook()
    path.write_text(json.dumps(notebook))
    assert check_notebook(path).done
    NOTEBOOKS[kind](notebook)
    path.write_text(json.dumps(notebook))
    assert not check_notebook(path).done


def test_a_module_of_pythons_name_beside_the_notebook_is_not_met(both: Both, tmp_path: Path) -> None:
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps(both.notebook()))
    for name in ("queue", "random", "numpy", "autograder"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')")
    assert check_notebook(path).done


def test_the_command_itself_does_not_meet_it_either(tmp_path: Path) -> None:
    for name in ("queue", "typer", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')")
    command = [sys.executable, "-m", "autograder", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")

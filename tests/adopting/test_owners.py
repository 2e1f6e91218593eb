"""Who owns a name that a test reads: what the instructor's cells bring is never asked of the student's process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.adopting.adoption import make_course
from autograder.authoring.adopted import Adoption
from autograder.authoring.assignment import adopted_assignment
from autograder.grading.reference import AdoptedNames, parsed

from .test_reading import notebook, write

EXERCISE = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"


def owners(folder: Path, given: str, check: str) -> tuple[frozenset[str], dict[str, object]]:
    """The names that a check reads of the student's, and the instructor's own names there."""
    cells = notebook(
        ("code", given, {"grade_id": "given", "locked": True, "schema_version": 3}),
        ("code", EXERCISE, {"grade_id": "double", "solution": True, "schema_version": 3}),
        ("code", check, {"grade_id": "test", "grade": True, "locked": True, "points": 1, "schema_version": 3}),
    )
    write(folder, cells)
    names = AdoptedNames(adopted_assignment(make_course(folder), "ps1/one", Adoption()))
    return names.students["test"], names.given["test"]


@pytest.mark.parametrize(
    "given",
    [
        "from math import *",
        "import math\n%matplotlib inline\nfrom math import isclose",
        "files = !ls\nfrom math import isclose",
        "math?\nfrom math import isclose",
        "%%time\nfrom math import isclose",
        "%run tools.py",
    ],
)
def test_what_a_given_cell_brings_is_the_instructors(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tools.py").write_text("def isclose(a, b):\n    return a == b\n")
    monkeypatch.chdir(tmp_path)
    students, instructors = owners(tmp_path, given, "assert isclose(double(2), 4)")
    assert students == {"double"}
    assert "isclose" in instructors


def test_a_given_cell_opens_no_window_and_kernels_started_later_show_their_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = "import os\nbackend = os.environ['MPLBACKEND']"
    monkeypatch.delenv("MPLBACKEND", raising=False)
    (tmp_path / "a").mkdir()
    assert owners(tmp_path / "a", given, "assert double(2) == 4")[1]["backend"] == "Agg"
    assert "MPLBACKEND" not in os.environ
    monkeypatch.setenv("MPLBACKEND", "svg")
    (tmp_path / "b").mkdir()
    assert owners(tmp_path / "b", given, "assert double(2) == 4")[1]["backend"] == "svg"
    assert os.environ["MPLBACKEND"] == "svg"


def test_a_line_that_goes_on_with_a_per_cent_sign_is_python() -> None:
    tree = parsed("n = (7\n     % 4)\nassert n == 3")
    assert tree is not None
    names: dict[str, int] = {}
    exec(compile(tree, "<cell>", "exec"), names)
    assert names["n"] == 3


def test_what_only_changes_how_things_are_shown_is_left_out_and_other_lines_are_not() -> None:
    shown, asked = parsed("%matplotlib inline\nx = 1"), parsed("!ls\nx = 1")
    assert shown is not None
    assert asked is not None
    assert (len(shown.body), len(asked.body)) == (1, 2)


@pytest.mark.parametrize("check", ["assert await double(2) == 4", "assert double(2) == 4\nreturn"])
def test_a_check_that_only_a_kernel_runs_stops_nothing(check: str, tmp_path: Path) -> None:
    students, _ = owners(tmp_path, "import math", check)
    assert students <= {"double"}

"""Where nbgrader_config.py does not put isolation in place, nothing of a student's runs, and every command says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbgrader.api
import pytest

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.gradebook.registration import GUARD_KERNEL
from autograder.gradebook.store import Gradebook
from autograder.gradebook.unisolated import nbgrader_remark

BIN = Path(sys.executable).parent
PACKAGED = Path(__file__).parents[2] / "autograder" / "gradebook" / "jupyter_config.json"
STOCK = "c = get_config()\nc.CourseDirectory.db_url = 'sqlite:///gradebook.db'\n"


@pytest.fixture
def submitted(course: Course, assignment: Assignment, notebook: dict[str, Any]) -> Course:
    """The course with anna's submission, which leaves a trace on this machine if it runs outside the sandbox."""
    trace = course.root / "trace"
    notebook["cells"].insert(1, {"cell_type": "code", "id": "trace", "metadata": {}, "outputs": [],
                                 "execution_count": None, "source": f"open({str(trace)!r}, 'w').close()"})  # fmt: skip
    folder = course.submitted / "anna" / assignment.name
    folder.mkdir(parents=True)
    (folder / "tiny_topic.ipynb").write_text(json.dumps(notebook))
    with Gradebook.of(course) as gradebook:
        gradebook.register(assignment)
    return course


def run(course: Course, *words: str, announced: bool = True) -> subprocess.CompletedProcess[str]:
    """A command of nbgrader's in the course's folder; unless ``announced``, as where this package is not installed."""
    environment = {**os.environ, "PATH": f"{BIN}:/usr/bin:/bin"}
    folder = course.root.parent / "jupyter"
    folder.mkdir(exist_ok=True)
    if announced:  # As a wheel puts it into the environment, and tools/set_up.py into .venv.
        shutil.copy(PACKAGED, folder)
    else:
        environment["JUPYTER_NO_CONFIG"] = "1"
    environment["JUPYTER_CONFIG_PATH"] = str(folder)
    return subprocess.run(
        [str(BIN / "nbgrader"), *words], cwd=course.root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("configuration", ["", STOCK], ids=["missing", "its own"])
def test_nbgrader_without_this_package_stops_before_any_of_a_students_code_has_run(
    submitted: Course, assignment: Assignment, configuration: str
) -> None:
    (submitted.root / "nbgrader_config.py").write_text(configuration)
    if not configuration:
        (submitted.root / "nbgrader_config.py").unlink()
    done = run(submitted, "autograde", assignment.name, announced=False)
    assert done.returncode != 0
    assert not (submitted.root / "trace").exists()
    assert GUARD_KERNEL["name"] in done.stderr
    with nbgrader.api.Gradebook(submitted.gradebook_url) as gradebook:
        found = gradebook.find_submission(assignment.name, "anna")
        assert all(grade.auto_score is None for each in found.notebooks for grade in each.grades)


def test_steps_named_on_the_command_line_do_not_run_a_students_code_either(
    submitted: Course, assignment: Assignment
) -> None:
    steps = (
        "--Autograde.autograde_preprocessors=['nbgrader.preprocessors.Execute','nbgrader.preprocessors.SaveAutoGrades']"
    )
    done = run(submitted, "autograde", assignment.name, steps)
    assert done.returncode != 0
    assert not (submitted.root / "trace").exists()
    assert GUARD_KERNEL["name"] in done.stderr


def test_an_assignment_generated_by_nbgrader_is_guarded_as_well(submitted: Course, assignment: Assignment) -> None:
    (submitted.root / "gradebook.db").unlink()
    done = run(submitted, "generate_assignment", assignment.name, "--force")
    assert done.returncode == 0, done.stderr
    with nbgrader.api.Gradebook(submitted.gradebook_url) as gradebook:
        (saved,) = gradebook.find_assignment(assignment.name).notebooks
        assert json.loads(saved.kernelspec) == GUARD_KERNEL
    released = json.loads((submitted.release / assignment.name / "tiny_topic.ipynb").read_text())
    assert released["metadata"]["kernelspec"]["name"] == "python3"


def test_nbgrader_with_the_configuration_grades_in_isolation_under_the_guard(
    submitted: Course, assignment: Assignment
) -> None:
    done = run(submitted, "autograde", assignment.name)
    assert done.returncode == 0, done.stderr
    assert not (submitted.root / "trace").exists()
    graded = json.loads((submitted.autograded / "anna" / assignment.name / "tiny_topic.ipynb").read_text())
    assert graded["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("words", [["autograde", "x"], ["generate_assignment", "x"], ["generate_feedback", "x"]])
def test_a_command_that_would_run_or_show_too_much_ends_at_once(course: Course, words: list[str]) -> None:
    (course.root / "nbgrader_config.py").unlink()
    done = run(course, *words)
    assert done.returncode == 1
    assert f"{course.root}/nbgrader_config.py is missing" in done.stderr
    assert f"autograder new-course {course.root}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["list"], ["db", "student", "list"], ["export"]])
def test_every_other_command_says_so_and_goes_on(course: Course, words: list[str]) -> None:
    (course.root / "nbgrader_config.py").write_text(STOCK)
    assert "does not put isolation in place: it needs IsolatedExecute in Autograde" in run(course, *words).stderr


def test_a_folder_that_is_no_course_of_this_package_is_left_alone(tmp_path: Path) -> None:
    course = Course(tmp_path, None)  # type: ignore[arg-type]
    assert "autograder" not in run(course, "autograde", "x").stderr


OWN = Path(__file__).parents[2].joinpath("nbgrader_config.py").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN, ""),
        (OWN + "c.AssignLatePenalties.enabled = True\n", ""),
        (OWN + "c.Autograde.autograde_preprocessors = []\n", "IsolatedExecute in Autograde.autograde_preprocessors"),
        (OWN + "c.Autograde.autograde_preprocessors.insert(0, 'nbgrader.preprocessors.Execute')\n", "own Execute in"),
        (OWN + "c.Autograde.sanitize_preprocessors = []\n", "RebuildSubmission in Autograde.sanitize_preprocessors"),
        (OWN + "c.GenerateFeedback.preprocessors = []\n", "StripHidden in GenerateFeedback.preprocessors"),
        (OWN + "c.HTMLExporter.preprocessors = []\n", "ShowSafely in HTMLExporter.preprocessors"),
        ("import nothing_of_that_name\n", "does not run: No module named 'nothing_of_that_name'"),
        ("c = get_config(\n", "does not run"),
        (STOCK, "IsolatedExecute in Autograde.autograde_preprocessors"),
    ],
)
def test_what_the_file_lacks_is_named(course: Course, text: str, said: str) -> None:
    (course.root / "nbgrader_config.py").write_text(text)
    found = nbgrader_remark(course)
    assert found == "" if not said else said in found
    assert nbgrader_remark(course) == found  # also when it is remembered


def test_a_file_that_was_right_is_looked_at_again_when_it_changes(course: Course) -> None:
    path = course.root / "nbgrader_config.py"
    assert nbgrader_remark(course) == ""
    path.write_text(path.read_text() + "c.Autograde.autograde_preprocessors = []\n")
    assert "does not put isolation in place" in nbgrader_remark(course)
    path.unlink()
    assert "is missing" in nbgrader_remark(course)

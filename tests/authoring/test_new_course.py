"""`autograder new-course` makes a folder anywhere a course that works, and touches nothing that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.authoring.skeleton import new_course
from autograder.course import Course
from autograder.errors import CourseError
from autograder.gradebook.unisolated import nbgrader_remark
from autograder.roster import Roster
from autograder.settings import AuthoringSettings

BIN = Path(sys.executable).parent


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of this package in a folder outside the repository."""
    environment = {**os.environ, "PATH": f"{BIN}:/usr/bin:/bin", "COLUMNS": "200"}
    command = [str(BIN / "autograder"), *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_folder_becomes_a_course_with_a_first_assignment(tmp_path: Path) -> None:
    written = new_course(tmp_path / "signals and systems")
    names = [str(path.relative_to(tmp_path / "signals and systems")) for path in written]
    assert names[:4] == ["course.toml", "nbgrader_config.py", "students.csv", ".gitignore"]
    assert names[4] == "solutions/01-first-steps/first_steps.py"
    course = Course.find(tmp_path / "signals and systems")
    assert (course.id, course.config.title) == ("signals-and-systems", "Signals and systems")
    assert course.config.authoring == AuthoringSettings()
    assert course.data.is_dir()
    assert not Roster.read(course.root / "students.csv")
    assert nbgrader_remark(course) == ""


def test_what_is_there_is_kept_and_what_is_missing_is_written(tmp_path: Path) -> None:
    new_course(tmp_path, "Mine")
    (tmp_path / "nbgrader_config.py").unlink()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert new_course(tmp_path, "Another title") == [tmp_path / "nbgrader_config.py"]
    assert {path: path.read_bytes() for path in before} == before
    assert new_course(tmp_path) == []
    derived = [tmp_path / kind / "01-first-steps" / "first_steps.ipynb" for kind in ("solutions", "notebooks")]
    derived[0].unlink()  # as where the first run stopped before it had derived anything
    assert new_course(tmp_path) == derived


def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CourseError, match="file cannot be made a course"):
        new_course(tmp_path / "file")
    with pytest.raises(CourseError, match="title"):
        new_course(tmp_path / "new", 'a "quoted" title')
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_new_course_is_audited_and_graded_outside_this_repository(tmp_path: Path) -> None:
    made = run(tmp_path, "new-course", "signals")
    assert made.returncode == 0, made.stderr
    assert "Next: cd signals, then autograder audit --all" in made.stdout
    course = Course.find(tmp_path / "signals")
    audited = run(course.root, "audit", "--all", "--workers", "1")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    handed_in = course.submitted / "ada" / "01-first-steps" / "first_steps.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_bytes((course.release / "01-first-steps" / "first_steps.ipynb").read_bytes())
    graded = run(course.root, "grade", "01-first-steps", "--workers", "1")
    assert graded.returncode == 0, graded.stdout + graded.stderr
    assert "nbgrader_config.py" not in graded.stderr
    (course.root / "nbgrader_config.py").unlink()
    for words in (["grade", "01-first-steps"], ["doctor"]):
        assert f"{course.root}/nbgrader_config.py is missing" in run(course.root, *words).stderr

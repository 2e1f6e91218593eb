"""A wheel is built, installed into an empty environment, and works there: as a student's, and as a grader's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import autograder

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


def run(*command: str | Path, folder: Path, ends: int = 0) -> str:
    """A command as one outside the repository; what it printed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"COLUMNS": "200", "PATH": f"{Path(command[0]).parent}:/usr/bin:/bin"}
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == ends, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheel")


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    """The wheel of the files as they are now, built from a copy: nothing is left in the repository."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).splitlines()
    for name in listed:
        if (ROOT / name).is_file() and name.startswith(("autograder/", "pyproject", "README", "LICENSE")):
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder / "dist")]
    run(sys.executable, "-m", "pip", "wheel", *options, "./source", folder=folder)
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def student(folder: Path, wheel: Path) -> Iterator[Path]:
    """The programs of an environment that holds the wheel and what it needs, at the lock's versions."""
    run(sys.executable, "-m", "venv", folder / "environment", folder=folder)
    programs = folder / "environment" / "bin"
    install(programs, str(wheel), folder)
    yield programs
    shutil.rmtree(folder / "environment")


def install(programs: Path, wanted: str, folder: Path) -> None:
    options = ["--quiet", "--only-binary=:all:", "--constraint", str(ROOT / "requirements.lock")]
    run(programs / "python", "-m", "pip", "install", *options, wanted, folder=folder)


def test_the_wheel_is_called_as_the_messages_say_and_carries_types(wheel: Path) -> None:
    assert wheel.name == f"cnn_course_autograder-{autograder.__version__}-py3-none-any.whl"
    listed = subprocess.check_output([sys.executable, "-m", "zipfile", "--list", wheel], text=True)
    for name in ("autograder/py.typed", "attempts/forging.py", "etc/jupyter/jupyter_config.json", "course.toml.txt"):
        assert name in listed
    assert "tests/" not in listed


def test_a_student_checks_without_the_graders_packages_and_a_grader_grades_with_them(
    student: Path, wheel: Path, folder: Path
) -> None:
    program, course = student / "autograder", folder / "signals"
    assert run(program, "--version", folder=folder) == f"autograder {autograder.__version__}\n"
    freeze = run(student / "python", "-m", "pip", "freeze", folder=folder).lower()
    assert not [name for name in ("nbgrader", "sqlalchemy", "alembic", "jupytext") if f"{name}==" in freeze]
    said = run(program, "check", ROOT / "notebooks" / "01-convolution" / "convolution.ipynb", folder=folder, ends=1)
    assert "correlate2d" in said
    said = run(program, "new-course", course, folder=folder, ends=2)
    assert "pip install 'cnn-course-autograder[grade]'" in said
    assert "Traceback" not in said

    install(student, f"{wheel}[grade]", folder)
    run(program, "new-course", course, folder=folder)
    handed_in = course / "submitted" / "ada" / "01-first-steps" / "first_steps.ipynb"
    handed_in.parent.mkdir(parents=True)
    shutil.copy(course / "solutions" / "01-first-steps" / "first_steps.ipynb", handed_in)
    run(program, "grade", "01-first-steps", "--workers", "1", folder=course)
    assert (course / "feedback" / "ada" / "01-first-steps" / "first_steps.html").is_file()
    assert "ada" in run(program, "export", "csv", "--output", "/dev/stdout", folder=course)
    said = run(program, "grade", "01-first-steps", "--again", "--scheduler", "tcp://127.0.0.1:1", folder=course, ends=2)
    assert "pip install 'cnn-course-autograder[cluster]'" in said
    found = run(student / "python", "-c", COUNT, folder=folder)
    assert int(found) >= 60
    (course / "nbgrader_config.py").unlink()
    assert "nbgrader_config.py is missing" in run(student / "nbgrader", "autograde", "x", folder=course, ends=1)


COUNT = """
from autograder.audit.attacks.campaign import catalogue_folder
from autograder.audit.attacks.catalogue import load_catalogue
print(len(load_catalogue(catalogue_folder())))
"""

"""The students' kit as a student has it: unpacked, started by its own command, worked in, checked and handed in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.course import Course
from autograder.demo.class_maker import solutions
from autograder.handout.kit import give_out
from autograder.handout.student_part import constraints

from .conftest import free_port, wait_for

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
COURSE = Course.find(ROOT)
NAME, EXERCISE, MISTAKE = "01-convolution", "count_parameters", "bias_counted"
NOTEBOOK = f"notebooks/{NAME}/convolution.ipynb"


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked kit, with an environment that has just what the kit pins, copied so that it need not be fetched."""
    folder = tmp_path_factory.mktemp("student")
    give_out(COURSE, [NAME], output=folder / "kit.zip")
    with zipfile.ZipFile(folder / "kit.zip") as archive:
        archive.extractall(folder)
    (folder / "kit.zip").unlink()
    (unpacked,) = folder.iterdir()
    venv.create(unpacked / ".venv", with_pip=True)
    for pin in constraints():
        lend(pin.partition("==")[0], unpacked / ".venv")
    return unpacked


def lend(package: str, environment: Path) -> None:
    """Put a package of this environment into another one, file by file."""
    (there,) = environment.glob("lib/python*/site-packages")
    found = distribution(package)
    for file in found.files or ():
        target = Path(os.path.normpath(there / str(file)))
        source = Path(str(found.locate_file(file))).resolve()
        if target.is_relative_to(environment / "bin") or target.exists() or not source.is_file():
            continue  # Its programs name the Python that they were installed for; bytecode may have gone.
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)  # Not a symbolic link: Jupyter serves no file that lies elsewhere.
        except OSError:  # another disk
            shutil.copy2(source, target)


def start(kit: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The kit's one command, with a Python that knows nothing of the course."""
    command = [sys.executable, "-I", str(kit / "start.py"), *arguments]
    done = subprocess.run(command, cwd=kit, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done


@contextmanager
def started(kit: Path, home: Path) -> Iterator[str]:
    """JupyterLab as ``start.py`` starts it, but for a port that is free and no password; its address."""
    port = free_port()
    server = {"port": port, "port_retries": 0, "ip": "127.0.0.1", "open_browser": False, "allow_root": True}
    lab = {"news_url": None, "check_for_updates_class": "jupyterlab.NeverCheckForUpdate"}
    settings = {"ServerApp": server, "IdentityProvider": {"token": ""}, "LabApp": lab}
    home.mkdir()
    for name in ("jupyter_server_config.json", "jupyter_lab_config.json"):
        (home / name).write_text(json.dumps(settings))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTEST", "PYTHON"))}
    around = {**kept, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home), "JUPYTER_RUNTIME_DIR": str(home / "run")}
    with (home / "log").open("wb") as log:
        command = [sys.executable, "-I", str(kit / "start.py")]
        # In a group of its own: start.py waits for JupyterLab, and both are to be stopped.
        running = subprocess.Popen(command, cwd=kit, env=around, stdout=log, stderr=log, process_group=0)
        try:
            wait_for(f"http://127.0.0.1:{port}", running, home / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(running.pid, 15)
            running.wait(30)


def write(page: Any, now: str, code: str) -> None:
    """Replace what is in the cell that defines ``now``, and run the notebook from the top."""
    editor = page.locator(f".jp-CodeCell:has-text('def {now}(') .cm-content").first
    editor.scroll_into_view_if_needed()
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(code)
    page.click(".lm-MenuBar-item:has-text('Run')")
    page.click(".lm-Menu-item[data-command='runmenu:run-all']")


def test_a_student_with_nothing_but_the_kit_works_is_told_the_mistake_checks_and_hands_in(
    kit: Path, page: Any, tmp_path: Path
) -> None:
    assignment = load_assignment(COURSE, NAME)
    (mistake,) = (each for each in assignment.misconceptions if each.slug == MISTAKE)
    _, wrong = assignment.answer_cell(mistake)
    right = solutions(assignment)[EXERCISE]
    with started(kit, tmp_path / "home") as address:
        page.goto(f"{address}/lab/tree/{NAME}/convolution.ipynb?reset")
        page.wait_for_selector("#jp-main-statusbar >> text=| Idle")
        write(page, EXERCISE, wrong)
        named = page.locator(".jp-OutputArea-output", has_text=mistake.text[:60])
        named.first.wait_for()
        write(page, MISTAKE, right)
        # The check of the next exercise is reached: the one above it printed nothing.
        page.locator(".jp-OutputArea-output", has_text="correlate1d").first.wait_for()
        assert named.count() == 0
        page.keyboard.press("Control+S")
        page.wait_for_selector("#jp-main-statusbar >> text=Saving completed")
    said = start(kit, "check", NOTEBOOK).stdout
    assert f"{EXERCISE}" in said
    assert [line for line in said.splitlines() if EXERCISE in line and "passes" in line]
    assert graded(kit / NOTEBOOK, tmp_path / "course") == (2.0, 2.0)


def test_its_environment_holds_no_grader_and_nothing_that_students_do_without(kit: Path) -> None:
    start(kit, "--version")
    (python,) = kit.glob(".venv/bin/python")
    absent = ("nbgrader", "jupyterhub", "sqlalchemy", "pytest", "autograder.grading", "autograder.audit")
    program = f"import importlib.util as u; print([n for n in {absent!r} if u.find_spec(n)], u.find_spec('torch').name)"
    found = subprocess.check_output([python, "-I", "-c", program], cwd=kit, text=True)
    assert found.split("] ") == ["[", "torch\n"]


def graded(notebook: Path, root: Path) -> tuple[float, float]:
    """Hand the file in to a course and grade it there; the points of the exercise, and how many there are."""
    root.mkdir()
    for name in ("course.toml", "nbgrader_config.py", "data"):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(COURSE.source / NAME, root / "solutions" / NAME)
    (root / ".autograder").mkdir()
    handed_in = root / "submitted" / "ada" / NAME / "convolution.ipynb"
    handed_in.parent.mkdir(parents=True)
    shutil.copy(notebook, handed_in)
    command = [sys.executable, "-m", "autograder", "grade", NAME, "--workers", "1", "--course", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    from autograder.gradebook.journal import Journal, ResultStore

    course = Course.find(root)
    with Journal(course.results / "journal.db") as journal:
        (entry,) = journal.entries(NAME).values()
    result = ResultStore(course.results / "results").get(entry.result_key)
    assert result is not None
    checks = [check for check in result.checks if check.exercise == EXERCISE]
    return sum(check.points for check in checks), sum(check.max_points for check in checks)

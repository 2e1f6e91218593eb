"""The catalogue on every path: the engine with two workers on one sandbox, nbgrader's own, and collecting."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from autograder.audit.attacks.campaign import catalogue_folder
from autograder.audit.attacks.catalogue import Attack, Intake, Pair, Traps, load_catalogue
from autograder.audit.attacks.oracle import breaches_of_intake, unsafe_markup
from autograder.audit.attacks.runner import bits_heard
from autograder.audit.weaknesses import answered_notebook
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_course
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.worker import Options, connect_worker, launch_sandbox, wait_until_warm
from autograder.gradebook.lateness import nbgrader_configuration
from autograder.gradebook.preprocessors import _started
from autograder.gradebook.store import Gradebook

ROOT = Path(__file__).resolve().parents[2]
NAME = "00-two-functions"
CANARY = "canary-among-the-submissions"
SAMPLE = (
    "always_equal_objects", "patched_numpy", "printed_inputs", "notes_for_the_next", "garbage", "many_empty_tensors",
    "aborts", "twelve_ends", "folder_that_cannot_be_emptied", "thread_bomb", "disk_full", "outputs_in_many_cells",
    "linked_assignment_folder", "linked_folder_of_another", "symbolic_link", "named_pipe", "html_script",
)  # fmt: skip
PAIRS = ("inode_of_the_next", "processes_of_the_neighbour", "times_of_folders_neighbour", "free_space_neighbour")
HONEST = ("honest-1", "honest-2", "honest-3")
SHORT = "cell_seconds = 3\ncheck_seconds = 3\ntotal_seconds = 20\n"


def laid_out(root: Path) -> tuple[Course, Assignment]:
    (root / "solutions" / NAME).mkdir(parents=True)
    data = f'[directories]\ndata = "{ROOT}/data/course"\n'
    (root / "course.toml").write_text(f'id = "small"\nfixed_secret = "small"\n{data}[grading]\n{SHORT}')
    shutil.copy(ROOT / "tests" / "faults" / "sample" / "two_functions.py", root / "solutions" / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    course = Course.find(root)
    build_course(course)
    neighbour = course.submitted / "neighbour" / NAME
    neighbour.mkdir(parents=True)
    assignment = load_assignment(course, NAME)
    notebook = answered_notebook(assignment)
    notebook["cells"][-1]["source"] += f"\n# {CANARY}"
    (neighbour / f"{assignment.notebook}.ipynb").write_text(json.dumps(notebook))
    return course, assignment


def hand_in(course: Course, assignment: Assignment, student: str, content: bytes) -> None:
    folder = course.submitted / student / NAME
    folder.mkdir(parents=True)
    (folder / f"{assignment.notebook}.ipynb").write_bytes(content)


def attackers(course: Course, assignment: Assignment, attacks: Sequence[Attack]) -> list[str]:
    """Hand in each attack as a student of its name; those that are no submission are left out."""
    handed_in = []
    for attack in attacks:
        made = attack.handed_in(assignment, Traps(str(course.root), str(course.root / "course.toml")))
        if isinstance(made, Pair | Intake):
            continue
        student = f"x-{attack.name.replace('_', '-')}"
        content = made if isinstance(made, bytes) else b"" if callable(made) else json.dumps(made).encode()
        hand_in(course, assignment, student, content)
        path = course.submitted / student / NAME / f"{assignment.notebook}.ipynb"
        if callable(made):
            path.unlink()
            made(path)
        handed_in.append(student)
    return handed_in


def honest(course: Course, assignment: Assignment) -> None:
    for number, student in enumerate(HONEST):
        notebook = answered_notebook(assignment)
        notebook["cells"][-1]["source"] += f"\n# {number}"  # or all would be one submission to the engine
        hand_in(course, assignment, student, json.dumps(notebook).encode())


def graded_by_the_engine(root: Path, names: Sequence[str] | None) -> None:
    course, assignment = laid_out(root)
    honest(course, assignment)
    attacks = load_catalogue(catalogue_folder(), names)
    students = attackers(course, assignment, attacks)
    report = grade_class(course, NAME, workers=2, yes=True)
    found = {each.student: each for each in report.submissions}
    full = sum(check.points for check in assignment.checks)
    assert {name: (found[name].kind, found[name].points) for name in HONEST} == dict.fromkeys(HONEST, ("graded", full))
    assert {name: found[name].reason for name in students if found[name].kind == "not graded"} == {}
    for page in course.feedback.rglob("*.html"):
        if "neighbour" in page.parts:
            continue
        text = page.read_text()
        assert CANARY not in text, page
        assert list(unsafe_markup(text)) == [], page


def test_a_sample_of_the_catalogue_fails_against_the_engine_with_two_workers(tmp_path: Path) -> None:
    graded_by_the_engine(tmp_path, SAMPLE)


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_the_whole_catalogue_fails_against_the_engine_with_two_workers(tmp_path: Path) -> None:
    graded_by_the_engine(tmp_path, None)


def graded_by_nbgrader(root: Path, names: Sequence[str] | None) -> None:
    from nbgrader.apps import NbGraderAPI

    course, assignment = laid_out(root)
    honest(course, assignment)
    students = attackers(course, assignment, load_catalogue(catalogue_folder(), names))
    with Gradebook.of(course) as gradebook:
        gradebook.register(assignment)
    api = NbGraderAPI(config=nbgrader_configuration(root))
    for student in students:
        api.autograde(NAME, student)
        api.generate_feedback(NAME, student)
    outcomes = {student: api.autograde(NAME, student)["success"] for student in HONEST}
    assert outcomes == dict.fromkeys(HONEST, True)
    for page in [*course.feedback.rglob("*.html"), *course.autograded.rglob("*.ipynb")]:
        assert CANARY not in page.read_text(), page


@pytest.mark.filterwarnings("default")  # nbgrader's and nbconvert's own warnings
def test_a_sample_of_the_catalogue_fails_against_nbgraders_own_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        graded_by_nbgrader(tmp_path, ("patched_numpy", "garbage", "twelve_ends", "linked_folder_of_another"))
    finally:
        _started.cache_clear()


@pytest.mark.soak
@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(3000)
def test_the_whole_catalogue_fails_against_nbgraders_own_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        graded_by_nbgrader(tmp_path, None)
    finally:
        _started.cache_clear()


INTAKE = [attack for attack in load_catalogue(catalogue_folder()) if attack.kind == "intake"]


@pytest.mark.parametrize("attack", INTAKE, ids=[attack.name for attack in INTAKE])
def test_no_file_of_a_download_takes_anothers_place_or_stops_the_others(attack: Attack, tmp_path: Path) -> None:
    _, assignment = laid_out(tmp_path)
    made = attack.handed_in(assignment, Traps())
    assert isinstance(made, Intake)
    assert list(breaches_of_intake(made, assignment)) == []


def pairs_fail(names: Sequence[str] | None) -> None:
    """Over a line to a sandbox that is shared, as a worker of the engine has it."""
    shared = wait_until_warm(launch_sandbox(Options()))
    assert shared is not None
    line = connect_worker(shared)
    assert line is not None
    heard = {}
    with shared, line:
        for attack in load_catalogue(catalogue_folder(), names):
            made = attack.make(None)  # type: ignore[arg-type]
            assert isinstance(made, Pair)
            heard[attack.name] = bits_heard(made, line)
    assert {name: told for name, told in heard.items() if told} == {}


def test_a_sample_of_pairs_cannot_tell_each_other_a_bit() -> None:
    pairs_fail(PAIRS)


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_no_pair_can_tell_each_other_a_bit() -> None:
    pairs_fail([each.name for each in load_catalogue(catalogue_folder()) if each.kind == "collusion"])

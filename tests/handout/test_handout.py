"""The student's kit: what is in it, what is not, and three ways to give it out."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from autograder.audit.weaknesses import answered_notebook
from autograder.authoring.assignment import load_assignment
from autograder.authoring.build import build_course
from autograder.authoring.skeleton import new_assignment
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.grading.visible_naming import visible_naming
from autograder.handout.kit import give_out, kit_files
from autograder.handout.student_part import NEEDED, constraints, kit_leaks, module_files, pins

ROOT = Path(__file__).parents[2]
NAME = "01-convolution"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course with two small assignments; the second opens in the year 2100."""
    root = tmp_path / "course"
    (root / "data" / "course").mkdir(parents=True)
    (root / "data" / "course" / "numbers.txt").write_text("1 2 3\n")
    (root / "course.toml").write_text(
        'id = "small"\ntitle = "A small course"\nfixed_secret = "nobody knows"\n'
        "[grading]\ncell_seconds = 11.0\n[assignments.02-later]\nopens = 2100-01-01\n"
    )
    found = Course.find(root)
    new_assignment(found, NAME)
    new_assignment(found, "02-later")
    return found


def made(course: Course) -> dict[str, bytes]:
    return kit_files(course, [load_assignment(course, NAME)])


def test_what_a_kit_holds(course: Course) -> None:
    files = made(course)
    assert {
        "README.md", "start.py", "course.toml", "pyproject.toml", "requirements.txt", "environment.yml", "kit.json",
        f"notebooks/{NAME}/convolution.ipynb", "data/course/numbers.txt", "autograder/lab/checks.py",
    } <= files.keys()  # fmt: skip
    folders = {name.split("/")[1] for name in files if name.startswith("autograder/") and name.count("/") > 1}
    assert not folders & {"audit", "engine", "grading", "gradebook", "handout", "leaderboard", "collecting"}
    settings = tomllib.loads(files["course.toml"].decode())
    assert settings == {"id": "small", "title": "A small course", "grading": {"cell_seconds": 11.0}}


def test_the_kit_needs_what_the_package_needs_without_extras() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {each.split(">")[0].split("=")[0] for each in listed} == set(NEEDED)


@pytest.mark.parametrize("python", ["3.11.2", "3.12.4", "3.14.1"])
def test_no_version_is_asked_for_that_a_students_python_cannot_install(python: str) -> None:
    """Debian 12 has Python 3.11.2, which some newest versions of packages refuse."""
    asked = [Requirement(line) for line in (*pins(), *constraints())]
    held = [each for each in asked if each.marker is None or each.marker.evaluate({"python_full_version": python})]
    assert len(held) > 0.9 * len(asked)
    for each in held:
        assert SpecifierSet(str(distribution(each.name).metadata.json.get("requires_python", ""))).contains(python), (
            each
        )


def test_nothing_in_it_gives_an_answer_away_and_what_would_is_found(course: Course) -> None:
    known = [load_assignment(course, name) for name in course.assignments()]
    files = made(course)
    assert kit_leaks(course, known, files) == []
    answer = known[0].misconceptions[0]
    line = max(answer.source.split("\n"), key=len).strip().encode()
    planted = {
        "notes.txt": answer.text.encode(),
        "data/course/x.bin": b"\x00\xff" + line,
        "key": course.secret.key.hex().encode(),
    }
    found = " ".join(kit_leaks(course, known, {**files, **planted}))
    assert all(f"is in {name}." in found for name in planted)


def test_a_link_to_a_file_elsewhere_is_not_handed_out_and_is_named(course: Course) -> None:
    (course.root / "students.csv").write_text("id,email\nada,ada@example.org\n")
    (course.data / "again.txt").symlink_to("numbers.txt")
    assert made(course)["data/course/again.txt"] == b"1 2 3\n"
    (course.data / "table.csv").symlink_to(course.root / "students.csv")
    with pytest.raises(AuthoringError, match=r"table\.csv is a link to .*students\.csv, outside the data folder"):
        made(course)


@pytest.mark.parametrize("name", [".env", ".git/config", ".ipynb_checkpoints/a.ipynb", "notes.txt~", "a/.netrc"])
def test_hidden_files_and_backups_beside_the_data_are_not_handed_out(course: Course, name: str) -> None:
    path = course.data / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("token = 1")
    assert [each for each in made(course) if each.startswith("data/")] == ["data/course/numbers.txt"]


def test_the_same_bytes_twice(course: Course, tmp_path: Path) -> None:
    written = []
    for name in ("one.zip", "two.zip"):
        assert give_out(course, output=tmp_path / name)[-1] == str(tmp_path / name)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


def test_what_opens_later_is_left_out_and_named(course: Course, tmp_path: Path) -> None:
    said = give_out(course, output=tmp_path / "kit")
    assert said[0] == "Left out: 02-later, which opens on 2100-01-01 00:00 UTC."
    assert not (tmp_path / "kit" / "notebooks" / "02-later").exists()
    give_out(course, output=tmp_path / "next.zip", now=dt.datetime(2100, 1, 2, tzinfo=dt.UTC))
    with zipfile.ZipFile(tmp_path / "next.zip") as archive:
        assert "small/notebooks/02-later/later.ipynb" in archive.namelist()


def test_a_folder_with_something_in_it_is_not_written_to(course: Course, tmp_path: Path) -> None:
    (tmp_path / "work.txt").write_text("mine")
    with pytest.raises(AuthoringError, match="not an empty folder"):
        give_out(course, output=tmp_path)
    with pytest.raises(AuthoringError, match="no assignment '03-none'"):
        give_out(course, ["03-none"], output=tmp_path / "kit.zip")


def git(course: Course, *arguments: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(["git", *who, *arguments], cwd=course.root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_branch_is_written_without_touching_the_working_copy(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    git(course, "init", "-q", "-b", "main")
    git(course, "add", "course.toml")
    git(course, "commit", "-q", "-m", "Begin")
    settings = course.root / "course.toml"
    settings.write_text(settings.read_text() + "# being edited\n")
    before = git(course, "status", "--porcelain")
    assert "Committed to the branch students" in give_out(course, branch="students")[-1]
    assert git(course, "status", "--porcelain") == before
    assert git(course, "branch", "--show-current") == "main"
    names = git(course, "ls-tree", "-r", "--name-only", "students").split("\n")
    assert set(names) == made(course).keys()
    assert "already contains this kit" in give_out(course, branch="students")[-1]
    give_out(course, everything=True, branch="students")
    assert git(course, "rev-list", "--count", "students") == "2"
    with pytest.raises(AuthoringError, match="checked out"):
        give_out(course, branch="main")


def test_a_misconception_of_the_first_assignment_is_named_and_its_sentence_is_not_readable() -> None:
    assignment = load_assignment(Course.find(ROOT), NAME)
    naming = visible_naming(assignment)
    assert "bias_counted" in naming.named
    assert naming.named <= naming.caught
    text = json.dumps(naming.rows)
    assert not any(each.text[:30] in text for each in assignment.misconceptions)


def run_check(python: str, folder: Path, notebook: Path) -> str:
    command = [python, "-P", "-c", "from autograder.student_cli import main; main()", "check", str(notebook)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=280, env={"PYTHONPATH": str(folder)}
    )
    assert done.returncode in (0, 1), done.stderr
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This course's kit with its first assignment, unpacked."""
    folder = tmp_path_factory.mktemp("kit") / "kit"
    give_out(Course.find(ROOT), [NAME], output=folder)
    return folder


@pytest.mark.slow
def test_check_in_the_kit_names_a_misconception_and_leaves_a_wrong_value_of_nobody_unnamed(unpacked: Path) -> None:
    assignment = load_assignment(Course.find(ROOT), NAME)
    (mistake,) = (each for each in assignment.misconceptions if each.slug == "bias_counted")
    notebook = unpacked / "notebooks" / NAME / "convolution.ipynb"
    work = answered_notebook(assignment, mistake)
    notebook.write_text(json.dumps(work))
    said = run_check(sys.executable, unpacked, notebook)
    assert mistake.text in said
    assert "newer version" not in said
    for cell in work["cells"]:
        if "def bias_counted" in cell["source"]:
            cell["source"] += "\n_its = count_parameters\ndef count_parameters(*a):\n    return _its(*a) + 7\n"
    notebook.write_text(json.dumps(work))
    said = run_check(sys.executable, unpacked, notebook)
    assert "got 133" in said
    assert "known mistake" not in said


@pytest.mark.slow
def test_check_in_the_kit_tells_of_a_newer_version(unpacked: Path) -> None:
    notebook = unpacked / "notebooks" / NAME / "convolution.ipynb"
    described = json.loads((unpacked / "kit.json").read_text())
    cells = described["notebooks"][f"notebooks/{NAME}/convolution.ipynb"]["cells"]
    cells["check-correlate1d-by-hand"] = "0" * 32
    (unpacked / "kit.json").write_text(json.dumps(described))
    said = run_check(sys.executable, unpacked, notebook)
    assert "There is a newer version of this notebook. Changed since yours: check-correlate1d-by-hand." in said


def start(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "start.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def correct(course: Course, old: str = "# # ", new: str = "# # Corrected: ") -> None:
    """Change every author's file, and build."""
    for name in course.assignments():
        (author,) = [path for path in (course.source / name).glob("*.py") if path.stem == name[3:]]
        author.write_text(author.read_text().replace(old, new, 1))
    build_course(course)


def test_an_update_leaves_what_was_begun(course: Course, tmp_path: Path) -> None:
    give_out(course, everything=True, output=tmp_path / "kit")
    begun = tmp_path / "kit" / "notebooks" / NAME / "convolution.ipynb"
    untouched = tmp_path / "kit" / "notebooks" / "02-later" / "later.ipynb"
    begun.write_text("my work")
    correct(course)
    give_out(course, everything=True, output=tmp_path / "newer.zip")
    done = start(tmp_path / "kit", "update", str(tmp_path / "newer.zip"))
    assert done.returncode == 0, done.stderr
    assert "You have begun convolution.ipynb: it stays as it is." in done.stdout
    assert begun.read_text() == "my work"
    assert "Corrected: " in begun.with_name("convolution.newer.ipynb").read_text()
    assert "Corrected: " in untouched.read_text()
    assert "Name the newer kit" in start(tmp_path / "kit", "update", "nothing.zip").stderr


def test_an_update_brings_a_notebook_once_and_leaves_a_newer_one_that_was_begun_too(
    course: Course, tmp_path: Path
) -> None:
    give_out(course, output=tmp_path / "kit")
    folder = tmp_path / "kit" / "notebooks" / NAME
    (folder / "convolution.ipynb").write_text("my work")
    for number in (1, 2, 2, 3):
        correct(course, "# # ", f"# # Corrected {number}: ") if number != 2 else None
        give_out(course, output=tmp_path / f"{number}.zip")
        start(tmp_path / "kit", "update", str(tmp_path / f"{number}.zip"))
        if number == 1:
            (folder / "convolution.newer.ipynb").write_text("my further work")
    assert (folder / "convolution.ipynb").read_text() == "my work"
    assert (folder / "convolution.newer.ipynb").read_text() == "my further work"
    assert "Corrected 3: " in (folder / "convolution.newer-2.ipynb").read_text()
    assert len(list(folder.iterdir())) == 3


def test_the_students_part_is_small_and_carries_no_grader() -> None:
    files = module_files()
    assert sum(map(len, files.values())) < 600_000
    assert not any("/templates/" in name or "hidden" in name for name in files)

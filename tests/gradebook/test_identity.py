"""The hash that decides whether a stored grade still holds covers all that can change a grade, and nothing else."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import msgspec
import pytest

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.engine.worker import Bundle
from autograder.gradebook import journal
from autograder.gradebook.journal import code_digest, data_digest, graded_files, without_prose
from autograder.settings import GradingSettings

PACKAGE = Path(journal.__file__).parents[1]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package's sources."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "autograder", ignore=shutil.ignore_patterns("__pycache__")))


def digest_of(package: Path) -> bytes:
    code_digest.cache_clear()
    return code_digest(package)


@pytest.mark.parametrize(
    "module",
    [
        "secrets.py",
        "engine/grader.py",
        "grading/comparison.py",
        "grading/diagnosis.py",
        "lab/checks.py",
        "lab/datasets.py",
        "isolation/codec.py",
        "isolation/guest/lockdown.py",
        "submission/alignment.py",
        "challenge/entries.py",
        "authoring/assignment.py",
    ],
)
def test_a_change_of_what_grades_is_another_grader(package: Path, module: str) -> None:
    before = digest_of(package)
    path = package / module
    path.write_text(path.read_text() + "\nADDED = 1\n")
    assert digest_of(package) != before


@pytest.mark.parametrize("module", ["lab/figures.py", "authoring/build.py", "cli.py", "leaderboard/ranking.py"])
def test_a_change_of_what_does_not_grade_is_the_same_grader(package: Path, module: str) -> None:
    before = digest_of(package)
    path = package / module
    path.write_text(path.read_text() + "\nADDED = 1\n")
    assert digest_of(package) == before


def test_comments_docstrings_and_layout_are_the_same_grader(package: Path) -> None:
    before = digest_of(package)
    for path in graded_files(package):
        lines = path.read_text().splitlines(keepends=True)
        first = ast.parse("".join(lines)).body[:1]
        line = first[0].end_lineno if first and isinstance(first[0], ast.Expr) else 0
        reworded = "".join(['"""Other words."""\n', *lines[line:], "\n\n# A comment.\n"])
        path.write_text(reworded)
    assert digest_of(package) == before


def test_a_removed_or_renamed_module_is_another_grader(package: Path) -> None:
    before = digest_of(package)
    (package / "lab" / "domain.py").rename(package / "lab" / "ranges.py")
    assert digest_of(package) != before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x):\n    '''Old.'''\n    return x", "def f(x):\n    '''New, and longer.'''\n    return x"),
        ("class A:\n    '''Only this.'''", "class A:\n    pass"),
        ("x = 1  # one", "x = 1"),
        ("f(1,\n  2)", "f(1, 2)"),
    ],
)
def test_prose_does_not_count(one: str, other: str) -> None:
    assert without_prose(one.encode()) == without_prose(other.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 'a'", "x = 'b'"),
        ("x = 1", "x = 1.0"),
        ("def f(x=1): pass", "def f(x=2): pass"),
        ("if a:\n    b()", "b()"),
    ],
)
def test_everything_else_counts(one: str, other: str) -> None:
    assert without_prose(one.encode()) != without_prose(other.encode())


def test_another_version_of_a_package_is_another_grader(monkeypatch: pytest.MonkeyPatch, package: Path) -> None:
    before = digest_of(package)
    monkeypatch.setattr(journal, "_version", lambda name: "99" if name == "torch" else "1")
    assert digest_of(package) != before


def test_data_that_change_are_another_grader_and_their_time_alone_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "digits.npz").write_bytes(b"one")
    before = data_digest([folder], tmp_path / "cache")
    (folder / "digits.npz").touch()
    assert data_digest([folder], tmp_path / "cache") == before
    (folder / "digits.npz").write_bytes(b"two")
    assert data_digest([folder], tmp_path / "cache") != before


def test_data_are_the_same_wherever_the_course_lies(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "digits.npz").write_bytes(b"one")
    assert data_digest([tmp_path / "here"], tmp_path / "a") == data_digest([tmp_path / "there"], tmp_path / "b")


def bundle(**settings: float) -> Bundle:
    nothing = Assignment("00-none", "none", "None", (), (), (), "{}")
    return Bundle(nothing, b"k" * 32, msgspec.structs.replace(GradingSettings(), **settings))


def test_limits_and_secret_count_and_what_lateness_costs_does_not() -> None:
    assert bundle(memory_mb=2048).grader != bundle().grader
    assert bundle(cell_seconds=1.0).grader != bundle().grader
    assert msgspec.structs.replace(bundle(), secret_key=b"l" * 32).grader != bundle().grader
    late = {"late_penalty_per_day": 0.5, "grace_minutes": 10.0, "late_penalty_max": 0.5, "late_penalty_fixed": 0.1}
    assert bundle(**late).grader == bundle().grader


def test_every_limit_of_the_settings_counts() -> None:
    """A setting that is added is either a limit, or about lateness."""
    late = {name for name in GradingSettings.__struct_fields__ if "late" in name or "grace" in name}
    for name in set(GradingSettings.__struct_fields__) - late:
        changed = msgspec.structs.replace(GradingSettings(), **{name: 777})
        assert changed.limits() != GradingSettings().limits(), name


def test_a_course_names_its_data(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n')
    (tmp_path / "data" / "course").mkdir(parents=True)
    (tmp_path / "data" / "course" / "x.csv").write_text("1")
    nothing = Assignment("00-none", "none", "None", (), (), (), "{}")
    before = Bundle.of(Course.find(tmp_path), nothing).grader
    (tmp_path / "data" / "course" / "x.csv").write_text("12")
    assert Bundle.of(Course.find(tmp_path), nothing).grader != before


def test_every_module_that_is_named_is_there() -> None:
    package = journal._PACKAGE
    assert [name for name in (*journal._MODULES, *journal._ELSEWHERE) if not (package / name).is_file()] == []

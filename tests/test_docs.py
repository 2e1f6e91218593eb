"""What README and docs say about commands and settings is so: commands are run, keys are compared."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import msgspec
import pytest
import typer.main
from typer.testing import CliRunner

from autograder.authoring.skeleton import new_assignment
from autograder.cli import app
from autograder.course import Course
from autograder.roster import COLUMNS
from autograder.settings import (
    AssignmentSettings,
    AuthoringSettings,
    CourseConfig,
    Directories,
    GradingSettings,
    ServiceSettings,
)

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]

NOT_RUN_HERE = {
    "demo": "has its own test",
    "adopt": "needs a course of nbgrader's: tests/adopting/test_tutorial.py",
    "ps1": "needs a course of nbgrader's: tests/adopting/test_tutorial.py",
    "bench": "has its own test",
    "01-first-steps": "is the assignment that new-course makes: tests/authoring/test_new_course.py",
    "desk": "runs until it is stopped: tests/desk/, tests/browser/test_desk_in_a_browser.py",
    "--measure": "takes a minute: tests/bench/test_planted_copies.py",
    "--also": "needs an earlier term: tests/similarity/",
    "serve": "runs until it is stopped: tests/service/",
    "--scheduler": "needs a cluster: tests/engine/test_cluster.py",
    "challenge": "needs submissions to the challenge: tests/leaderboard/",
    "--attacks": "runs for minutes: tests/attacks/",
    "--mutants": "runs for minutes: tests/audit/",
    "--confusion": "runs for minutes: tests/audit/test_confusion.py",
    "--sample": "finds what the others do: tests/audit/",
    "--watch": "runs until it is stopped: tests/leaderboard/, tests/practice/",
    "--branch": "needs a Git repository: tests/handout/test_walk_throughs.py",
    "convolution-submissions": "needs students' repositories: tests/handout/test_walk_throughs.py",
}
OTHER_ENDS = {"check": 1, "practice": 1}  # The notebook as it is handed out has something open.


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def named_commands() -> list[str]:
    """Every command line in README and docs, once; what follows two spaces is an explanation."""
    lines = [line for page in PAGES for kind in ("sh", "") for text in blocks(page, kind) for line in text.splitlines()]
    found = [re.split(r"\s{2,}", line.strip())[0] for line in lines if line.strip().startswith("autograder ")]
    return list(dict.fromkeys(found))


def arguments(command: str) -> list[str]:
    return shlex.split(command, comments=True)[1:]


def is_run(command: str) -> bool:
    return not NOT_RUN_HERE.keys() & set(arguments(command))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course like this one, with a small assignment of the first one's name, graded once."""
    root = tmp_path_factory.mktemp("course")
    (root / "course.toml").write_text('id = "docs"\nfixed_secret = "docs"\n')
    (root / "data" / "course").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / "students.csv").write_text("id,email,lms_user_id\nada,ada@example.org,4711\n")
    (root / "gradebook.csv").write_text("Student,ID,Section,Convolution (12)\n,4711,,\n")
    (root / "worksheet.csv").write_text("Identifier,Full name,Email address,Status,Grade\n1,Ada,ada@example.org,,\n")
    found = Course.find(root)
    new_assignment(found, "01-convolution")
    with zipfile.ZipFile(root / "download.zip", "w") as archive:
        notebook = (root / "notebooks" / "01-convolution" / "convolution.ipynb").read_bytes()
        archive.writestr("lovelaceada_4711_1_convolution.ipynb", notebook)
    for command in ("collect download.zip", "grade 01-convolution"):
        assert run(found, command).exit_code == 0
    return found


def prepare(course: Course, command: str) -> None:
    """What a command needs or makes: the walk-through's assignment is there except before it is made."""
    folder = course.source / "09-differences"
    if "new-assignment" in command:
        shutil.rmtree(folder, ignore_errors=True)
    elif "09-differences" in command and not folder.exists():
        new_assignment(course, "09-differences")


def run(course: Course, command: str):  # type: ignore[no-untyped-def]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(course.root)
        return CliRunner().invoke(app, shlex.split(command, comments=True))


@pytest.mark.parametrize("command", [each for each in named_commands() if is_run(each)])
def test_a_command_in_the_docs_runs(course: Course, command: str) -> None:
    prepare(course, command)
    result = run(course, command.removeprefix("autograder "))
    assert result.exit_code == OTHER_ENDS.get(arguments(command)[0], 0), f"{result.output}\n{result.exception!r}"


@pytest.mark.parametrize("command", [each for each in named_commands() if not is_run(each)])
def test_a_command_that_is_tried_elsewhere_is_at_least_one(command: str) -> None:
    name, *rest = arguments(command)
    assert COMMANDS[name].make_context(name, rest)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_is_described(name: str) -> None:
    assert any(f"autograder {name}" in page.read_text(encoding="utf-8") for page in PAGES)
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_explains_itself(name: str) -> None:
    assert all(parameter.help for parameter in COMMANDS[name].params)  # type: ignore[attr-defined]


GRADERS = ROOT / "docs" / "graders.md"
SETTINGS = tomllib.loads(blocks(GRADERS, "toml")[0])


def test_the_settings_in_the_docs_are_valid_and_name_every_key() -> None:
    assert msgspec.convert(SETTINGS, CourseConfig).assignments
    assert set(SETTINGS) | {"leaderboard", "prizes"} == set(CourseConfig.__struct_fields__)
    assert set(SETTINGS["assignments"]["01-convolution"]) == set(AssignmentSettings.__struct_fields__)


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("authoring", AuthoringSettings),
        ("directories", Directories),
        ("grading", GradingSettings),
        ("serve", ServiceSettings),
    ],
)
def test_the_defaults_in_the_docs_are_the_defaults(table: str, kind: type[msgspec.Struct]) -> None:
    assert SETTINGS[table] == msgspec.to_builtins(kind())


def test_the_deadlines_in_the_docs_are_understood(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text(f'id = "docs"\n{blocks(GRADERS, "toml")[1]}', encoding="utf-8")
    course = Course.find(tmp_path)
    due = course.settings("01-convolution").due
    assert due is not None
    assert due.isoformat() == "2026-03-02T22:59:00+00:00"  # Berlin's time in winter.
    assert len(course.extensions("01-convolution", ["ada", "Team 1"])) == 2
    assert course.late_policy("02-feature-maps").late_penalty_per_day == 0.2


def test_the_roster_in_the_docs_has_every_column() -> None:
    (example,) = blocks(GRADERS, "csv")
    assert tuple(next(csv.reader(io.StringIO(example)))) == COLUMNS


SCHEMES = ("light", "dark")
PICTURES = [
    (page, *found)
    for page in PAGES
    for found in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("page", "alt", "link"), PICTURES, ids=[link for _, _, link in PICTURES])
def test_a_picture_is_small_and_described(page: Path, alt: str, link: str) -> None:
    assert len(alt.split()) >= 5
    assert (page.parent / link).stat().st_size < 150_000


@pytest.fixture(scope="module")
def made_by_the_program() -> dict[str, str]:
    """The descriptions of the pictures that tools/pictures.py makes, by file name; it looks for what they name."""
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "tools" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["pictures"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {f"{name}.png": picture.alt for name, picture in module.PICTURES.items()}


@pytest.mark.parametrize(("page", "alt", "link"), PICTURES, ids=[link for _, _, link in PICTURES])
def test_a_picture_of_the_program_is_described_as_the_tool_that_makes_it_has_seen(
    page: Path, alt: str, link: str, made_by_the_program: dict[str, str]
) -> None:
    assert made_by_the_program.get(Path(link).name, alt) == alt


def test_every_picture_is_shown_somewhere() -> None:
    shown = {Path(link).name for _, _, link in PICTURES}
    assert {path.name for path in (ROOT / "docs" / "images").iterdir()} == shown


def test_the_gallerys_figures_are_still_in_the_notebooks_small_and_described() -> None:
    index = json.loads((ROOT / "docs" / "gallery" / "gallery.json").read_text(encoding="utf-8"))
    files = set()
    for name, figures in index.items():
        (notebook,) = (ROOT / "notebooks" / name).glob("*.ipynb")
        cells = {
            cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in json.loads(notebook.read_text())["cells"]
        }
        assert {figure["cell"] for figure in figures} <= cells
        assert all(len(figure["alt"].split()) >= 5 for figure in figures)
        files |= {f"{name}-{each['cell'].removeprefix('demo-')}-{scheme}.png" for each in figures for scheme in SCHEMES}
    assert {path.name for path in (ROOT / "docs" / "gallery").glob("*.png")} == files
    assert all(path.stat().st_size < 100_000 for path in (ROOT / "docs" / "gallery").glob("*.png"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.slow
def test_the_site_is_built_without_a_broken_link_and_fetches_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    keys = (tmp_path / "reference" / "course-toml.html").read_text()
    for struct in (CourseConfig, Directories, GradingSettings, AuthoringSettings, AssignmentSettings):
        assert all(f"<code>{name}</code>" in keys for name in struct.__struct_fields__ if struct is not CourseConfig)
    rows = re.findall(r"<tr>(.*?)</tr>", keys, re.DOTALL)
    assert [row for row in rows if row.endswith("<td></td>\n")] == []  # every key has its meaning
    commands = (tmp_path / "reference" / "commands.html").read_text()
    assert all(f"autograder {name}" in commands for name in COMMANDS)
    for page in tmp_path.rglob("*.html"):
        fetched = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]+)"', page.read_text())
        assert fetched == [], page

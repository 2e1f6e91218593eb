"""The command line as a whole; each command is tested with what it does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from autograder import __version__
from autograder.cli import app
from autograder.commands import _ORDER, InOrder


def autograder(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_says_its_version() -> None:
    done = autograder("--version")
    assert (done.returncode, done.stdout) == (0, f"autograder {__version__}\n")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose modules, called like Python's own and like packages, tell that they were imported."""
    folder = tmp_path / "handed-in"
    folder.mkdir()
    for name in {*sys.stdlib_module_names, "numpy", "torch", "typer", "rich", "msgspec", "sitecustomize", "IPython"}:
        (folder / f"{name}.py").write_text(f"print('hostile {name}')\nraise SystemExit(99)\n")
    (folder / "evil.pth").write_text("import sys; sys.exit(99)\n")
    return folder


@pytest.mark.parametrize("arguments", [["--version"], ["status"]])
def test_nothing_is_imported_from_the_folder_that_it_is_started_in(hostile: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "autograder", *arguments]
    done = subprocess.run(command, cwd=hostile, capture_output=True, text=True, timeout=60, check=False)
    assert "hostile" not in done.stdout + done.stderr
    assert done.returncode == (0 if arguments == ["--version"] else 2)  # There is no course here.


def test_only_a_file_called_autograder_is_run_and_not_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "autograder.py").write_text("print('the file')")
    module = [sys.executable, "-m", "autograder", "--version"]
    command = [str(Path(sys.executable).with_name("autograder")), "--version"]
    by_module, by_command = (
        subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False).stdout
        for line in (module, command)
    )
    assert (by_module, by_command) == ("the file\n", f"autograder {__version__}\n")


_SPAWNING = """
import multiprocessing, sys
from autograder.cli import main
if __name__ == "__main__":
    sys.argv = ["autograder", "--version"]
    try:
        main()
    except SystemExit:
        pass
    started = multiprocessing.get_context("spawn").Process(target=print, args=("alive",))
    started.start()
    started.join()
    sys.exit(started.exitcode)
"""


def test_neither_do_the_processes_that_it_starts(hostile: Path, tmp_path: Path) -> None:
    """As `audit --attacks` did: its lanes are spawned."""
    (tmp_path / "spawning.py").write_text(_SPAWNING)
    command = [sys.executable, str(tmp_path / "spawning.py")]
    done = subprocess.run(command, cwd=hostile, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "alive"), done.stdout + done.stderr


def test_without_a_command_it_lists_them() -> None:
    said = autograder().stdout
    assert all(command in said for command in ("grade", "audit", "leaderboard", "doctor", "collect"))


def test_every_command_has_its_place_in_the_order_of_a_term() -> None:
    command = get_command(app)
    assert isinstance(command, InOrder)
    assert command.list_commands(None) == _ORDER


def test_an_unknown_command_is_refused_by_name() -> None:
    done = autograder("gradde")
    assert done.returncode == 2
    assert "gradde" in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("grade 01-a --workers -1", "--workers"),
        ("audit --all --workers 0", "--workers"),
        ("demo --workers -1", "--workers"),
        ("bench --rounds -1", "--rounds"),
        ("check a.txt --seconds -3", "--seconds"),
        ("desk --course nowhere", "nowhere"),
        ("grade 01-a --course a.txt", "a.txt"),
        ("demo --folder a.txt", "a.txt"),
        ("new-course a.txt", "a.txt"),
        ("audit 01-a --catalogue nowhere", "nowhere"),
        ("leaderboard --what-if nowhere.toml", "nowhere.toml"),
        ("leaderboard --output a.txt", "a.txt"),
        ("leaderboard --gradescope a.txt", "a.txt"),
        ("export csv --roster nowhere.csv", "nowhere.csv"),
        ("export canvas --into nowhere.csv", "nowhere.csv"),
        ("report --output .", "'.'"),
        ("links --output .", "'.'"),
    ],
)
def test_a_wrong_value_is_refused_by_name_before_anything_is_done(
    line: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").touch()
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, line.split())
    assert (done.exit_code, said in done.output, "Invalid value" in done.output) == (2, True, True)
    assert [path.name for path in tmp_path.rglob("*")] == ["a.txt"]


def test_links_are_made_for_an_address_that_a_browser_opens() -> None:
    done = autograder("links", "--url", "course.example.org")
    assert done.returncode == 2
    assert "'course.example.org' is not an address for browsers" in " ".join(done.stderr.split())


@pytest.mark.parametrize("command", [None, *_ORDER])
def test_no_word_of_the_help_is_cut_off_at_60_columns(command: str | None) -> None:
    line = [command, "--help"] if command else ["--help"]
    shown = CliRunner().invoke(app, line, terminal_width=60, env={"COLUMNS": "60", "TERMINAL_WIDTH": "60"}).output
    assert max(map(len, shown.splitlines())) <= 60
    assert "…" not in shown
    assert not re.search(r"--\S+ +<list\[", shown)

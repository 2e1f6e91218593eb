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

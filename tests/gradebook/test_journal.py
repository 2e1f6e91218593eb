"""The journal remembers, survives a second grader beside it, and complains in words when it is damaged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.errors import GradebookError
from autograder.gradebook.journal import Journal, JournalRow


def test_entries_come_back_as_they_were(tmp_path: Path) -> None:
    ada = JournalRow("ada", "d1", "s1", "r1", 31.5, "", "w1", "r1")
    bob = JournalRow("bob", "d2", refusal="not a notebook")
    with Journal(tmp_path / "deep" / "journal.db") as journal:
        journal.enter("01", [ada, bob])
        journal.enter("02", [ada._replace(points=3.0)])
    with Journal(tmp_path / "deep" / "journal.db") as journal:
        assert journal.entries("01") == {"ada": ada, "bob": bob}
        assert journal.entries("02")["ada"].points == 3.0
        assert journal.entries("03") == {}


def test_a_new_entry_replaces_the_old_one(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        journal.enter("01", [JournalRow("ada", "old")])
        journal.enter("01", [JournalRow("ada", "new")])
        assert journal.entries("01")["ada"].digest == "new"


def test_outcomes_are_kept_by_the_code_they_belong_to(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        journal.keep("01", "code", "r1", b"first")
        journal.keep("01", "code", "r2", b"second")
        assert journal.earlier("01", "code") == b"second"
        assert journal.earlier("02", "code") == b""


ENTER_MANY = """
import sys
from pathlib import Path
from autograder.gradebook.journal import JournalRow, Journal
with Journal(Path(sys.argv[1])) as journal:
    for number in range(100):
        journal.enter("01", [JournalRow(f"{sys.argv[2]}-{number}", "d")])
"""


def test_two_graders_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    graders = [subprocess.Popen([sys.executable, "-c", ENTER_MANY, str(path), name]) for name in "ab"]
    assert [grader.wait(60) for grader in graders] == [0, 0]
    with Journal(path) as journal:
        assert len(journal.entries("01")) == 200


def test_a_damaged_journal_is_named_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(GradebookError, match="remove it"):
        Journal(path)
    assert path.read_bytes().startswith(b"no database")

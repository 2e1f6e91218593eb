"""The service as a process, and the links that let people in."""

from __future__ import annotations

import csv
import fcntl
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main

from autograder.cli import app
from autograder.errors import ServiceError
from autograder.service.access import Access
from autograder.service.serving import revoke_links, run_service, site_of, staff_link, student_links

ROOT = Path(__file__).parents[2]
HERE = "https://course.example.org/handin"


def token_of(link: str) -> str:
    assert link.startswith(f"{HERE}/enter/")
    return link.rpartition("/")[2]


@pytest.fixture
def roster(served: Any) -> Any:
    (served.root / "students.csv").write_text(
        "id,first_name,email\nada,Ada,ada@example.org\neve,=SUM(A1),e@example.org\n"
    )
    return served


def rows(served: Any, **only: Any) -> list[dict[str, str]]:
    path = served.root / "links.csv"
    student_links(served.course, only.get("students"), HERE, 30, path)
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_everybody_in_the_roster_gets_a_link_of_their_own(roster: Any) -> None:
    found = rows(roster)
    access = Access(roster.course, roster.store)
    assert [each["id"] for each in found] == ["ada", "eve"]
    assert [access.holder(token_of(each["link"]))[:2] for each in found] == [("student", "ada"), ("student", "eve")]
    assert (roster.root / "links.csv").stat().st_mode & 0o077 == 0


def test_a_name_that_is_a_formula_is_text_for_a_spreadsheet(roster: Any) -> None:
    assert rows(roster)[1]["first_name"] == "'=SUM(A1)"


def test_links_for_one_student(roster: Any) -> None:
    assert [each["id"] for each in rows(roster, students=["eve"])] == ["eve"]


def test_a_student_who_is_not_in_the_roster_is_named(roster: Any) -> None:
    with pytest.raises(ServiceError, match="does not have bob"):
        rows(roster, students=["bob"])


def test_without_a_roster_it_says_what_to_write(served: Any) -> None:
    with pytest.raises(ServiceError, match=r"students\.csv"):
        rows(served)


def test_revoking_ends_old_links_and_a_new_one_holds(roster: Any) -> None:
    access, before = Access(roster.course, roster.store), rows(roster)[0]["link"]
    assert "have ended" in revoke_links(roster.course, "ada")
    with pytest.raises(ServiceError, match="replaced"):
        access.holder(token_of(before))
    assert access.holder(token_of(rows(roster)[0]["link"]))[1] == "ada"


def test_a_link_for_staff_is_for_staff(roster: Any) -> None:
    link = staff_link(roster.course, "tina", HERE, 1)
    assert Access(roster.course, roster.store).holder(token_of(link))[:2] == ("staff", "tina")


def test_a_course_is_served_once(served: Any) -> None:
    served.course.results.mkdir(exist_ok=True)
    with (served.course.results / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ServiceError, match="Another `autograder serve`"):
            run_service(served.course, "127.0.0.1", 0)


def test_it_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    assert {each.name: each.default for each in serve.params}["host"] == "127.0.0.1"


def test_the_public_address_decides_prefix_and_cookies(served: Any) -> None:
    guard, _ = site_of(served.course, HERE)
    assert "strict-transport-security" in guard._headers
    plain, _ = site_of(served.course, "http://127.0.0.1:8321")
    assert "strict-transport-security" not in plain._headers


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_in_the_docs_is_one_that_systemd_takes(tmp_path: Path) -> None:
    (unit,) = re.findall(r"```ini\n(.*?)```", (ROOT / "docs" / "serving.md").read_text(), re.DOTALL)
    program = tmp_path / "autograder"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "handin.service").write_text(unit.replace("/srv/cnn/.venv/bin", str(tmp_path)))
    words = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "handin.service")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""The service as a process, and the links that let people in."""

from __future__ import annotations

import csv
import fcntl
import io
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import typer.main
import uvicorn
from rich.console import Console
from starlette.responses import PlainTextResponse

from autograder.cli import app
from autograder.errors import ServiceError
from autograder.service import serving
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
    with pytest.raises(ServiceError, match="does not contain bob"):
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


def test_revoking_for_nobody_in_the_roster_says_so(roster: Any) -> None:
    assert "No student has this id" in revoke_links(roster.course, "bob")


def test_a_link_for_staff_is_for_staff(roster: Any) -> None:
    link = staff_link(roster.course, "tina", HERE, 1)
    assert Access(roster.course, roster.store).holder(token_of(link))[:2] == ("staff", "tina")


def test_a_course_is_served_once(served: Any) -> None:
    served.course.results.mkdir(exist_ok=True)
    with (served.course.results / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ServiceError, match="Another `autograder serve`"):
            run_service(served.course, "127.0.0.1", 0)


@pytest.mark.parametrize(("terminal", "shown"), [(True, True), (False, False)])
def test_a_link_for_staff_is_shown_on_a_terminal_and_never_logged(
    served: Any, terminal: bool, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Console(file=io.StringIO(), force_terminal=terminal, width=500)
    monkeypatch.setattr(serving, "Console", lambda: screen)
    serving._say(served.course, HERE)
    said = screen.file.getvalue()  # type: ignore[attr-defined]
    assert (f"{HERE}/enter/" in said) == shown
    assert "autograder links" in said


def test_it_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    assert {each.name: each.default for each in serve.params}["host"] == "127.0.0.1"


async def no_application(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("here")(scope, receive, send)


def test_connections_that_ask_for_nothing_give_way_to_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven hundred of them, from anywhere, used up all files of the service: nobody was answered any more."""
    monkeypatch.setattr(serving, "_MOST_CONNECTIONS", 20)
    config = uvicorn.Config(no_application, http=serving._connections(), log_level="critical", lifespan="off")
    server, listening = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0), backlog=200)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    address = listening.getsockname()
    try:
        with ExitStack() as opened:
            for _ in range(100):
                idle = opened.enter_context(socket.create_connection(address, timeout=10))
                idle.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")
            with urllib.request.urlopen(f"http://127.0.0.1:{address[1]}/", timeout=10) as answer:
                assert answer.read() == b"here"
            assert len(server.server_state.connections) <= 20
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


def test_the_service_may_open_as_many_files_as_it_has_connections_and_more() -> None:
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (1024, r.getrlimit(r.RLIMIT_NOFILE)[1]));"
        "from autograder.service import serving; serving._connections(); print(*r.getrlimit(r.RLIMIT_NOFILE))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert int(told[0]) == (5800 if int(told[1]) < 0 else min(5800, int(told[1])))


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

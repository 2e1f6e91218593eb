"""The service as sites run it: behind nginx or Caddy, on PostgreSQL, on a Dask cluster; all of them real."""

from __future__ import annotations

import datetime as dt
import http.client
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from nbgrader.api import Gradebook

from autograder.gradebook.marks import check_points
from autograder.service.access import Access
from autograder.service.policy import policy_of

from .conftest import NAME, Served, until
from .proxies import connection, free_port, proxy, service

if TYPE_CHECKING:
    from tests.conftest import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OURS = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def surroundings(
    built: Path, tmp_path_factory: pytest.TempPathFactory, postgres: str, make_cluster: Callable[[Path], Cluster]
) -> Iterator[tuple[Served, int]]:
    """A course whose gradebook is in PostgreSQL, served by workers of a Dask cluster; and the port."""
    from sqlalchemy import create_engine, text

    database = f"served_{secrets.token_hex(4)}"
    engine = create_engine(postgres.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as administrator:
        administrator.execute(text(f"CREATE DATABASE {database}"))
    engine.dispose()
    root = tmp_path_factory.mktemp("served") / "course"
    shutil.copytree(built, root)
    served = Served(root)
    served.configure(f'gradebook = "{postgres.format(database)}"\n[serve]\npause_minutes = 0\nattempts_per_day = 0\n')
    cluster, port = make_cluster(tmp_path_factory.mktemp("dask")), free_port()
    try:
        with service(root, port, "--url", "https://127.0.0.1", "--scheduler", cluster.address, "--workers", "1"):
            yield served, port
    finally:
        cluster.close()


class Answer(NamedTuple):
    """What a request gave."""

    status: int
    headers: http.client.HTTPMessage
    text: str


class Browser:
    """A browser with a session, which reaches the service by connections that something makes."""

    def __init__(self, connect: Callable[[str], http.client.HTTPConnection], served: Served, student: str) -> None:
        self._connect = connect
        session = Access(served.course, served.store).session("student", student, time.time() + 600)
        self.cookie = f"autograder-session={session}"

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, source: str = "127.0.0.1", **headers: str
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(self._connect(source)) as link:
            with suppress(OSError):  # What is too large is refused before all of it is sent.
                link.request(method, path, body, {"cookie": self.cookie, **OURS, **named})
            with link.getresponse() as answer:
                return Answer(answer.status, answer.headers, answer.read().decode("utf-8", "replace"))

    def flood(self, source: str, number: int, **headers: str) -> set[int]:
        """What came of so many requests over one connection; over one each, the allowance comes back meanwhile."""
        named = {"cookie": self.cookie, **OURS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        said = set()
        with closing(self._connect(source)) as link:
            for _ in range(number):
                link.request("GET", "/health", headers=named)
                answer = link.getresponse()
                answer.read()
                said.add(answer.status)
        return said

    def upload(self, content: bytes) -> int:
        page = self.ask(f"/assignments/{NAME}").text
        token = re.search(r'name="form" value="(\w+)"', page)
        assert token is not None, page
        edge = secrets.token_hex(16)
        part = f"--{edge}\r\ncontent-disposition: form-data; name="
        head = f'{part}"form"\r\n\r\n{token[1]}\r\n{part}"notebook"; filename="two_functions.ipynb"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        return self.ask(f"/assignments/{NAME}/upload", "POST", body, content_type=kind).status

    @contextmanager
    def listening(self) -> Iterator[list[tuple[float, str]]]:
        """What the stream of events says, and when, as long as one is inside."""
        heard: list[tuple[float, str]] = []
        with closing(self._connect("127.0.0.1")) as link:
            link.request("GET", f"/events/{NAME}", headers={"cookie": self.cookie})
            stream = link.getresponse()
            plug = link.sock
            thread = threading.Thread(target=hear, args=(stream, heard), daemon=True)
            thread.start()
            try:
                yield heard
            finally:
                plug.shutdown(socket.SHUT_RDWR)
                thread.join(10)
                stream.close()


def hear(stream: http.client.HTTPResponse, heard: list[tuple[float, str]]) -> None:
    with suppress(OSError, http.client.HTTPException, ValueError):
        while line := stream.readline():
            if line.startswith(b"data:"):
                heard.append((time.monotonic(), line.decode()))


def outcomes(served: Served, student: str) -> list[str]:
    return [each.outcome for each in served.store.of_student(student)]


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_through_a_proxy_as_documented_work_comes_in_and_events_come_out(
    kind: str, surroundings: tuple[Served, int], tmp_path: Path
) -> None:
    served, behind = surroundings
    port, name = free_port(), f"ada-{kind}"
    with proxy(kind, tmp_path, port, behind):
        student = Browser(partial(connection, tmp_path, port), served, name)
        with student.listening() as heard:
            assert student.upload(served.notebook(remark=kind)) == 303
            acknowledged = time.monotonic()
            until(lambda: any('"graded"' in text for _, text in heard), 90)
        # Not held back: the first word of the new attempt came long before a buffer could be full.
        assert next(at for at, text in heard if "Attempt 1" in text) - acknowledged < 10
        assert student.upload(b"x" * (19 << 20)) == 303  # A large file passes; it is no notebook, and said to be none.
        until(lambda: outcomes(served, name) == ["graded", "unreadable"])
        assert student.upload(b"x" * (25 << 20)) == 413
    until(lambda: points(served).get(name) == 4.0)


def points(served: Served) -> dict[str, float]:
    return check_points(served.course.gradebook_url, NAME, "two_functions")


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_a_proxy_as_documented_tells_who_asks_and_that_it_is_https(
    kind: str, surroundings: tuple[Served, int], tmp_path: Path
) -> None:
    served, behind = surroundings
    port = free_port()
    with proxy(kind, tmp_path, port, behind):
        student = Browser(partial(connection, tmp_path, port), served, "bob")
        answer = student.ask("/")
        assert answer.status == 200
        assert "max-age" in answer.headers["strict-transport-security"]
        link = Access(served.course, served.store).link("student", "bob", 60)
        entered = student.ask(f"/enter/{link}", "POST", b"")
        assert "; Secure" in entered.headers["set-cookie"]
        # A redirect that the framework makes up names the address that the browser used.
        assert student.ask("/staff/").headers["location"] == f"https://127.0.0.1:{port}/staff"
        student.cookie = ""

        assert 429 in student.flood("127.0.0.2", 600)
        assert 429 in student.flood("127.0.0.2", 100, x_forwarded_for="192.0.2.1")
        assert 429 in student.flood("127.0.0.2", 100, cookie="autograder-session=made-up")
        assert student.flood("127.0.0.3", 60) == {200}


def test_an_extension_in_the_gradebook_on_postgresql_is_seen(surroundings: tuple[Served, int]) -> None:
    served, port = surroundings
    due = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    assert (
        Browser(lambda _: http.client.HTTPConnection("127.0.0.1", port), served, "cem").upload(served.notebook()) == 303
    )
    until(lambda: "cem" in points(served))
    with Gradebook(served.course.gradebook_url) as gradebook:
        gradebook.find_assignment(NAME).duedate = due.replace(tzinfo=None)
        gradebook.find_submission(NAME, "cem").extension = dt.timedelta(days=3)
        gradebook.db.commit()
    policy = policy_of(served.course, NAME)
    until(lambda: policy.deadline("cem") == due + dt.timedelta(days=3), 10)
    assert policy.deadline("bob") == due
    until(served.settled)


def test_a_second_service_on_the_same_course_stops_with_a_message(surroundings: tuple[Served, int]) -> None:
    served, _ = surroundings
    words = [sys.executable, "-m", "autograder", "serve", "--course", str(served.root), "--port", str(free_port())]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "Another `autograder serve`" in " ".join(done.stderr.split())

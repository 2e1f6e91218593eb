"""The pages: what a student may do, and that nobody gets at what is another's."""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Message

from autograder.course import Course
from autograder.errors import MachineryError
from autograder.service.access import Access, Guard, Limiter, Together
from autograder.service.web import COOKIE, Site

from .conftest import ENGINE, Served, until

NAME = "00-two-functions"
HERE = "http://127.0.0.1:8321"
STANDINS = ENGINE / "standins"
OURS = {"sec-fetch-site": "same-origin"}


class Visit:
    """A browser, with the session of somebody or of nobody."""

    def __init__(self, application: Guard, cookie: str = "") -> None:
        self.client = TestClient(application, base_url=HERE, follow_redirects=False)
        if cookie:
            self.client.cookies.set(COOKIE, cookie)

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def token(self) -> str:
        found = re.search(r'name="form" value="([0-9a-f]+)"', self.get("/no-such-page").text)
        return found[1] if found else ""

    def post(self, path: str, token: str | None = None, **more: Any) -> Any:
        fields = {"form": self.token() if token is None else token, **more.pop("fields", {})}
        files = {**{name: (None, value) for name, value in fields.items()}, **more.pop("files", {})}
        return self.client.post(path, files=files, headers={**OURS, **more.pop("headers", {})})

    def upload(self, content: bytes, **more: Any) -> Any:
        files = {"notebook": (more.pop("file", "two_functions.ipynb"), io.BytesIO(content))}
        return self.post(f"/assignments/{NAME}/upload", files=files, **more)


class Web:
    """The application over a course, without its loop."""

    def __init__(self, served: Any, **settings: Any) -> None:
        self.served, self.loop = served, served.loop()
        self.access = Access(served.course, served.store)
        self.site = Site(served.store, self.loop, self.access, **settings)
        self.application = self.site.application()

    def visit(self, person: str = "", role: str = "student", seconds: float = 600) -> Visit:
        cookie = self.access.session(role, person, time.time() + seconds) if person else ""  # type: ignore[arg-type]
        return Visit(self.application, cookie)


@pytest.fixture(scope="module")
def graded(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course in which an attempt of Ada's is graded and published, to be copied."""
    root = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(built, root)
    served = Served(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(STANDINS))
        with served.serving() as loop:
            served.hand_in("ada", served.notebook(remark="adas own words"))
            loop.wake()
            until(served.settled)
            until((root / "leaderboard" / f"{NAME}.json").exists)
    return root


@pytest.fixture
def web(request: pytest.FixtureRequest, tmp_path: Path) -> Web:
    root = request.getfixturevalue("graded" if "adas" in request.fixturenames else "built")
    shutil.copytree(root, tmp_path / "course")
    served = Served(tmp_path / "course")
    served.configure("[serve]\npause_minutes = 0\n")
    return Web(served)


@pytest.fixture
def adas(web: Web) -> Any:
    """An attempt of Ada's, graded and published."""
    (attempt,) = web.served.store.of_student("ada")
    return attempt


def test_an_upload_is_in_the_queue_once_it_is_answered(web: Web) -> None:
    ada = web.visit("ada")
    answer = ada.upload(web.served.notebook())
    assert (answer.status_code, answer.headers["location"]) == (303, f"/assignments/{NAME}")
    (taken,) = web.served.store.of_student("ada")
    assert web.served.store.content(taken) == web.served.notebook()
    assert "place 1 in the queue" in ada.get(f"/assignments/{NAME}").text


def test_the_first_page_lists_assignments_with_points_and_due_dates(web: Web, adas: Any) -> None:
    web.served.configure(f"[assignments.{NAME}]\ndue = 2099-03-02T12:00:00Z\n")
    web.loop._look_at_configuration()
    page = web.visit("ada").get("/").text
    assert "Two functions" in page
    assert "due Monday, 2 March 2099, 12:00 UTC" in page
    assert "4 of 4 points by checks" in page


def test_feedback_is_the_page_without_anything_that_runs(web: Web, adas: Any) -> None:
    answer = web.visit("ada").get(f"/attempts/{adas.name}")
    assert "adas own words" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def test_the_board_is_shown_with_ones_own_row(web: Web, adas: Any) -> None:
    page = web.visit("ada").get(f"/assignments/{NAME}").text
    name = re.search(rf"/boards/{NAME}.html#([a-z]+-[a-z]+-\d+)", page)
    assert name is not None
    assert "1 of 1" in page
    assert name[1] in web.visit("bob").get(f"/boards/{NAME}.html").text


def addresses(attempt: Any) -> list[str]:
    return [f"/attempts/{attempt.name}", f"/attempts/{attempt.name}/notebook"]


@pytest.mark.parametrize("number", [0, 1])
def test_another_students_attempt_is_not_there(web: Web, adas: Any, number: int) -> None:
    path = addresses(adas)[number]
    assert web.visit("ada").get(path).status_code == 200
    assert web.visit("tina", "staff").get(path).status_code == 200
    bob = web.visit("bob")
    answer, strange = bob.get(path), bob.get(f"/attempts/{'x' * 16}")
    assert (answer.status_code, answer.text) == (404, strange.text)
    assert web.visit().get(path).status_code == 401


@pytest.mark.parametrize("path", ["/assignments/{}?student=ada", "/assignments/{}?student=ada&student=bob"])
def test_a_student_who_asks_for_another_by_address_sees_their_own(web: Web, adas: Any, path: str) -> None:
    page = web.visit("bob").get(path.format(NAME)).text
    assert adas.name not in page
    assert "None yet" in page


@pytest.mark.parametrize("action", ["again", "choose", "try-again"])
def test_nobody_acts_on_anothers_attempt_by_a_form(web: Web, adas: Any, action: str) -> None:
    assert web.visit("bob").post(f"/attempts/{adas.name}/{action}").status_code == 404
    assert len(web.served.store.of_student("ada")) == 1
    assert not web.served.store.of_student("bob")


def test_who_hands_in_is_who_the_session_says_whatever_the_form_says(web: Web) -> None:
    web.visit("bob").upload(b"{}", fields={"student": "ada", "person": "ada", "role": "staff"})
    assert not web.served.store.of_student("ada")
    assert len(web.served.store.of_student("bob")) == 1


@pytest.mark.parametrize("name", ["../../ada/x.ipynb", "..\\ada.ipynb", "/etc/passwd", "\0", ".", "ada/" * 200])
def test_a_files_name_leads_nowhere(web: Web, name: str) -> None:
    web.visit("bob").upload(web.served.notebook(), file=name)
    (taken,) = web.served.store.of_student("bob")
    assert "/" not in taken.file
    assert "\\" not in taken.file
    assert not taken.file.startswith(".")


PATHS = [
    "/static/../web.py", "/static/%2e%2e/web.py", "/boards/../course.toml", "/boards/..%2fcourse.toml", "/boards/x",
    "/boards/.course-secret", "/attempts/../../gradebook.db", "/assignments/..%2f..%2fetc", "/events/..%2f",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out(web: Web, adas: Any, path: str) -> None:
    answer = web.visit("bob").get(path)
    assert answer.status_code in (307, 404, 405)
    assert answer.headers.get("location", HERE).startswith(HERE)
    assert "fixed_secret" not in answer.text


def forged(cookie: str) -> list[str]:
    payload, _, signature = cookie.rpartition(".")
    changed = [f"{payload}.{signature[::-1]}", f"{payload[:-2]}AA.{signature}", f"{payload}."]
    return [*changed, payload, signature, "a.b", "\x7f", "." * 3000]


def test_a_cookie_that_was_changed_is_nobodys(web: Web) -> None:
    cookie = web.access.session("student", "ada", time.time() + 600)
    assert web.access.visitor(cookie) is not None
    assert [web.access.visitor(each) for each in forged(cookie)] == [None] * 8


def test_a_link_is_no_cookie_and_a_cookie_no_link(web: Web) -> None:
    link, cookie = web.access.link("staff", "tina", 60), web.access.session("student", "ada", time.time() + 60)
    assert Visit(web.application, link).get("/").status_code == 401
    assert web.visit().get(f"/enter/{cookie}").status_code == 400


def test_another_courses_cookie_is_nobodys(web: Web, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n')
    other = Access(Course.find(tmp_path / "other"), web.served.store)
    assert web.access.visitor(other.session("staff", "tina", time.time() + 600)) is None


def test_a_link_opens_a_session_only_when_it_is_confirmed(web: Web) -> None:
    visit, path = web.visit(), f"/enter/{web.access.link('student', 'ada', 60)}"
    assert "Continue as" in visit.get(path).text
    assert visit.get("/").status_code == 401
    answer = visit.post(path)
    assert answer.status_code == 303
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags
    assert "Your assignments" in visit.get("/").text


def test_behind_https_the_cookie_is_for_https_alone(served: Any) -> None:
    web = Web(served, secure=True, prefix="/handin/")
    answer = web.visit().post(f"/handin/enter/{web.access.link('student', 'ada', 60)}")
    assert "; Secure" in answer.headers["set-cookie"]
    assert "Path=/handin/" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_link_that_has_expired_or_was_revoked_lets_nobody_in(web: Web) -> None:
    gone, link = web.access.link("student", "ada", -1), web.access.link("student", "ada", 60)
    ada = web.visit("ada")
    assert "expired" in web.visit().get(f"/enter/{gone}").text
    web.served.store.revoke("student", "ada")
    assert "replaced" in web.visit().get(f"/enter/{link}").text
    assert ada.get("/").status_code == 401
    assert web.visit("bob").get("/").status_code == 200


def test_a_session_ends_with_its_link(web: Web) -> None:
    assert web.visit("ada", seconds=-1).get("/").status_code == 401


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}])
def test_a_form_of_another_site_is_refused(web: Web, headers: dict[str, str]) -> None:
    assert web.visit("ada").upload(b"{}", headers=headers).status_code == 403
    assert not web.served.store.waiting()


def test_a_browser_that_tells_only_the_origin_is_judged_by_it(web: Web) -> None:
    ada = web.visit("ada")
    path = f"/assignments/{NAME}/upload"
    fields: dict[str, Any] = {"form": (None, ada.token()), "notebook": ("a.ipynb", b"{}")}
    assert ada.client.post(path, files=fields, headers={"origin": "http://evil.example"}).status_code == 403
    assert ada.client.post(path, files=fields, headers={"origin": "null"}).status_code == 403
    assert ada.client.post(path, files=fields, headers={"origin": HERE}).status_code == 303


def test_a_form_without_its_token_or_with_anothers_is_refused(web: Web) -> None:
    ada, bob = web.visit("ada"), web.visit("bob")
    for token in ("", "0" * 32, bob.token(), web.visit("ada").token()):
        assert ada.upload(b"{}", token=token).status_code == 403
    assert not web.served.store.waiting()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(web: Web) -> None:
    ada = web.visit("ada")
    answer = ada.client.post(
        f"/assignments/{NAME}/upload", content=b"", headers={**OURS, "content-length": str(21 << 20)}
    )
    assert answer.status_code == 413
    assert ada.client.post("/leave", content=iter([b"x"]), headers=OURS).status_code == 411


def test_a_refused_request_is_read_to_its_end_but_not_without_end(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is answered while it still sends reports a fault of the service: 502 instead of 413."""
    monkeypatch.setattr("autograder.service.access._READ_AWAY_SECONDS", 0.2)
    headers = [(b"host", b"x"), (b"content-length", b"30000000"), (b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": "/leave", "query_string": b"", "headers": headers}

    def upload(pieces: int, pause: float = 0.0) -> tuple[int, int]:
        """The status, and how many pieces of a MiB were read before it was sent."""
        said: list[tuple[int, int]] = []
        read = 0

        async def receive() -> Message:
            nonlocal read
            await asyncio.sleep(pause)
            read += 1
            return {"type": "http.request", "body": b"x" * (1 << 20), "more_body": read < pieces}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                said.append((message["status"], read))

        asyncio.run(web.application(scope, receive, send))
        return said[0]

    assert upload(30) == (413, 30)
    status, read = upload(10**9)
    assert status == 413
    assert 40 <= read <= 42
    status, read = upload(10**9, pause=60)
    assert (status, read) == (413, 0)


class AtOnce:
    """Requests of people who take nothing of the answer, or send nothing more, until they are let go."""

    def __init__(self, application: Guard, cookie: str, address: str = "10.0.0.1") -> None:
        self._application, self._address = application, address
        self._headers = [(b"host", b"x"), (b"cookie", f"{COOKIE}={cookie}".encode())]
        self.statuses: list[int] = []
        self.bodies: list[int] = []

    async def ask(self, path: str, gone: asyncio.Event, method: str = "GET", **headers: str) -> None:
        more = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "path": path, "query_string": b"", "headers": [*self._headers, *more]}

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])
            else:
                self.bodies.append(len(message["body"]))
                await gone.wait()

        await self._application({**scope, "method": method, "client": (self._address, 1)}, receive, send)

    async def many(self, count: int, path: str, **more: str) -> list[BaseException | None]:
        gone = asyncio.Event()
        tasks = [asyncio.create_task(self.ask(path, gone, **more)) for _ in range(count)]
        await asyncio.sleep(1)
        gone.set()
        return await asyncio.gather(*tasks, return_exceptions=True)


def test_a_student_who_takes_no_answer_holds_few_of_them_and_only_for_a_while(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would be a copy of the notebook, for as long as the student likes: sixty of them were two gigabytes."""
    monkeypatch.setattr("autograder.service.access._PIECE_SECONDS", 0.3)
    attempt = web.served.hand_in("eve", b"x" * (1 << 20))
    eve = AtOnce(web.application, web.access.session("student", "eve", time.time() + 600))
    ended = asyncio.run(eve.many(40, f"/attempts/{attempt.name}/notebook"))
    assert eve.statuses.count(200) == 16
    assert eve.statuses.count(429) == 24
    assert max(eve.bodies) == 64 * 1024
    assert sum(isinstance(each, TimeoutError) for each in ended) == 40
    assert web.visit("eve").get(f"/attempts/{attempt.name}/notebook").content == b"x" * (1 << 20)


def test_refused_requests_that_send_nothing_hold_few_places(web: Web) -> None:
    stranger = AtOnce(web.application, "nobody")
    asyncio.run(stranger.many(40, "/", method="POST", sec_fetch_site="cross-site", content_length="100"))
    assert sorted(stranger.statuses) == [403] * 40
    assert web.application._reading.total == 0


def test_a_stranger_has_few_requests_at_once_and_nobody_else_has_fewer(web: Web) -> None:
    async def both() -> tuple[list[int], list[int]]:
        stranger = AtOnce(web.application, "nobody")
        ada = AtOnce(web.application, web.access.session("student", "ada", time.time() + 600))
        await asyncio.gather(stranger.many(150, "/health"), ada.many(16, "/health"))
        return stranger.statuses, ada.statuses

    strangers, adas = asyncio.run(both())
    assert (strangers.count(200), strangers.count(429)) == (100, 50)
    assert adas == [200] * 16


@pytest.mark.parametrize("path", [f"/assignments/{NAME}/ask", "/leave"])
def test_only_where_a_file_is_handed_in_is_one_taken(web: Web, path: str) -> None:
    """Elsewhere the uploads of one student would not be counted, and twenty megabytes each lie on the disk."""
    answer = web.visit("ada").post(path, files={"file": ("x", io.BytesIO(b"x"))}, fields={"text": "Why?"})
    assert answer.status_code == 400


def test_a_form_with_a_thousand_fields_is_refused(web: Web) -> None:
    assert web.visit("ada").upload(b"{}", fields={f"f{n}": "x" for n in range(1000)}).status_code == 400


@pytest.mark.parametrize(("content", "said"), [(b"", "empty")])
def test_an_upload_of_nothing_says_so(web: Web, content: bytes, said: str) -> None:
    answer = web.visit("ada").upload(content)
    assert answer.status_code == 400
    assert said in answer.text


def test_a_full_disk_is_told_without_a_word_on_this_machine(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MachineryError(f"{web.served.root}: the disk is full")

    monkeypatch.setattr(web.served.store, "hand_in", full)
    answer = web.visit("ada").upload(b"{}")
    assert answer.status_code == 503
    assert str(web.served.root) not in answer.text


def test_who_comes_too_often_waits(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()  # Time stands still: on a busy machine the allowance would come back between two requests.
    monkeypatch.setattr("autograder.service.access.time.monotonic", lambda: now)
    ada = web.visit("ada")
    answers = [ada.get("/health").status_code for _ in range(201)]
    assert (answers.index(429), answers.count(429)) == (200, 1)
    assert web.visit("bob").get("/health").status_code == 200


def test_another_cookie_or_session_brings_no_allowance_of_its_own(web: Web) -> None:
    def answers(cookies: list[str]) -> set[int]:
        """Ask without a client in between: it is so slow that the allowance would come back meanwhile."""
        said: list[int] = []

        async def ask() -> None:
            for n, cookie in enumerate(cookies):
                headers = [(b"host", b"x"), (b"cookie", f"x={n}; {cookie}".encode())]
                scope = {"type": "http", "method": "GET", "path": "/health", "query_string": b"", "headers": headers}

                async def receive() -> Message:
                    return {"type": "http.request"}

                async def send(message: Message) -> None:
                    said.append(message.get("status", 0))

                await web.application({**scope, "client": ("10.0.0.1", 1)}, receive, send)

        asyncio.run(ask())
        return set(said)

    sessions = [web.access.session("student", name, time.time() + 600) for name in ("ada", "ada", "bob")]
    adas, again, bobs = (f"{COOKIE}={session}" for session in sessions)
    assert 429 in answers([adas, again] * 150)
    assert 429 in answers([""] * 300)
    assert 429 not in answers([bobs])


def test_what_is_no_file_is_small(web: Web) -> None:
    """Fields of a form are taken apart byte by byte, while nobody else is answered: a file's size would be seconds."""
    ada, kind = web.visit("ada"), "application/x-www-form-urlencoded"
    for path in ("/leave", f"/assignments/{NAME}/upload"):
        answer = ada.client.post(path, content=b"&" * (1 << 20), headers={**OURS, "content-type": kind})
        assert answer.status_code == 413


def test_an_allowance_comes_back_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("autograder.service.access.time.monotonic", lambda: now)
    limiter = Limiter(rate=1, burst=2)
    assert [limiter.allows("ada") for _ in range(3)] == [True, True, False]
    now = 101.5
    assert [limiter.allows("ada") for _ in range(2)] == [True, False]


def test_only_so_much_runs_at_the_same_time() -> None:
    together = Together(each=2, everybody=3)
    with together.one_more("ada") as first, together.one_more("ada") as second, together.one_more("ada") as third:
        assert [first, second, third] == [True, True, False]
        with together.one_more("bob") as bobs, together.one_more("eve") as eves:
            assert [bobs, eves] == [True, False]
    with together.one_more("ada") as again:
        assert again


def test_a_boards_script_runs_apart_from_the_cookies(web: Web, adas: Any) -> None:
    policy = web.visit("ada").get(f"/boards/{NAME}.html").headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy


def test_every_answer_forbids_what_no_page_needs(web: Web) -> None:
    for path in ("/", "/no-such-page", "/static/service.css", "/health", "/enter/x"):
        headers = web.visit("ada").get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_no_page_has_a_script_or_a_style_of_its_own(web: Web, adas: Any) -> None:
    for path in ("/", f"/assignments/{NAME}", "/no-such-page"):
        page = web.visit("ada").get(path).text
        assert not re.search(r"<style|style=|<script(?! src)|\son\w+=", page)


@pytest.mark.parametrize("path", ["/staff", "/desk/", "/desk/anything"])
def test_the_pages_of_staff_are_not_there_for_students(web: Web, path: str) -> None:
    assert web.visit("ada").get(path).status_code == 404


def test_the_desk_is_there_for_staff_who_are_named_to_it(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def desk(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(f"desk of {scope['autograder.person']}")(scope, receive, send)

    monkeypatch.setitem(sys.modules, "autograder.desk", SimpleNamespace(application=lambda course: desk))
    shutil.copytree(built, tmp_path / "course")
    web = Web(Served(tmp_path / "course"))
    assert web.visit("tina", "staff").get("/desk/").text == "desk of tina"
    assert web.visit("ada").get("/desk/").status_code == 404
    assert web.visit().get("/desk/").status_code == 404
    assert "/desk/" in web.visit("tina", "staff").get("/staff").text


def test_the_desk_itself_finds_its_addresses_below_ours(served: Any) -> None:
    tina = Web(served, prefix="/handin/").visit("tina", "staff")
    page = tina.get("/handin/desk/")
    assert page.status_code == 200
    assert "tina" in page.text
    assert tina.get(re.search(r'href="([^"]+\.css)"', page.text)[1]).status_code == 200  # type: ignore[index]


def test_staff_come_from_here_to_the_desk_and_stay_there(web: Web, adas: Any) -> None:
    tina = web.visit("tina", "staff")
    assert 'href="/desk/"' in tina.get("/staff").text
    page = tina.get("/desk/")
    assert page.status_code == 200
    style, question = re.findall(r'href="([^"]+)"', page.text)[0], f"/desk/{NAME}/"
    assert style.startswith("/desk/")
    assert tina.get(style).headers["content-type"].startswith("text/css")
    assert f'href="{question}' in page.text
    assert "tina" in page.text


def test_staff_see_what_needs_a_look_and_can_try_again(web: Web) -> None:
    taken = web.served.hand_in("ada")
    web.served.store.finish(taken, "failed", reason="the disk was full")
    tina = web.visit("tina", "staff")
    assert "the disk was full" in tina.get("/staff").text
    assert tina.post(f"/attempts/{taken.name}/try-again").status_code == 303
    assert web.served.store.waiting()
    assert "about" in tina.get("/staff").text


def test_staff_find_a_students_page(web: Web, adas: Any) -> None:
    tina = web.visit("tina", "staff")
    answer = tina.get(f"/staff?student=ada&assignment={NAME}")
    assert answer.headers["location"] == f"/assignments/{NAME}?student=ada"
    assert adas.name in tina.get(answer.headers["location"]).text


def test_markup_in_a_name_is_text(web: Web) -> None:
    web.visit("ada").upload(b"{}", file='<img src=x onerror="alert(1)">.ipynb')
    assert "<img" not in web.visit("ada").get(f"/assignments/{NAME}").text


def test_an_attempt_can_be_handed_in_again_and_has_a_time_of_its_own(web: Web, adas: Any) -> None:
    assert web.visit("ada").post(f"/attempts/{adas.name}/again").status_code == 303
    first, second = web.served.store.of_student("ada")
    assert first.digest == second.digest
    assert second.at > first.at


def test_choosing_is_refused_where_the_course_counts_the_last(web: Web, adas: Any) -> None:
    answer = web.visit("ada").post(f"/attempts/{adas.name}/choose")
    assert answer.status_code == 400
    assert "students do not choose" in answer.text


def test_uploads_at_once_stay_with_whom_they_came_from(web: Web) -> None:
    people = [f"s{number}" for number in range(8)]
    visits = {name: web.visit(name) for name in people}
    tokens = {name: visit.token() for name, visit in visits.items()}

    def hand_in(name: str) -> None:
        for number in range(3):
            visits[name].upload(f"{name} {number}".encode(), token=tokens[name])

    threads = [threading.Thread(target=hand_in, args=(name,)) for name in people]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for name in people:
        contents = {web.served.store.content(each) for each in web.served.store.of_student(name)}
        assert contents == {f"{name} {number}".encode() for number in range(3)}


def test_what_is_told_of_an_attempt_is_told_to_its_student_alone(web: Web, adas: Any) -> None:
    said = web.site._pages.snapshot("bob", NAME)
    assert said == "{}"
    assert adas.name in web.site._pages.snapshot("ada", NAME)


@pytest.fixture
def entering(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the small assignment were the challenge."""
    monkeypatch.setattr("autograder.service.web.enters", lambda assignment: True)


def rehearse(visit: Visit, content: bytes, **more: Any) -> Any:
    return visit.post(f"/assignments/{NAME}/rehearse", files={"notebook": ("e.ipynb", io.BytesIO(content))}, **more)


def test_a_rehearsal_is_shown_to_whom_it_belongs_and_uses_up_no_attempt(web: Web, entering: None) -> None:
    ada = web.visit("ada")
    answer = rehearse(ada, web.served.notebook())
    assert (answer.status_code, answer.headers["location"]) == (303, f"/assignments/{NAME}#rehearsal")
    assert "Rehearsal 1" in ada.get(f"/assignments/{NAME}").text
    assert "Rehearsal 1" in web.site._pages.snapshot("ada", NAME)
    assert "Rehearsal 1" not in web.visit("bob").get(f"/assignments/{NAME}").text
    assert not web.served.store.of_student("ada")
    assert "has not ended" in rehearse(ada, web.served.notebook()).text


@pytest.mark.parametrize("token", ["", "0" * 32])
def test_a_rehearsal_needs_the_form_and_a_file(web: Web, entering: None, token: str) -> None:
    assert rehearse(web.visit("ada"), b"{}", token=token).status_code == 403
    assert rehearse(web.visit("ada"), b"").status_code == 400
    assert rehearse(web.visit("tina", "staff"), b"{}").status_code == 400
    assert "Rehearsal 1" not in web.visit("ada").get(f"/assignments/{NAME}").text


def test_only_the_challenge_is_rehearsed_and_no_other_address_takes_a_file(web: Web) -> None:
    ada = web.visit("ada")
    assert rehearse(ada, web.served.notebook()).status_code == 404
    assert ada.post(f"/assignments/{NAME}/other", files={"notebook": ("e.ipynb", b"{}")}).status_code in (404, 405)
    assert not web.served.store.of_student("ada")


def test_a_question_reaches_the_staff_and_its_answer_comes_back_to_its_student_alone(web: Web) -> None:
    ada, bob, tina = web.visit("ada"), web.visit("bob"), web.visit("tina", "staff")
    assert ada.post(f"/assignments/{NAME}/ask", fields={"text": "<b>Why</b>?"}).status_code == 303
    assert "&lt;b&gt;Why&lt;/b&gt;?" in tina.get("/staff").text
    assert "Your question is not answered yet" in ada.get("/").text
    (question,) = re.findall(r"/questions/([^/]+)/answer", tina.get("/staff").text)
    assert bob.post(f"/questions/{question}/answer", fields={"text": "I know"}).status_code == 404
    assert tina.post(f"/questions/{question}/answer", fields={"text": "Because of 3."}).status_code == 303
    assert "Because of 3." in ada.get(f"/assignments/{NAME}").text
    assert "Your question is answered" in ada.get("/").text
    assert "Why" not in bob.get(f"/assignments/{NAME}").text
    assert "Nobody." in tina.get("/staff").text
    assert tina.post(f"/questions/{question}/answer", fields={"text": "Or not."}).status_code == 400


def test_who_gets_no_further_is_shown_to_staff(web: Web) -> None:
    for points in (1, 1, 1, 1):
        taken = web.served.hand_in("ada", web.served.notebook(remark=str(time.time_ns())))
        web.served.store.finish(taken, "graded", points=points)
    assert "the last 3 attempts gained no points; 1 of 4 points" in web.visit("tina", "staff").get("/staff").text


def test_a_group_sees_who_handed_in_and_others_do_not(web: Web) -> None:
    (web.served.root / "students.csv").write_text("id,group\nada,one\nbob,one\ncem,\n")
    web.served.configure("[serve]\ngroups = true\npause_minutes = 0\n")
    web.loop._look_at_configuration()
    assert web.visit("ada").upload(web.served.notebook()).status_code == 303
    page = web.visit("bob").get(f"/assignments/{NAME}").text
    assert "handed in by ada" in page
    assert "together with ada" in page
    assert "None yet" in web.visit("cem").get(f"/assignments/{NAME}").text
    (own,) = web.served.store.of_student("bob")
    (hers,) = web.served.store.of_student("ada")
    assert web.visit("bob").get(f"/attempts/{own.name}/notebook").status_code == 200
    assert web.visit("cem").get(f"/attempts/{own.name}/notebook").status_code == 404
    assert web.visit("bob").get(f"/attempts/{hers.name}/notebook").status_code == 404


def test_a_notebook_comes_back_as_a_file_that_no_browser_shows(web: Web) -> None:
    ada = web.visit("ada")
    ada.upload(b"<script>alert(1)</script>", file="page.html")
    (taken,) = web.served.store.of_student("ada")
    answer = ada.get(f"/attempts/{taken.name}/notebook")
    headers = answer.headers
    assert answer.content == b"<script>alert(1)</script>"
    assert headers["content-length"] == "25"
    assert headers["content-disposition"].startswith("attachment")
    assert headers["content-type"] == "application/octet-stream"
    assert "sandbox" in headers["content-security-policy"]

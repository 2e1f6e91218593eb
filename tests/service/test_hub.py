"""A real JupyterHub with its proxy, the service behind it, two students and a teaching assistant in a real browser."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.service.access import roster_of

from .conftest import SQUARED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAME = "00-two-functions"
ME = getpass.getuser()  # The simple spawner starts everybody's server under this account.
PROXY = "configurable-http-proxy"
CONFIGURATION = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.ConfigurableHTTPProxy.command = {proxy}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.allow_all = True
c.DummyAuthenticator.password = "pw"
c.JupyterHub.spawner_class = "simple"
c.Spawner.args = ["--allow-root"]
c.Spawner.default_url = "/lab"
c.SimpleLocalProcessSpawner.home_dir_template = {home!r} + "/{{username}}"
c.Spawner.environment = {{"JUPYTER_CONFIG_DIR": {settings!r}, "JUPYTER_DATA_DIR": {home!r} + "/.data"}}
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.JupyterHub.load_groups = {{"formgrade-small": ["tina"]}}
c.JupyterHub.services = [{{
    "name": "handin",
    "url": "http://127.0.0.1:{service_port}",
    "command": [{python!r}, "-m", "autograder", "serve", "--course", {course!r}, "--workers", "1"],
    "oauth_no_confirm": True,
}}]
c.JupyterHub.load_roles = [
    {{"name": "user", "scopes": ["self", "access:services!service=handin"]}},
    {{"name": "handin", "services": ["handin"], "scopes": ["read:users:name", "read:users:groups"]}},
]
"""


NBGRADER = """
c = get_config()
c.CourseDirectory.course_id = "small"
c.Exchange.root = {exchange!r}
c.Exchange.cache = {home!r} + "/.cache"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def proxy_command(folder: Path) -> list[str]:
    """The hub's proxy: the machine's, or one that npm installs here."""
    if found := shutil.which(PROXY):
        return [found]
    if given := os.environ.get("CONFIGURABLE_HTTP_PROXY"):
        return [given]
    if not shutil.which("npm"):
        pytest.skip("neither configurable-http-proxy nor npm is installed")
    subprocess.run(["npm", "install", "--prefix", str(folder), PROXY], check=True, capture_output=True, timeout=300)
    return [str(folder / "node_modules" / ".bin" / PROXY)]


@pytest.fixture
def hub(served: Any, tmp_path: Path) -> Iterator[str]:
    """The address of a running hub whose service serves the small course."""
    ports = {name: free_port() for name in ("port", "hub_port", "api_port", "service_port")}
    (served.root / "students.csv").write_text(f"id,first_name,last_name\nada,Ada,L\nbob,Bob,M\n{ME},Eve,N\n")
    exchange = served.root / "exchange" / "small"
    for folder in ("inbound", f"outbound/{NAME}", "feedback"):
        (exchange / folder).mkdir(parents=True)
    (exchange / "outbound" / NAME / "two_functions.ipynb").write_text(json.dumps(served.release))
    served.configure('[serve]\npause_minutes = 0\nexchange = "exchange"\n[grading]\ncheck_seconds = 10\n')
    home, settings = tmp_path / "home", tmp_path / "settings"
    home.mkdir()
    settings.mkdir()
    (settings / "nbgrader_config.py").write_text(NBGRADER.format(exchange=str(exchange.parent), home=str(home)))
    paths = {"course": str(served.root), "home": str(home), "settings": str(settings)}
    text = CONFIGURATION.format(**ports, **paths, proxy=proxy_command(tmp_path), python=sys.executable)
    (tmp_path / "jupyterhub_config.py").write_text(text)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTEST_CURRENT_TEST", None)
    with (tmp_path / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"],
            cwd=tmp_path, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{ports['port']}"
            wait_for(f"{address}/services/handin/health", process, tmp_path / "hub.log")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                assert answer.read() == b"ok\n"
                return
        except (OSError, urllib.error.URLError):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < end, log.read_text()[-3000:]
            time.sleep(0.5)


def signed_in(chromium: Any, hub: str, name: str) -> Any:
    page = chromium.new_context().new_page()
    page.goto(f"{hub}/services/handin/")
    page.fill("#username_input", name)
    page.fill("#password_input", "pw")
    page.click("#login_submit")
    page.wait_for_url("**/services/handin/**")
    return page


def handed_in(page: Any, hub: str, file: Path) -> None:
    page.goto(f"{hub}/services/handin/assignments/{NAME}")
    page.set_input_files("#notebook", str(file))
    page.get_by_role("button", name="Hand in", exact=True).click()
    page.wait_for_selector("[data-state=graded]", timeout=60_000)


def board_rows(page: Any, hub: str) -> str:
    page.goto(f"{hub}/services/handin/assignments/{NAME}")
    return str(page.text_content("#boards"))


def test_two_students_hand_in_behind_a_hub_and_a_teaching_assistant_sees_both(
    served: Any, hub: str, chromium: Any, tmp_path: Path, half: dict[str, str]
) -> None:
    right, wrong = tmp_path / "right.ipynb", tmp_path / "wrong.ipynb"
    right.write_bytes(served.notebook())
    wrong.write_bytes(served.notebook({**half, "shift": "def shift(x):\n    return x\n"}))
    ada, bob, tina = (signed_in(chromium, hub, name) for name in ("ada", "bob", "tina"))
    assert "Your assignments" in ada.inner_text("main")
    handed_in(ada, hub, right)
    handed_in(bob, hub, wrong)
    assert "4 of 4 points" in ada.inner_text("[data-said]")
    assert "3 of 4 points" in bob.inner_text("[data-said]")
    bob.wait_for_selector("#said:has-text('Attempt 1: 3 of 4 points')")

    path = bob.get_attribute("#attempts .button", "href")
    assert ada.goto(f"{hub}{path}").status == 404
    assert bob.goto(f"{hub}{path}").status == 200
    assert "shift" in bob.inner_text("body")
    assert ada.goto(f"{hub}/services/handin/staff").status == 404

    tina.goto(f"{hub}/services/handin/staff")
    assert "bob" in tina.content()
    assert tina.goto(f"{hub}{path}").status == 200

    end = time.monotonic() + 30
    while "1 of 2" not in (shown := board_rows(ada, hub)):
        assert time.monotonic() < end, shown
        time.sleep(0.5)

    stranger = signed_in(chromium, hub, "mallory")
    assert "not on the list" in stranger.inner_text("main")
    states = {cookie["name"] for cookie in ada.context.cookies() if not cookie["httpOnly"]}
    assert "autograder-session" not in states
    assert set(roster_of(served.course)) == {"ada", "bob", ME}
    assert not served.store.of_student("mallory")
    assert json.loads((served.root / "leaderboard" / f"{NAME}.json").read_text())["ranked"] == 2


def test_a_student_presses_submit_in_jupyterlab_and_reads_feedback_within_seconds(
    served: Any, hub: str, chromium: Any, tmp_path: Path
) -> None:
    page = signed_in(chromium, hub, ME)
    lab = page.context.new_page()
    lab.goto(f"{hub}/hub/spawn/{ME}")
    lab.wait_for_selector("#jp-MainMenu", timeout=150_000)
    lab.get_by_role("menuitem", name="Nbgrader").click()
    lab.get_by_role("menuitem", name="Assignment List").click()
    lab.get_by_role("button", name="Fetch", exact=True).click()
    submit = lab.get_by_role("button", name="Submit", exact=True)
    submit.wait_for(timeout=60_000)
    (tmp_path / "home" / ME / NAME / "two_functions.ipynb").write_bytes(served.notebook(SQUARED))
    began = time.monotonic()
    submit.click()
    page.goto(f"{hub}/services/handin/assignments/{NAME}")
    page.wait_for_selector("[data-state=graded]", timeout=60_000)
    assert time.monotonic() - began < 30
    assert "2 of 4 points" in page.inner_text("[data-said]")
    page.wait_for_selector("#boards:has-text('1 of 1')", timeout=30_000)
    assert time.monotonic() - began < 30
    until_there(served.root / "exchange" / "small" / "feedback")
    lab.get_by_role("button", name="Refresh").first.click()
    fetch = lab.get_by_role("button", name="Fetch Feedback").first
    fetch.click()
    until_there(tmp_path / "home" / ME / NAME / "feedback")
    (feedback,) = (tmp_path / "home" / ME / NAME / "feedback").rglob("*.html")
    assert "2 <small>of 4" in feedback.read_text()
    assert "You multiplied the number by itself" in feedback.read_text()


def until_there(folder: Path) -> None:
    """Wait until there is a page in a folder."""
    end = time.monotonic() + 60
    while not list(folder.rglob("*.html")):
        assert time.monotonic() < end, f"nothing came to {folder.name}"
        time.sleep(0.2)


def test_whoever_comes_back_from_the_hub_in_another_browser_is_nobody(hub: str, chromium: Any) -> None:
    page = chromium.new_context().new_page()
    answer = page.goto(f"{hub}/services/handin/oauth_callback?code=abc&state=def")
    assert answer.status == 403
    assert "Load the page again" in page.inner_text("main")

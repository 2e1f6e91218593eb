"""What tests of several folders need."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from autograder.course import Course
    from autograder.isolation.student_process import StudentProcess

ROOT = Path(__file__).resolve().parents[1]
USER = 54321
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # Nothing but this machine is asked for anything.
]
# What starts sandboxes for whole classes, browsers or other programs: not in `make quick`.
SLOW = (
    "attacks", "audit", "bench", "browser", "challenge", "demo", "faults", "test_docs.py", "test_environment.py",
    "test_walk_through.py", "authoring/test_skeleton.py", "engine/test_cluster.py", "engine/test_interruption.py",
    "gradebook/test_preprocessors.py", "gradebook/test_unisolated.py", "grading/test_nbgrader_compat.py",
    "isolation/test_layers.py", "isolation/test_ordinary_user.py",
)  # fmt: skip
# What takes minutes comes first, the longest at the very beginning: with a file to each process, what is long and last
# keeps the others waiting.
LONG = (
    "attacks/test_catalogue.py", "browser/test_jupyterlab.py", "test_installation.py", "adopting/test_levels.py",
    "faults", "test_docs.py", "test_wheel.py", "test_walk_through.py", "adopting/test_tutorial.py",
    "service/test_deadline_night.py",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--at-most`` is given by `make quick`."""
    parser.addoption("--at-most", type=float, default=0.0, help="Seconds that a test that is not slow may take.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what lies in a slow folder or file, and begin with the longest."""
    for item in items:
        if lies_in(item, SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: next((n for n, place in enumerate(LONG) if lies_in(item, (place,))), len(LONG)))


def lies_in(item: pytest.Item, places: tuple[str, ...]) -> bool:
    path = item.path.relative_to(ROOT / "tests").as_posix()
    return any(path == each or path.startswith(f"{each}/") for each in places)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that takes longer than ``--at-most``; a machine that is busy with other things is given more."""
    report = yield
    bound = item.config.getoption("--at-most") * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    if (
        call.when == "call"
        and bound
        and report.passed
        and not item.get_closest_marker("slow")
        and call.duration > bound
    ):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} took {call.duration:.1f} s, and {bound:.1f} s is the bound. Mark it slow."
    return report


MASK = os.umask(0)
os.umask(MASK)


@pytest.fixture(autouse=True)
def _umask_as_before() -> Iterator[None]:
    """Setting nbgrader up makes all later files of the process private, also those of the next tests."""
    os.umask(MASK)  # A fixture of a whole module may have changed it before this one.
    yield
    os.umask(MASK)


@pytest.fixture(scope="session")
def ordinary_user() -> int:
    """The number of a user who is nobody else here."""
    return USER


@pytest.fixture(scope="session")
def as_ordinary_user() -> Callable[[list[str]], list[str]]:
    """Turns a command into one that runs it as that user, who can then read Python and the repository anywhere."""
    return _as_ordinary_user


def _shut_folders(paths: list[Path]) -> set[Path]:
    """The outermost folders above these that other users may not pass."""
    above = (parent for path in paths for parent in reversed(path.parents))
    return {folder for folder in above if not folder.stat().st_mode & stat.S_IXOTH}


def _as_ordinary_user(command: list[str]) -> list[str]:
    needed = [Path(sys.prefix), Path(sys.base_prefix), ROOT]
    shut = _shut_folders(needed)
    words = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL", "--die-with-parent"]
    for folder in sorted(shut):
        words += ["--perms", "0755", "--tmpfs", str(folder)]
    for path in needed:
        inside = [parent for parent in reversed(path.parents) if any(parent.is_relative_to(f) for f in shut)]
        if inside:
            words += [word for parent in inside[1:] for word in ("--perms", "0755", "--dir", str(parent))]
            words += ["--ro-bind", str(path), str(path)]
    return [*words, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *command]


@pytest.fixture(scope="session")
def host_pid() -> Callable[[StudentProcess], int]:
    """Tells a worker's process number outside the sandbox, for those who want to kill it."""
    return _host_pid


def _host_pid(worker: StudentProcess) -> int:
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue
        numbers = lines.get("NSpid", "").split()
        # In a namespace of its own it is the first process; the warm process knows it by the number before that.
        numbered = numbers[:-1] if getattr(worker._supervisor, "shareable", False) and len(numbers) > 3 else numbers
        if len(numbers) > 1 and int(numbered[-1]) == worker._number and _is_ours(int(numbers[0])):
            return int(numbers[0])
    raise LookupError("the worker is not running")


def _is_ours(pid: int) -> bool:
    """Whether a process descends from this test run."""
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return False


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL prefix of a PostgreSQL server of our own, on a socket in a folder of its own; stopped afterwards."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(subprocess.check_output(["mktemp", "-d", "-t", "pg-XXXXXX"], text=True).strip())
    as_user: list[str] = []
    if os.getuid() == 0:
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres'")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    run = [*as_user, str(found[-1] / "pg_ctl"), "-D", str(folder / "data"), "-w", "-s"]
    subprocess.run(
        [*as_user, str(found[-1] / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "grader", "-E", "UTF8"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    subprocess.run([*run, "-l", str(folder / "log"), "-o", options, "start"], check=True, cwd=folder)
    try:
        yield f"postgresql+psycopg://grader@/{{}}?host={folder}"
    finally:
        subprocess.run([*run, "-m", "immediate", "stop"], check=True, cwd=folder)
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres: str, request: pytest.FixtureRequest) -> str:
    """A fresh, empty PostgreSQL database."""
    from sqlalchemy import create_engine, text

    name = f"test_{abs(hash(request.node.nodeid)):x}"
    engine = create_engine(postgres.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgres.format(name)


class Cluster:
    """A scheduler and two workers, each a process of its own, on loopback."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__DAEMON": "false"}
        where = ["--scheduler-file", str(self._file)]
        dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1"]
        here = ["--host", "127.0.0.1", "--no-dashboard"]
        self.processes = [self._start([*dask, "--port", "0", *here, *where], environment)]
        self._wait_for_file()
        self.processes += [self._start([*worker, *here, *where], environment) for _ in range(2)]

    def _start(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _wait_for_file(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._file.exists() and self._file.read_text().strip().endswith("}"):
                return
            time.sleep(0.05)
        raise TimeoutError("the scheduler did not start")

    @property
    def address(self) -> str:
        return str(json.loads(self._file.read_text())["address"])

    def kill_a_worker(self) -> None:
        self.processes[1].send_signal(signal.SIGKILL)

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def make_cluster() -> Callable[[Path], Cluster]:
    """Starts a Dask cluster that keeps its address in a folder; whoever starts it closes it."""
    return Cluster


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, which npm installs here."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm: apt-get install npm")
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(
        ["npm", "install", "--prefix", str(folder), "axe-core"], check=True, capture_output=True, timeout=300
    )
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def seen_by_axe(axe: str) -> Callable[[Any], dict[str, Any]]:
    """What axe finds on a page, by rule; also what is too small for a finger, which it leaves out by itself."""

    def look(page: Any) -> dict[str, Any]:
        page.add_script_tag(content=axe)
        found = page.evaluate("axe.run({rules: {'target-size': {enabled: true}}})")["violations"]
        return {each["id"]: [node["target"] for node in each["nodes"]] for each in found}

    return look


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real browser."""
    if CHROMIUM is None:
        pytest.skip("needs chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def correct() -> Callable[[Course, str, str], None]:
    """Changes a text in the author's file of a course's first assignment, and builds."""
    from autograder.authoring.build import build_course

    def change(course: Course, old: str, new: str) -> None:
        author = course.source / "01-convolution" / "convolution.py"
        text = author.read_text()
        assert old in text
        author.write_text(text.replace(old, new, 1))
        build_course(course)

    return change

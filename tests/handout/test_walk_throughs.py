"""The ways of docs/handing-out.md, walked with its own commands: nbgitpuller, GitHub Classroom, and Colab."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from autograder.authoring.skeleton import new_assignment
from autograder.course import Course

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "handing-out.md").read_text(encoding="utf-8")
NAME, NOTEBOOK = "01-convolution", "notebooks/01-convolution/convolution.ipynb"
STUB = "raise NotImplementedError()"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COLAB = "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"


def commands(section: str) -> list[str]:
    """The blocks of commands of a section of the page, in order."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    return [block for kind, block in BLOCK.findall(text) if kind == "sh"]


def bash(script: str, folder: Path, **variables: str) -> str:
    """Run a block of the page, with addresses of this machine in place of the page's."""
    for name, value in variables.items():
        script = re.sub(rf"^{name}=.*$", f"{name}={value}", script, flags=re.MULTILINE)
    who = {f"GIT_{role}_{what}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = os.pathsep.join((variables.get("BIN", str(Path(sys.executable).parent)), os.environ["PATH"]))
    around = {**os.environ, **who, "PATH": path, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=around, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def course(tmp_path: Path) -> Course:
    root = tmp_path / "course"
    (root / "data" / "course").mkdir(parents=True)
    (root / "data" / "course" / "numbers.txt").write_text("1 2 3\n")
    (root / "course.toml").write_text('id = "small"\nfixed_secret = "nobody knows"\n')
    (root / "students.csv").write_text("id,first_name,last_name,github\nada,Ada,L,ada-l\nbob,Bob,M,bobm\n")
    new_assignment(Course.find(root), NAME)
    return Course.find(root)


@pytest.fixture
def empty(tmp_path: Path) -> str:
    """The address of an empty repository for the class."""
    bash("git init --quiet --bare --initial-branch=main class.git", tmp_path)
    return (tmp_path / "class.git").as_uri()


def fill_in(notebook: Path, code: str) -> None:
    """What a student does: write into the first exercise, and save as JupyterLab does."""
    text = notebook.read_text()
    assert STUB in text
    notebook.write_text(text.replace(STUB, code, 1))


def test_on_a_hub_a_link_brings_the_kit_and_a_correction_and_keeps_work(
    correct: Callable[[Course, str, str], None], course: Course, empty: str, tmp_path: Path
) -> None:
    before, give, install, again = commands("A branch")[0], *commands("A hub, with nbgitpuller")
    bash(before, course.root)
    bash(give, course.root, CLASS=empty)

    hub, student = tmp_path / "hub", tmp_path / "student"
    student.mkdir()
    venv.create(hub, with_pip=True)
    lend(hub)
    bash(install, tmp_path, CLASS=empty, BIN=str(hub / "bin"))
    with server(hub, student) as address:
        notebook = student / click(address, empty)
        fill_in(notebook, "return 'my work'")
        correct(course, "# # ", "# # Corrected: ")
        bash(give, course.root, CLASS=empty)
        bash(again, tmp_path, BIN=str(hub / "bin"))
        assert student / click(address, empty) == notebook
    merged = json.loads(notebook.read_text())
    sources = ["".join(cell["source"]) for cell in merged["cells"]]
    assert sources[0].startswith("# Corrected: ")
    assert any("return 'my work'" in source for source in sources)
    checked = subprocess.run(
        [hub / "bin" / "autograder", "check", notebook],
        cwd=student, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert checked.returncode in (0, 1), checked.stderr
    assert "newer version" not in checked.stdout


@contextmanager
def server(hub: Path, student: Path) -> Iterator[str]:
    """The student's server on the hub; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", f"--port={port}", "--ip=127.0.0.1", "--allow-root", "--IdentityProvider.token="]
    around = {**os.environ, "HOME": str(student), "JUPYTER_CONFIG_DIR": str(student / ".jupyter")}
    with (student.parent / "server.log").open("wb") as log:
        command = [str(hub / "bin" / "python"), "-m", "jupyter_server", *options, f"--ServerApp.root_dir={student}"]
        running = subprocess.Popen(command, cwd=student, env=around, stdout=log, stderr=log)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            with suppress(OSError):
                urllib.request.urlopen(f"{address}/api/status", timeout=5).close()
                break
            time.sleep(0.2)
        yield address
    finally:
        running.terminate()
        running.wait(30)


def click(address: str, repository: str) -> str:
    """Follow the page's link on a student's server: the notebook that it opens, from the student's folder."""
    (link,) = re.findall(r"^https://hub\S+git-pull\?(\S+)$", PAGE, re.MULTILINE)
    asked = {key: values[0] for key, values in urllib.parse.parse_qs(link).items()} | {"repo": repository}
    with urllib.request.urlopen(f"{address}/git-pull?{urllib.parse.urlencode(asked)}", timeout=60) as page:
        assert b"git-pull" in page.read()
    # What the script of that page does: it asks for the pull, and reads on until it is finished.
    with urllib.request.urlopen(f"{address}/git-pull/api?{urllib.parse.urlencode(asked)}", timeout=60) as events:
        told = [json.loads(line[6:]) for line in events.read().decode().splitlines() if line.startswith("data: ")]
    assert told[-1]["phase"] == "finished", told
    return asked["urlpath"].removeprefix("lab/tree/")


def lend(environment: Path) -> None:
    """Let an environment find the packages of this one, so that only what they lack is downloaded."""
    (own,) = environment.glob("lib/python*/site-packages")
    installed = next(path for path in sys.path if path.endswith("site-packages"))
    (own / "lent.pth").write_text(f"{installed}\n")


def test_with_github_classroom_students_push_and_the_folder_of_its_command_is_collected(
    course: Course, empty: str, tmp_path: Path
) -> None:
    give, push, collect = commands("GitHub Classroom")
    bash(commands("A branch")[0], course.root)
    bash(give, course.root, TEMPLATE=empty)
    fetched = course.root / "convolution-submissions"
    fetched.mkdir()
    for login in ("ada-l", "bobm"):
        theirs = tmp_path / f"{login}.git"
        bash(f"git clone --quiet --bare {empty} {theirs}\ngit clone --quiet {theirs} {login}", tmp_path)
        fill_in(tmp_path / login / NOTEBOOK, f"return '{login}'")
        (tmp_path / login / ".venv").mkdir()  # As start.py makes it: not for the repository.
        (tmp_path / login / ".venv" / "large.bin").write_text("x")
        bash(push, tmp_path / login)
        bash(f"git clone --quiet {theirs} convolution-{login}", fetched)
        assert bash("git status --porcelain", tmp_path / login) == ""
    bash(collect, course.root)
    for student, login in (("ada", "ada-l"), ("bob", "bobm")):
        handed_in = course.root / "submitted" / student / NAME / "convolution.ipynb"
        assert f"return '{login}'" in handed_in.read_text()


@pytest.fixture
def public(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that everybody can fetch from without logging in, and its address."""
    folder = tmp_path / "public"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_in_colab_the_first_cell_fetches_from_the_kit_what_the_notebook_imports(
    course: Course, public: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = public
    first, again = commands("Google Colab")
    (line,) = [block for kind, block in BLOCK.findall(PAGE) if block.startswith("colab_archive")]
    bash(first, course.root)
    settings = course.root / "course.toml"
    settings.write_text(re.sub(r"https://[^\"]+/", f"{address}/", line) + settings.read_text())
    bash(again, course.root)
    (course.root / "kit.zip").rename(folder / "kit.zip")

    opened = tmp_path / "colab"
    opened.mkdir()
    notebook = json.loads((course.release / NAME / "convolution.ipynb").read_text())
    fetch = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    use = "\nimport autograder.lab.recognition as used\nprint(used.__file__, used.TABLE.is_file())\n"
    hide = f"import sys\nsys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]\n"
    hide += "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
    command = [sys.executable, "-P", "-c", hide + COLAB + "".join(fetch["source"]) + use]
    done = subprocess.run(command, cwd=opened, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(opened / "course" / "small" / "autograder" / "lab" / "recognition.py"), "True"]

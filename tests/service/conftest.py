"""A small course with a service: attempts in a store, a grading loop on workers without a sandbox, and its pages."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.build import build_course
from autograder.course import Course
from autograder.engine.discover import load_cached_assignment
from autograder.engine.executor import LocalWorkers
from autograder.engine.worker import Options
from autograder.service.attempts import AttemptStore, HandIn
from autograder.service.grading_loop import GradingLoop

ENGINE = Path(__file__).parents[1] / "engine"
NAME = "00-two-functions"
RIGHT = {"double": "def double(x):\n    return x + x\n", "shift": "def shift(x):\n    return OFFSET + x\n"}
HALF = {"double": "def double(x):\n    return x + x\n", "shift": "def shift(x):\n    pass\n"}
SQUARED = {**RIGHT, "double": "def double(x):\n    return x * x\n"}
"""Passes what a student sees, and is a misconception that has a name."""
MISCONCEPTION = '''"""Wrong answers."""

from autograder.authoring.answers import misconception


@misconception(of="double", says="You multiplied the number by itself. Twice a number is the number and itself.")
def squared(x):
    return x * x
'''


class Served:
    """A course in a folder, the store of its attempts, and loops over it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.configure()
        self.release: dict[str, Any] = json.loads((root / "release.json").read_text())
        self.store = AttemptStore(self.course.results / "service.db")

    def configure(self, more: str = "") -> None:
        """Write course.toml."""
        (self.root / "course.toml").write_text(f'id = "small"\nfixed_secret = "small"\n{more}')

    @property
    def course(self) -> Course:
        return Course.find(self.root)

    def notebook(self, code: dict[str, str] | None = None, remark: str = "") -> bytes:
        """The released notebook with ``code`` in its exercises (default: right answers), and a remark."""
        notebook = json.loads(json.dumps(self.release))
        for cell in notebook["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            if name in (code or RIGHT):
                cell["source"] = f"{(code or RIGHT)[name]}\n# {remark}"
        return json.dumps(notebook).encode()

    def hand_in(self, student: str, content: bytes | None = None, **more: Any) -> HandIn:
        settings: dict[str, Any] = {"file": "two_functions.ipynb", "at": dt.datetime.now(dt.UTC), **more}
        return self.store.hand_in(student, NAME, self.notebook() if content is None else content, **settings)

    def placed(self, student: str) -> bytes:
        return (self.root / "submitted" / student / NAME / "two_functions.ipynb").read_bytes()

    def loop(self, grader: str = "engine_standins:Instant", **settings: Any) -> GradingLoop:
        make = partial(LocalWorkers, 2, Options(grader=grader))
        return GradingLoop(self.course, self.store, make, active=2, spare=0, **settings)

    @contextmanager
    def serving(self, **settings: Any) -> Iterator[GradingLoop]:
        loop = self.loop(**settings)
        loop.start()
        try:
            yield loop
        finally:
            loop.stop()

    def settled(self) -> bool:
        return not self.store.waiting() and not self.store.duties()


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something holds, and fail where it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def standins_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(ENGINE / "standins"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with one assignment, built once and copied for each test."""
    root = tmp_path_factory.mktemp("built")
    (root / "course.toml").write_text('id = "small"\nfixed_secret = "small"\n')
    folder = root / "solutions" / NAME
    folder.mkdir(parents=True)
    shutil.copy(ENGINE / "sample" / "two_functions.py", folder)
    (folder / "misconceptions.py").write_text(MISCONCEPTION)
    build_course(Course.find(root))
    (root / "release.json").write_text(load_cached_assignment(Course.find(root), NAME).release)
    return root


@pytest.fixture
def served(built: Path, tmp_path: Path) -> Served:
    shutil.copytree(built, tmp_path / "course")
    return Served(tmp_path / "course")


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., None]:
    return until


@pytest.fixture
def half() -> dict[str, str]:
    """Code that gets some of the points."""
    return HALF

"""A runner of a notebook's cells in order, in a fresh process, that reports the outcome of each.

The process is started as ``python -m autograder.selfcheck.cell_runner``. It reads cells from standard input, one JSON
object a line, and answers each with one line. What the cells print goes nowhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from autograder.errors import MachineryError

__all__ = ["Outcome", "Runner", "Session", "serve_cells"]

Outcome = dict[str, Any]
"""The outcome of a cell: ``ok``; ``error``, the type; ``message``; ``where``, in words; ``value``, a number."""

_START_SECONDS = 120.0  # Importing torch for the first time takes long on a slow disk.
_LOST = "Python itself ended while this cell ran: it crashed, used too much memory, or was told to, as by exit()."
_PACKAGE = Path(__file__).resolve().parents[2]


class Runner:
    """A runner that works as the grader does: past a cell that ends its process, the others go on in a new one.

    What ran before runs again there, without the cell that ended the process.
    """

    def __init__(self, folder: Path, modules: Sequence[str]) -> None:
        self._folder = folder
        self._modules = modules
        self._done: list[dict[str, Any]] = []
        self._session: Session | None = None

    @classmethod
    @contextmanager
    def open(cls, data: Path | None, modules: Sequence[str]) -> Iterator[Runner]:
        """Open a runner in an empty folder, as the grader has it, from which ``../../data/course`` leads to ``data``.

        ``modules`` are imported beforehand: the grader's process has them, and no cell's time is spent on it.
        """
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:
            folder = Path(root) / "notebooks" / "here"
            folder.mkdir(parents=True)
            if data is not None:
                (Path(root) / "data").mkdir()
                with contextlib.suppress(OSError):  # Windows makes no links for everybody.
                    (Path(root) / "data" / data.name).symlink_to(data, target_is_directory=True)
            runner = cls(folder, modules)
            try:
                yield runner
            finally:
                runner.close()

    def run(self, source: str, seconds: float, number: int, given: bool) -> Outcome:
        """Run one cell of the notebook; ``number`` names it in messages, ``given`` tells whether it is the course's."""
        asked = {"do": "cell", "source": source, "number": number, "given": given}
        outcome = self._ask(asked, seconds)
        if not outcome.get("lost"):
            self._done.append(asked)
        return outcome

    def check(self, source: str, seconds: float) -> Outcome:
        """Run a check, whose names are its own."""
        return self._ask({"do": "check", "source": source, "number": 0}, seconds)

    def close(self) -> None:
        """End the process."""
        if self._session is not None:
            self._session.close()

    def start(self) -> Session:
        """Return the process, made if there is none or if it has ended.

        Raises:
            MachineryError: it does not start.
        """
        if self._session is None or self._session.ended:
            self.close()
            self._session = Session(self._folder)
            if self._session.ended:
                raise MachineryError("Python did not start for the check. Run the command again.")
            self._session.run({"do": "warm", "modules": list(self._modules)}, _START_SECONDS)
            for earlier in self._done:
                self._session.run(earlier, seconds=60.0)
        return self._session

    def _ask(self, asked: dict[str, Any], seconds: float) -> Outcome:
        return self.start().run(asked, seconds)


class Session:
    """A process that runs one cell after another, like a kernel.

    Attributes:
        ended: the reason why it does not run any more cells; empty while it does.
    """

    def __init__(self, folder: Path) -> None:
        paths = os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": paths}
        self.ended = ""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "autograder.selfcheck.cell_runner",
            ],  # A queue.py in the folder is not Python's.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            encoding="utf-8",
        )
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._receive(_START_SECONDS)

    def run(self, asked: dict[str, Any], seconds: float) -> Outcome:
        """Run what is asked. After what takes longer than ``seconds``, the session has ended."""
        try:
            self._stdin.write(json.dumps(asked) + "\n")
            self._stdin.flush()
        except OSError:
            return self._end(_LOST)
        return self._receive(seconds)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue

    @property
    def _stdin(self) -> IO[str]:
        if self._process.stdin is None:
            raise OSError("the process has no standard input")
        return self._process.stdin

    def _receive(self, seconds: float) -> Outcome:
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            return {**self._end(f"It had not ended after {seconds:g} seconds and was stopped."), "timed_out": True}
        if not line:
            return self._end(_LOST)
        outcome: Outcome = json.loads(line)
        return outcome

    def _end(self, reason: str) -> Outcome:
        self.ended = reason
        self._process.kill()
        return {"ok": False, "error": "", "message": reason, "lost": True}

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put("")


def serve_cells() -> None:
    """Run the cells that come in on standard input."""
    from autograder.selfcheck.session_shell import make_shell

    answers, cells = _private_streams()
    shell = make_shell()
    _answer(answers, {"ok": True})
    for line in cells:
        _answer(answers, shell.answer(json.loads(line)))


def _private_streams() -> tuple[IO[str], IO[str]]:
    """Return streams to and from the other side that cells cannot meet by printing, reading, or starting programs."""
    cells = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    return answers, cells


def _answer(answers: IO[str], outcome: Outcome) -> None:
    answers.write(json.dumps(outcome) + "\n")
    answers.flush()


if __name__ == "__main__":
    serve_cells()

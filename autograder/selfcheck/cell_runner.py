"""Run a notebook's cells in order in a fresh process, and say of each what became of it.

The process is started as ``python -m autograder.selfcheck.cell_runner``. It reads cells from standard input, one JSON
object a line, and answers each with one line. What the cells print goes nowhere.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

__all__ = ["Outcome", "Session", "serve_cells"]

Outcome = dict[str, Any]
"""``ok``; ``error``, the name of what was raised; ``message``, its text; ``line`` in the cell; ``value``, a number."""

_START_SECONDS = 120.0  # Importing torch for the first time takes long on a slow disk.
_LOST = "Python itself ended while this cell ran."


class Session:
    """A process that runs one cell after the other, like a kernel.

    Attributes:
        ended: why it runs no more cells; empty while it does.
    """

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
        self.ended = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "autograder.selfcheck.cell_runner"],
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

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Session]:
        """A session in ``folder`` that ends with the block."""
        session = cls(folder)
        try:
            yield session
        finally:
            session.close()

    def run(self, source: str, seconds: float) -> Outcome:
        """Run one cell. After one that takes longer than ``seconds``, the session has ended."""
        if self.ended:
            return {"ok": False, "error": "", "message": self.ended}
        try:
            self._stdin.write(json.dumps(source) + "\n")
            self._stdin.flush()
        except OSError:
            self._end(_LOST)
            return {"ok": False, "error": "", "message": _LOST}
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
            line, reason = "", f"It had not ended after {seconds:g} seconds, so the cells below it were not run."
        else:
            reason = _LOST
        if not line:
            self._end(reason)
            return {"ok": False, "error": "", "message": reason}
        outcome: Outcome = json.loads(line)
        return outcome

    def _end(self, reason: str) -> None:
        self.ended = self.ended or f"Not run: a cell above it ended the session. {reason}".strip()
        self._process.kill()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put("")


def serve_cells() -> None:
    """Run the cells that come in on standard input."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    answers, cells = _private_streams()
    settings = Config()
    settings.HistoryManager.enabled = False

    class Shell(InteractiveShell):
        """A shell without a window."""

        def enable_gui(self, gui: str | None = None) -> None:
            """There is none to enable: ``%matplotlib`` asks for it."""

    shell = Shell.instance(config=settings)
    sys.path.insert(0, "")
    _answer(answers, {"ok": True})
    for line in cells:
        result = shell.run_cell(json.loads(line), store_history=False)  # type: ignore[no-untyped-call]
        _answer(answers, _outcome(result))


def _private_streams() -> tuple[IO[str], IO[str]]:
    """Streams to and from the other side that cells cannot meet by printing, reading, or starting programs."""
    cells = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    return answers, cells


def _answer(answers: IO[str], outcome: Outcome) -> None:
    answers.write(json.dumps(outcome) + "\n")
    answers.flush()


def _outcome(result: Any) -> Outcome:
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        value = result.result
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        return {"ok": True, "value": number}
    return {"ok": False, "error": type(error).__name__, "message": _message(error), "line": _line(error)}


def _message(error: BaseException) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)


def _line(error: BaseException) -> int:
    """The line of the last cell that the error passed through; 0 if unknown."""
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    found, trace = 0, error.__traceback__
    while trace is not None:
        if "ipython-input" in trace.tb_frame.f_code.co_filename or "ipykernel" in trace.tb_frame.f_code.co_filename:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


if __name__ == "__main__":
    serve_cells()

"""The progress of a class being graded, and the orderly end of a run.

Progress is a live line on a terminal, and plain lines elsewhere. At the end of an interrupted run, what is graded is
written, and the same command goes on from there.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Protocol, Self

from autograder.terminal import show

__all__ = ["LiveProgress", "PlainProgress", "Progress", "Silent", "progress_for", "stopping"]

_LINE_EVERY_SECONDS = 5.0


class Progress(Protocol):
    """The display of a run while it goes on. Used as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def start(self, total: int, stored: int) -> None:
        """Begin with ``total`` submissions, of which ``stored`` need no grading because their results are known."""

    def advance(self, kind: str) -> None:
        """Count one more as done; ``kind`` is graded, stored, unreadable or not graded."""

    def tick(self) -> None:
        """Bring the display up to date; called several times a second."""

    def say(self, text: str) -> None:
        """Show a line to the person at the terminal."""


class Silent:
    """Progress that shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def start(self, total: int, stored: int) -> None:
        """Do nothing."""

    def advance(self, kind: str) -> None:
        """Do nothing."""

    def tick(self) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""


class _Counted(Silent):
    """The counts, rate and remaining time that both forms of progress show."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.total = 0
        self.kinds: Counter[str] = Counter()
        self.started = time.monotonic()

    def start(self, total: int, stored: int) -> None:
        """Begin with ``total`` submissions, of which ``stored`` need no grading."""
        self.total = total
        self.started = time.monotonic()

    def advance(self, kind: str) -> None:
        """Count one more as done."""
        self.kinds[kind] += 1

    @property
    def done(self) -> int:
        return sum(self.kinds.values())

    @property
    def rate(self) -> float:
        """The submissions per second that went through a worker; looking others up tells nothing about the rest."""
        graded = self.kinds["graded"] + self.kinds["not graded"]
        return graded / max(time.monotonic() - self.started, 1e-9)

    def time_left(self) -> str:
        left = self.total - self.done
        if not left:
            return "done"
        if not self.rate:
            return "starting"
        seconds = round(left / self.rate)
        return f"{seconds // 60}:{seconds % 60:02d} left"

    def summary(self) -> str:
        """Return a line such as ``57 of 100 · 13.2/s · 0:03 left · 1 unreadable``."""
        parts = [f"{self.done} of {self.total}", f"{self.rate:.1f}/s", self.time_left()]
        parts += [f"{count} {kind}" for kind, count in sorted(self.kinds.items()) if kind != "graded"]
        return " · ".join(parts)


class PlainProgress(_Counted):
    """Progress as a line every few seconds, for logs."""

    def __init__(self, label: str, stream: IO[str] | None = None, every: float = _LINE_EVERY_SECONDS) -> None:
        super().__init__(label)
        self._stream = stream or sys.stderr
        self._every = every
        self._last = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.say(self.summary())

    def tick(self) -> None:
        """Write a line, if the last one is old enough."""
        if time.monotonic() - self._last >= self._every:
            self.say(self.summary())

    def say(self, text: str) -> None:
        """Write a line on the stream."""
        self._last = time.monotonic()
        self._stream.write(f"{self.label}: {text}\n")
        self._stream.flush()


class LiveProgress(_Counted):
    """Progress as one line on the terminal that changes in place."""

    def __init__(self, label: str, console: object | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        super().__init__(label)
        terminal = console if isinstance(console, Console) else Console(stderr=True)
        # Refreshed by tick(): a thread of its own would be one more to stop on Ctrl-C.
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[summary]}"),
            console=terminal,
            auto_refresh=False,
        )
        self._task = self._bar.add_task(label, total=None, summary="starting")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.tick()
        self._bar.stop()

    def start(self, total: int, stored: int) -> None:
        """Begin with ``total`` submissions, of which ``stored`` need no grading."""
        super().start(total, stored)
        self._bar.update(self._task, total=total)

    def tick(self) -> None:
        """Redraw the line."""
        self._bar.update(self._task, completed=self.done, summary=self.summary())
        self._bar.refresh()

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        show(self._bar.console, text)


def progress_for(label: str, stream: IO[str] | None = None) -> Progress:
    """Return a live line if ``stream`` (default standard error) is a terminal, else plain lines."""
    target = stream or sys.stderr
    if target.isatty():
        from rich.console import Console

        return LiveProgress(label, Console(file=target))
    return PlainProgress(label, target)


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on the first SIGINT or SIGTERM; a second one acts as usual. Works only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def once(number: int, frame: object) -> None:
        stop()
        for each, handler in usual.items():
            signal.signal(each, handler)

    for number in usual:
        signal.signal(number, once)
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)

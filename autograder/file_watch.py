"""The wait for files to change, for commands that go on until they are interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

__all__ = ["changes", "stamp_of"]


def changes(state: Callable[[], object], every: float, going: Callable[[], bool]) -> Iterator[None]:
    """Yield once at the start, and again whenever ``state`` gives another value.

    Args:
        every: seconds between looks.
        going: asked before every look; the watch ends when it returns False.
    """
    seen: object = object()
    for look in count():
        if not going():
            return
        if look:
            time.sleep(every)
        now = state()
        if now != seen:
            seen = now
            yield


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Return a value that changes with a file: its time, in nanoseconds, and its bytes; None if it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

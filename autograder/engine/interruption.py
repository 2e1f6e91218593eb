"""The orderly end of a run: what is graded is written, and the same command goes on from there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["stopping"]


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

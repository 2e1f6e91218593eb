"""A progress bar for loops that take a while."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm.std import tqdm

__all__ = ["progress"]

Item = TypeVar("Item")


class _Bar(tqdm):  # type: ignore[type-arg]
    """A bar of text that starts no thread and takes no semaphore, so that it runs in a sandbox too."""

    monitor_interval = 0


_Bar.set_lock(threading.RLock())


def progress(iterable: Iterable[Item], label: str = "", total: int | None = None) -> Iterator[Item]:
    """Yield the same items, with a bar on standard output that shows how far along they are.

    Args:
        label: the name of the work, such as "training".
        total: the number of items, where the iterable does not know it.
    """
    yield from _Bar(iterable, desc=label or None, total=total, file=sys.stdout, ncols=80, mininterval=0.2)

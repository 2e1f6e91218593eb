"""Large pages for a process that is about to fork many times: a fork then copies a few hundred entries, not 60,000.

The cost of a fork is mostly its page tables. Memory that was filled piece by piece lies in pages of 4 KiB; the kernel
can gather it into pages of 2 MiB afterwards (``MADV_COLLAPSE``, Linux 6.1). What a fork writes to is still copied 4 KiB
at a time.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

__all__ = ["collapse_memory"]

_LARGE = 2 << 20
_MADV_COLLAPSE = 25


def collapse_memory() -> int:
    """Gather this process's own memory into large pages, as far as the kernel can. Return their size in bytes."""
    advise = getattr(ctypes.CDLL(None), "madvise", None)
    if advise is None:
        return 0
    done = 0
    for start, size in _ranges():
        if advise(ctypes.c_void_p(start), ctypes.c_size_t(size), _MADV_COLLAPSE) == 0:
            done += size
    return done


def _ranges() -> Iterator[tuple[int, int]]:
    """Yield (start, size) of writable memory that belongs to no file, in whole large pages."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        area, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights != "rw-p" or inode != "0" or (name and name[0] != "[heap]"):
            continue
        first, last = (int(end, 16) for end in area.split("-"))
        start, stop = -(-first // _LARGE) * _LARGE, last // _LARGE * _LARGE
        if stop > start:
            yield start, stop - start

"""The limits of one student process, its usage, and the large pages that it is forked from.

Both sides of the wire share the limits and the usage.

The cost of a fork is mostly its page tables. Memory that was filled piece by piece lies in pages of 4 KiB; the kernel
can gather it into pages of 2 MiB afterwards (``MADV_COLLAPSE``, Linux 6.1). A fork then copies a few hundred entries,
not 60,000. What it writes to is still copied 4 KiB at a time.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Allowance", "Limits", "StudentUsage", "collapse_memory"]

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on what one worker may use.

    Attributes:
        cpu_seconds: processor time, over the worker's whole life.
        wall_seconds: wall time from birth to the forced end.
        memory_bytes: address space beyond what the warm process already holds.
        file_bytes: the largest single file; the folder as a whole has its own quota.
        message_bytes: the size of the largest answer over the wire.
        total_bytes: the size of all answers over the wire together, since a grader may keep what it gets.
        call_seconds: wall time for one call, fetch or probe.
        course_data: whether the course's data may be read; keeping it from a process takes Landlock.
        torch: whether torch is there to be imported.
        own_files: whether it gets a file system to write to; one that runs no student's code needs none.
    """

    cpu_seconds: float = 120.0
    wall_seconds: float = 300.0
    memory_bytes: int = 1024 * MIB
    file_bytes: int = 16 * MIB
    message_bytes: int = 64 * MIB
    total_bytes: int = 1024 * MIB
    call_seconds: float = 20.0
    course_data: bool = True
    torch: bool = True
    own_files: bool = True


@dataclass(slots=True)
class Allowance:
    """The memory and output that all workers of one submission together may still cost the grader.

    Attributes:
        bytes: memory for what they send, by what it weighs once it is read.
        output_bytes: the size of the outputs that are kept.
    """

    bytes: int = 512 * MIB
    output_bytes: int = 32 * MIB


@dataclass(frozen=True, slots=True)
class StudentUsage:
    """The resources that one worker used.

    Attributes:
        cpu_seconds: the user and system time of the worker itself.
        peak_rss_bytes: the most memory resident at once, shared pages of the warm process included.
        wall_seconds: the wall time from birth to end.
        page_faults: the number of pages that the kernel had to give it, mostly copies of the warm process's.
    """

    cpu_seconds: float
    peak_rss_bytes: int
    wall_seconds: float
    page_faults: int = 0


# ---- large pages

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

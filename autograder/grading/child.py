"""A run of one function in a forked child, under a deadline, that gives back bytes.

Each submission is graded in a child of its own, so that nothing which one submission did to the grader's process can
reach the next, and memory stays flat over a thousand of them.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import struct
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from autograder.errors import MachineryError

__all__ = ["ChildOutcome", "Interrupted", "run_in_child"]

_DONE, _FAILED = b"+", b"-"
_HEADER = struct.Struct("!cQ")
_PR_SET_PDEATHSIG = 1
MEMORY_BYTES = 3 << 30
"""The memory of a child, in bytes.

It is far more than any check needs, and more than a submission's allowance by what checks make of it.
"""


class Interrupted(MachineryError):
    """The departure of the driver while a child was at work."""


class ChildOutcome(NamedTuple):
    """A child's return value and resource use.

    Attributes:
        data: the function's return value.
        cpu_seconds: user and system time of the child.
        peak_rss_bytes: its peak resident memory, pages shared with its parent included.
    """

    data: bytes
    cpu_seconds: float
    peak_rss_bytes: int


def run_in_child(
    function: Callable[[], bytes], seconds: float, *, stop_fd: int = -1, memory_bytes: int = MEMORY_BYTES
) -> ChildOutcome:
    """Call ``function`` in a forked child and return what it returned.

    Args:
        function: a function that returns bytes.
        seconds: the wall time after which the child is killed.
        stop_fd: a descriptor; when it reaches its end, the child is killed, too.
        memory_bytes: the address space that the child may take beyond what it begins with.

    Raises:
        MachineryError: ``function`` raised, died or took too long; names which.
        Interrupted: ``stop_fd`` reached its end.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(function, reader, writer, memory_bytes)
    os.close(writer)
    reaped = False
    try:
        message = _read_message(reader, seconds, stop_fd)
        if message is None:
            os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        reaped = True
    finally:
        os.close(reader)
        if not reaped:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if message is None:
        raise MachineryError(f"Grading took longer than {seconds:g} s in all. Raise total_seconds in course.toml.")
    data = _unpack(message, status)
    return ChildOutcome(data, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _child(function: Callable[[], bytes], reader: int, writer: int, memory_bytes: int) -> None:
    """Run the function and send what it returned; never return."""
    try:
        os.close(reader)
        _die_with_parent()
        _limit_memory(memory_bytes)
        try:
            kind, data = _DONE, function()
        except BaseException as error:
            kind, data = _FAILED, _describe(error)
        with os.fdopen(writer, "wb") as stream:
            stream.write(_HEADER.pack(kind, len(data)))
            stream.write(data)
        os._exit(0)
    finally:
        os._exit(70)


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when the worker that forked it dies."""
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_memory(beyond: int) -> None:
    """Limit the memory that a submission makes the grader hold, so that it does not take that of the other ones."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most, hard = pages * resource.getpagesize() + beyond, resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _describe(error: BaseException) -> bytes:
    """Return one line for a known failure; the last frames of an unknown one."""
    if isinstance(error, MachineryError):
        return str(error).encode(errors="replace")
    frames = "".join(traceback.format_exception(error, limit=-4))
    return f"{type(error).__name__}: {error}\n{frames}".encode(errors="replace")


def _read_message(reader: int, seconds: float, stop_fd: int) -> bytes | None:
    """Return everything that the child writes; None when ``seconds`` pass first."""
    poller = select.poll()
    poller.register(reader, select.POLLIN | select.POLLHUP)
    if stop_fd >= 0:
        poller.register(stop_fd, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    deadline = time.monotonic() + seconds
    parts: list[bytes] = []
    while (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in poller.poll(left * 1000):
            if descriptor == stop_fd:
                raise Interrupted("The driver stopped.")
            part = os.read(reader, 1 << 20)
            if not part:
                return b"".join(parts)
            parts.append(part)
    return None


def _unpack(message: bytes, status: int) -> bytes:
    if len(message) < _HEADER.size:
        raise MachineryError(f"The grading process died ({_status(status)}) before it had a result.")
    kind, size = _HEADER.unpack_from(message)
    data = message[_HEADER.size :]
    if len(data) != size:
        raise MachineryError(f"The grading process died ({_status(status)}) while it sent its result.")
    if kind != _DONE:
        raise MachineryError(data.decode(errors="replace"))
    return data


def _status(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"

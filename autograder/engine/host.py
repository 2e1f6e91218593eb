"""The process that worker processes are forked from: imports, and the sandbox, are made once for all of them.

Run as ``python -m autograder.engine.host DESCRIPTOR OPTIONS``. It is a process of its own, without threads, because
forking is safe only from such a process; the driver may well have threads.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import struct
import sys
import time
from multiprocessing.connection import Connection

import msgspec

from autograder.engine.worker import GRADER, JobGrader, Options, connect_worker, launch_sandbox, serve, wait_until_warm
from autograder.isolation.limits import collapse_memory
from autograder.isolation.sandbox import Sandbox

__all__ = ["PROCESSOR", "main"]

PROCESSOR = struct.Struct("!I")
_FAREWELL_SECONDS = 5.0


def main(arguments: list[str]) -> None:
    """Fork a worker for every descriptor that the driver sends, until the driver goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    control = socket.socket(fileno=int(arguments[0]))
    options = msgspec.json.decode(arguments[1], type=Options)
    # It warms up while this process imports.
    sandbox = launch_sandbox(options) if options.grader == GRADER else None
    grader_class = find_grader(options.grader)
    grader_class.preload()
    if sandbox is not None and options.torch:
        importlib.import_module("torch")
    gc.collect()
    gc.freeze()  # Keeps the collector from touching, and so copying, pages that workers share.
    collapse_memory()
    sandbox = wait_until_warm(sandbox)
    try:
        _serve(control, options, grader_class, sandbox)
    finally:
        if sandbox is not None:
            sandbox.close()


def _serve(control: socket.socket, options: Options, grader_class: type[JobGrader], sandbox: Sandbox | None) -> None:
    workers: list[int] = []
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, PROCESSOR.size, 1)
        if not data:
            _see_off(workers)
            return
        workers = [worker for worker in workers if os.waitpid(worker, os.WNOHANG) == (0, 0)]
        line = connect_worker(sandbox)
        worker = os.fork()
        if worker == 0:
            control.close()
            if sandbox is not None:
                sandbox.leave()
            # One processor for a worker and the student's process that it takes turns with: woken on another one,
            # each would wait for it to start up, some thousand times for a submission.
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, PROCESSOR.unpack(data))
            _worker(descriptors[0], grader_class(options, line))
        workers.append(worker)
        os.close(descriptors[0])
        if line is not None:
            line.leave()


def _see_off(workers: list[int]) -> None:
    """Wait for workers to exit after the driver disconnected; kill those that do not."""
    until = time.monotonic() + _FAREWELL_SECONDS
    while workers and time.monotonic() < until:
        workers = [worker for worker in workers if os.waitpid(worker, os.WNOHANG) == (0, 0)]
        time.sleep(0.01)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


def find_grader(name: str) -> type[JobGrader]:
    """Return the class called ``module:name``."""
    module, _, attribute = name.partition(":")
    found: type[JobGrader] = getattr(importlib.import_module(module), attribute)
    return found


def _worker(descriptor: int, grader: JobGrader) -> None:
    """Run as a worker. Never returns."""
    code = 70
    try:
        serve(Connection(descriptor), grader)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])

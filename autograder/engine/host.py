"""The process that worker processes are forked from: it imports numpy, torch and the grader once for all of them.

Run as ``python -m autograder.engine.host DESCRIPTOR OPTIONS``. It is a process of its own, without threads, because
forking is safe only from such a one; the driver may well have threads.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
from multiprocessing.connection import Connection

import msgspec

from autograder.engine.messages import Options
from autograder.engine.worker import Grades, serve
from autograder.isolation import pages

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Fork a worker for every descriptor that the driver sends, until the driver goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The kernel reaps workers.
    control = socket.socket(fileno=int(arguments[0]))
    options = msgspec.json.decode(arguments[1], type=Options)
    grader_class = find_grader(options.grader)
    grader_class.preload()
    gc.collect()
    gc.freeze()  # Keeps the collector from touching, and so copying, pages that workers share.
    pages.collapse()
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        if os.fork() == 0:
            control.close()
            _worker(descriptors[0], grader_class(options))
        os.close(descriptors[0])


def find_grader(name: str) -> type[Grades]:
    """The class called ``module:name``."""
    module, _, attribute = name.partition(":")
    found: type[Grades] = getattr(importlib.import_module(module), attribute)
    return found


def _worker(descriptor: int, grader: Grades) -> None:
    """Never returns."""
    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        serve(Connection(descriptor), grader)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])

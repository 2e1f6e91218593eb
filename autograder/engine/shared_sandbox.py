"""One warm sandbox for all workers of a machine, where its layers keep them apart. Light to import."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from autograder.engine.messages import Options
from autograder.errors import MachineryError
from autograder.isolation.mounts import links_to
from autograder.isolation.sandbox import Sandbox

__all__ = ["launch_sandbox", "connect_worker", "sandbox_settings", "wait_until_warm"]

_FORKS_OF_A_WORKER = 5  # a submission's own, one for the competition, one for lent functions of each, one that ends


def sandbox_settings(options: Options) -> dict[str, Any]:
    """Return the arguments that a sandbox for workers with ``options`` is started with."""
    readable = [Path(path) for path in options.readable]
    links = links_to(readable, Path(options.notebooks)) if options.notebooks else {}
    return {
        "readable": readable,
        "missing_ok": frozenset(options.missing_ok),
        "links": links,
        "torch": options.torch,
    }


def launch_sandbox(options: Options) -> Sandbox | None:
    """Begin to start a sandbox, with room for every worker that this machine has use for, and return it.

    Return None if it cannot be started: each worker then tries for itself, and reports why it cannot.
    """
    room = _FORKS_OF_A_WORKER * (len(os.sched_getaffinity(0)) + 1)
    with contextlib.suppress(MachineryError):
        return Sandbox.launch(**sandbox_settings(options), room=room)
    return None


def wait_until_warm(sandbox: Sandbox | None) -> Sandbox | None:
    """Return the launched sandbox once it is warm; None if it did not start, or cannot keep several workers apart."""
    if sandbox is None:
        return None
    with contextlib.suppress(MachineryError):
        sandbox.wait()
        if sandbox.shareable:
            return sandbox
    sandbox.close()
    return None


def connect_worker(sandbox: Sandbox | None) -> Sandbox | None:
    """Return one worker's own connection to the shared sandbox; None if there is no shared sandbox."""
    with contextlib.suppress(MachineryError):
        return sandbox.join() if sandbox is not None else None
    return None

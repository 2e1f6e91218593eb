"""The warm process: imports once, then forks one confined worker per submission.

It lives inside bubblewrap, holds no tests, grades or submissions, and runs no student's code itself. It is
driven over a packet socket: ``spawn`` (with the worker's descriptor), ``kill``, ``clear``.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.isolation import pages
from autograder.isolation.inside import kernel

__all__ = ["main"]

_WORKER_DESCRIPTOR = 3
_MAX_PACKET = 1 << 16


@dataclass(slots=True)
class _Fork:
    folder: Path
    born: float
    deadline: float
    ended_by_deadline: bool = False


def main() -> None:
    """Read the settings from the control socket, warm up, and serve until it closes."""
    _forget_signals()
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = json.loads(control.recv(_MAX_PACKET))
    folders = _give_up_privileges(settings)
    from autograder.isolation.inside import warm  # only now: nothing heavy runs with privileges

    shell = warm.warm_up(settings["home"])
    gc.collect()
    gc.freeze()
    pages.collapse()
    control.send(json.dumps({"ready": os.getpid()}).encode())
    _Zygote(control, settings, folders, shell).serve()


def _forget_signals() -> None:
    """Whoever started this may ignore or block signals; an ignored SIGCHLD would take the forks' usage away."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)


def _give_up_privileges(settings: dict[str, Any]) -> Any:
    from autograder.isolation.inside.folders import Folders

    base = Path(settings["base"])
    os.umask(0)
    folders = Folders(base, settings["workers"], settings["folder_bytes"] if settings["mount"] else 0)
    if settings["user"]:
        os.chown(settings["home"], settings["user"], settings["user"])
        kernel.drop_user(settings["user"])
    os.umask(0o077)
    if settings["privileged"]:
        kernel.drop_capabilities()
    kernel.forbid_new_privileges()
    kernel.forbid_dumps()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return folders


class _Zygote:
    def __init__(self, control: socket.socket, settings: dict[str, Any], folders: Any, shell: Any) -> None:
        from autograder.isolation.inside.lockdown import Confinement

        self._control = control
        self._folders = folders
        self._shell = shell
        self._forks: dict[int, _Fork] = {}
        self._confinement = Confinement(
            landlock_abi=settings["landlock_abi"],
            program=bytes.fromhex(settings["program"]),
            readable=tuple(settings["readable"]),
            data=tuple(settings["data"]),
            processes=settings["processes"],
        )

    def serve(self) -> None:
        """Answer requests until the other side is gone; end forks that live too long."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        while True:
            if not poll.poll(self._milliseconds_to_deadline()):
                self._end_overdue()
                continue
            packet, descriptors, _, _ = socket.recv_fds(self._control, _MAX_PACKET, 1)
            if not packet:
                os._exit(0)
            request = json.loads(packet)
            reply = self._obey(request, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            with contextlib.suppress(BrokenPipeError):
                self._control.send(json.dumps({"id": request["id"], **reply}).encode())

    def _obey(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        match request["do"]:
            case "spawn":
                return self._spawn(request["limits"], descriptors[0])
            case "kill":
                return self._kill(request["worker"], request.get("patience", 0.0))
            case _:
                for worker in list(self._forks):
                    self._kill(worker)
                return {}

    def _spawn(self, given: dict[str, Any], descriptor: int) -> dict[str, Any]:
        from autograder.isolation.limits import Limits

        limits = Limits(**given)
        folder = self._folders.take()
        if folder is None:
            return {"error": "every working folder of this sandbox is taken"}
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_worker(limits, descriptor, folder, parent)
        now = time.monotonic()
        self._forks[pid] = _Fork(folder, now, now + limits.wall_seconds)
        return {"worker": pid}

    def _become_worker(self, limits: Any, descriptor: int, folder: Path, parent: int) -> None:
        try:
            _keep_only(descriptor)
            _move_in(str(folder))
            from autograder.isolation.inside import worker

            worker.run(self._confinement, limits, str(folder), parent, self._shell)
        finally:
            os._exit(70)

    def _kill(self, pid: int, patience: float = 0.0) -> dict[str, Any]:
        fork = self._forks.pop(pid, None)
        if fork is None:
            return {"error": "no such worker"}
        by_itself, status, used = _wait(pid, patience)
        if not by_itself:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _, status, used = os.wait4(pid, 0)
        self._folders.give_back(fork.folder)
        return {
            "cpu": used.ru_utime + used.ru_stime,
            "rss": used.ru_maxrss << 10,
            "wall": time.monotonic() - fork.born,
            "signal": os.WTERMSIG(status) if by_itself and os.WIFSIGNALED(status) else 0,
            "overdue": fork.ended_by_deadline,
        }

    def _milliseconds_to_deadline(self) -> int | None:
        deadlines = [fork.deadline for fork in self._forks.values() if not fork.ended_by_deadline]
        return max(0, int((min(deadlines) - time.monotonic()) * 1000) + 1) if deadlines else None

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for pid, fork in self._forks.items():
            if now >= fork.deadline and not fork.ended_by_deadline:
                fork.ended_by_deadline = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _wait(pid: int, patience: float) -> tuple[int, int, resource.struct_rusage]:
    """``os.wait4`` for a fork that ends by itself within ``patience`` seconds; (0, …) if it does not."""
    until = time.monotonic() + patience
    found = os.wait4(pid, os.WNOHANG)
    while not found[0] and time.monotonic() < until:
        time.sleep(0.001)
        found = os.wait4(pid, os.WNOHANG)
    return found


def _move_in(folder: str) -> None:
    """The folder is home, working folder and place for temporary files; nothing else is in the environment."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(HOME=folder, TMPDIR=folder, PATH="/usr/bin", LANG="C.UTF-8", USER="student")
    tempfile.tempdir = None


def _keep_only(descriptor: int) -> None:
    """Close every descriptor but the worker's own socket; the standard three lead nowhere."""
    nowhere = os.open("/dev/null", os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    os.dup2(descriptor, _WORKER_DESCRIPTOR)
    os.closerange(_WORKER_DESCRIPTOR + 1, 1 << 16)

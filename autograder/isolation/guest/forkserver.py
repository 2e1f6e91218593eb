"""The warm process: imports once, then forks one confined worker per submission.

It lives inside bubblewrap, holds no tests, grades or submissions, and runs no student's code itself. It is
driven over packet sockets, one line for each grader that shares it: ``spawn`` (with the worker's descriptor),
``ended``, ``kill``, ``clear``, ``join`` (with the descriptor of a further line). The workers of a line end with it, and
everything ends with the first line.
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

from autograder.isolation import huge_pages
from autograder.isolation.guest import kernel

__all__ = ["main"]

_WORKER_DESCRIPTOR = 3
_MAX_PACKET = 1 << 16


@dataclass(slots=True)
class _Fork:
    line: int
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
    from autograder.isolation.guest import preload  # only now: nothing heavy runs with privileges

    shell = preload.warm_up(settings["home"])
    gc.collect()
    gc.freeze()
    huge_pages.collapse_memory()
    separate = settings["mount"] and _separates()
    control.send(json.dumps({"ready": os.getpid(), "separate": separate}).encode())
    _Zygote(control, settings, folders, shell, separate).serve()


def _separates() -> bool:
    """Whether this machine gives a fork a user namespace of its own, by trial."""
    pid = os.fork()
    if pid == 0:
        try:
            kernel.separate_user()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _forget_signals() -> None:
    """Whoever started this may ignore or block signals; an ignored SIGCHLD would take the forks' usage away."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)


def _give_up_privileges(settings: dict[str, Any]) -> Any:
    from autograder.isolation.guest.folders import Folders

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
    def __init__(
        self, control: socket.socket, settings: dict[str, Any], folders: Any, shell: Any, separate: bool
    ) -> None:
        from autograder.isolation.guest.lockdown import Confinement

        self._control = control
        self._lines = {control.fileno(): control}
        self._folders = folders
        self._shell = shell
        self._forks: dict[int, _Fork] = {}
        self._confinement = Confinement(
            landlock_abi=settings["landlock_abi"],
            program=bytes.fromhex(settings["program"]),
            readable=tuple(settings["readable"]),
            data=tuple(settings["data"]),
            processes=settings["processes"],
            separate=separate,
        )

    def serve(self) -> None:
        """Answer requests until the first line closes; end forks that live too long."""
        while True:
            poll = select.poll()
            for line in self._lines:
                poll.register(line, select.POLLIN)
            ready = poll.poll(self._milliseconds_to_deadline())
            self._end_overdue()
            for number, _ in ready:
                self._attend(number)

    def _attend(self, number: int) -> None:
        """Answer one request of a line, or take leave of it."""
        line = self._lines[number]
        try:
            packet, descriptors, _, _ = socket.recv_fds(line, _MAX_PACKET, 1)
        except ConnectionError:
            packet, descriptors = b"", []
        if not packet:
            self._take_leave(number)
            return
        request = json.loads(packet)
        reply = self._obey(request, number, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        with contextlib.suppress(BrokenPipeError):
            line.send(json.dumps({"id": request["id"], **reply}).encode())

    def _take_leave(self, number: int) -> None:
        line = self._lines.pop(number)
        if line is self._control:
            os._exit(0)
        self._clear(number)
        line.close()

    def _obey(self, request: dict[str, Any], line: int, descriptors: list[int]) -> dict[str, Any]:
        match request["do"]:
            case "spawn":
                return self._spawn(request, line, descriptors[0])
            case "ended":
                return {"ended": self._has_ended(request["worker"])}
            case "kill":
                return self._kill(request["worker"])
            case "join":
                joined = socket.socket(fileno=os.dup(descriptors[0]))
                self._lines[joined.fileno()] = joined
                return {}
            case _:
                self._clear(line)
                return {}

    def _clear(self, line: int) -> None:
        for worker in [pid for pid, fork in self._forks.items() if fork.line == line]:
            self._kill(worker)

    def _spawn(self, request: dict[str, Any], line: int, descriptor: int) -> dict[str, Any]:
        from autograder.isolation.limits import Limits

        limits = Limits(**request["limits"])
        folder = self._folders.take()
        if folder is None:
            return {"error": "every working folder of this sandbox is taken"}
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_worker(limits, request["cpus"], descriptor, folder, parent)
        now = time.monotonic()
        self._forks[pid] = _Fork(line, folder, now, now + limits.wall_seconds)
        return {"worker": pid}

    def _become_worker(self, limits: Any, processors: list[int], descriptor: int, folder: Path, parent: int) -> None:
        try:
            with contextlib.suppress(OSError):  # only for speed: a container may have been given others meanwhile
                os.sched_setaffinity(0, processors)
            _keep_only(descriptor)
            _move_in(str(folder))
            from autograder.isolation.guest import student_main

            student_main.run(self._confinement, limits, str(folder), parent, self._shell)
        finally:
            os._exit(70)

    def _has_ended(self, pid: int) -> bool:
        """Whether a worker has ended, by itself or by its deadline; it stays to be asked about."""
        return pid not in self._forks or os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _kill(self, pid: int) -> dict[str, Any]:
        fork = self._forks.pop(pid, None)
        if fork is None:
            return {"error": "no such worker"}
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _, status, used = os.wait4(pid, 0)
        self._folders.give_back(fork.folder)
        return {
            "cpu": used.ru_utime + used.ru_stime,
            "rss": used.ru_maxrss << 10,
            "faults": used.ru_minflt,
            "wall": time.monotonic() - fork.born,
            "signal": os.WTERMSIG(status) if ended and os.WIFSIGNALED(status) else 0,
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

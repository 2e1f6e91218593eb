"""The warm process: it imports once, then forks one confined worker per submission.

It lives inside bubblewrap, holds no tests, grades or submissions, and runs no student's code itself. It is
driven over packet sockets, one line for each grader that shares it: ``spawn`` (with the worker's descriptor),
``ended``, ``processor``, ``kill``, ``clear``, ``join`` (with the descriptor of a further line). The
workers of a line end with it, and everything ends with the first line.
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

from autograder.isolation.guest import kernel
from autograder.isolation.guest.kernel import Folders, mount_own, static_process_files
from autograder.isolation.limits import collapse_memory

__all__ = ["main"]

_WORKER_DESCRIPTOR = 3
_MAX_PACKET = 1 << 16
_CLOCK_OF_PROCESS = 2


@dataclass(slots=True)
class _Fork:
    line: int
    born: float
    deadline: float
    ended_by_deadline: bool = False


def main() -> None:
    """Read the settings from the control socket, warm up, and serve until it closes."""
    _forget_signals()
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = json.loads(control.recv(_MAX_PACKET))
    for device in settings["devices"]:  # Everybody may write to these, and so could leave a time at them.
        kernel.read_only(device)
    separate = settings["mount"] and _separates(settings)
    os.umask(0)
    folders = (
        None if separate else Folders(Path(settings["base"]), settings["folder_bytes"] if settings["mount"] else 0)
    )
    _drop_user(settings)
    _try_to_read(settings["data"])
    processes = _own_processes() if separate else -1
    from autograder.isolation.guest import preload  # only now: nothing heavy runs with privileges

    shell = preload.warm_up(settings["home"], settings["torch"], settings["warm"])
    gc.collect()
    gc.freeze()
    collapse_memory()
    control.send(json.dumps({"ready": os.getpid(), "separate": separate}).encode())
    _Zygote(control, settings, folders, shell, processes).serve()


def _separates(settings: dict[str, Any]) -> bool:
    """Return whether this machine gives each fork namespaces of its own, by trial."""
    pid = os.fork()
    if pid == 0:
        try:
            _drop_user(settings)
            kernel.separate_users(kernel.CLONE_NEWPID)
            if os.fork():
                os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
            kernel.separate_users(kernel.CLONE_NEWNS)
            mount_own(settings["base"], 1 << 20, {})
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _forget_signals() -> None:
    """Undo ignored and blocked signals, which may be inherited; an ignored SIGCHLD would hide the forks' usage."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)


def _drop_user(settings: dict[str, Any]) -> None:
    """Become the user that students' code runs as, with no rights over the machine."""
    if settings["user"]:
        os.chown(settings["home"], settings["user"], settings["user"])
        kernel.drop_user(settings["user"])
    os.umask(0o077)
    if settings["privileged"]:
        kernel.drop_capabilities()
    kernel.forbid_new_privileges()
    kernel.forbid_dumps()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _try_to_read(data: list[str]) -> None:
    """Exit if a file of the course's data is closed to this user: every student's code would fail for it."""
    for path in data:
        for each in (Path(path), *Path(path).rglob("*")):
            if not os.access(each, os.R_OK | (os.X_OK if each.is_dir() else 0)):
                sys.exit(f"students' code may not read {each}, as its permissions stand. Try: chmod -R a+rX {path}")


def _own_processes() -> int:
    """Go on as the first process of a namespace in which it may make others, and return a descriptor of that.

    The process that stays behind waits, and ends with it.
    """
    kernel.separate_users(kernel.CLONE_NEWPID)
    if os.fork():
        os.closerange(3, 1 << 10)
        os._exit(os.waitstatus_to_exitcode(os.wait()[1]) & 0xFF)
    return os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)


class _Zygote:
    def __init__(
        self,
        control: socket.socket,
        settings: dict[str, Any],
        folders: Folders | None,
        shell: Any,
        processes: int,
    ) -> None:
        from autograder.isolation.guest.lockdown import Confinement

        self._control = control
        self._lines = {control.fileno(): control}
        self._folders = folders
        self._base = Path(settings["base"])
        self._room: int = settings["workers"]
        self._processes = processes  # a descriptor of this process's namespace, if forks get one each
        self._shell = shell
        self._torch: bool = settings["torch"]
        self._forks: dict[int, _Fork] = {}
        self._confinement = Confinement(
            landlock_abi=settings["landlock_abi"],
            program=bytes.fromhex(settings["program"]),
            readable=tuple(settings["readable"]),
            data=tuple(settings["data"]),
            processes=settings["processes"],
            separate=folders is None,
            folder_bytes=settings["folder_bytes"],
            process_files=static_process_files() if folders is None else {},
        )

    def serve(self) -> None:
        """Answer requests until the first line closes, and end forks that live too long."""
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
            case "processor":
                return {"seconds": self._processor_seconds(request["worker"])}
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
        if len(self._forks) >= self._room:
            return {"error": "it has as many workers as it has room for"}
        if limits.torch and not self._torch:
            return {"error": "it was started without torch"}
        folder = self._base if self._folders is None else self._folders.take()
        if folder is None:
            return {"error": "its working folders are used up"}
        pid, parent = self._fork()
        if pid == 0:
            self._become_worker(limits, request["cpus"], descriptor, folder, parent)
        now = time.monotonic()
        self._forks[pid] = _Fork(line, now, now + limits.wall_seconds)
        return {"worker": pid}

    def _fork(self) -> tuple[int, int]:
        """Fork; return (0 in the fork or its number here, the parent that it sees: 0 from a namespace of its own)."""
        if self._processes >= 0:
            kernel.enter_processes(self._processes)
            kernel.separate(kernel.CLONE_NEWPID)
            return os.fork(), 0
        parent = os.getpid()
        return os.fork(), parent

    def _become_worker(self, limits: Any, processors: list[int], descriptor: int, folder: Path, parent: int) -> None:
        try:
            with contextlib.suppress(OSError):  # only for speed: a container may have been given others meanwhile
                os.sched_setaffinity(0, processors)
            _keep_only(descriptor)
            os.setsid()  # no group of processes together with the others
            _move_in(str(folder))
            from autograder.isolation.guest import server

            server.run(self._confinement, limits, str(folder), parent, self._shell)
        finally:
            os._exit(70)

    def _has_ended(self, pid: int) -> bool:
        """Return whether a worker has ended, by itself or by its deadline; it can still be asked about."""
        return pid not in self._forks or os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _processor_seconds(self, pid: int) -> float:
        """Return the processor time of all threads of a worker so far, from the kernel; 0 for one that has ended."""
        with contextlib.suppress(OSError):
            return time.clock_gettime(~pid << 3 | _CLOCK_OF_PROCESS)
        return 0.0

    def _kill(self, pid: int) -> dict[str, Any]:
        fork = self._forks.pop(pid, None)
        if fork is None:
            return {"error": "no such worker"}
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _, status, used = os.wait4(pid, 0)
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
    """Make the folder home, working folder and place for temporary files, with nothing else in the environment."""
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

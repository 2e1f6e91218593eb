"""The sandbox: a warm process inside bubblewrap that makes workers. Light to import: a launch comes first."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from autograder.errors import LayerMissing, MachineryError
from autograder.isolation import capabilities as machine
from autograder.isolation import mounts
from autograder.isolation.guest import kernel
from autograder.isolation.limits import MIB, Allowance, Limits, StudentUsage
from autograder.isolation.mounts import ANSWER_SECONDS, Control

if TYPE_CHECKING:
    from autograder.isolation.lending import Lends
    from autograder.isolation.student_process import StudentProcess

__all__ = ["Sandbox"]

ROOM = 8  # how many forks may live at once in one sandbox
FOLDER_BYTES = 64 * MIB
THREADS = 256  # of one user in one sandbox
START_SECONDS = 120.0
NO_LINKS: Mapping[str, Path] = MappingProxyType({})
_STARTER = "from autograder.isolation.guest.forkserver import main; main()"


class Sandbox:
    """A warm, locked process that forks one worker per submission. Use as a context manager.

    After a `MachineryError`, call `restart`; earlier workers are gone.

    Attributes:
        torch: whether its workers can have torch, which takes half of the time to start and half of the memory.
    """

    def __init__(
        self,
        python_paths: Iterable[Path],
        readable: Iterable[Path],
        missing_ok: frozenset[str],
        room: int = ROOM,
        links: Mapping[str, Path] = NO_LINKS,
        torch: bool = True,
        warm: tuple[str, ...] = (),
    ) -> None:
        self.torch = torch
        self._warm = warm
        self._links = dict(links)
        self._python_paths = [Path(path).resolve() for path in python_paths]
        self._readable = [Path(path).resolve() for path in readable]
        self._missing_ok = missing_ok
        self._room = room
        self._process: subprocess.Popen[bytes] | None = None
        self._control: Control | None = None
        self._scratch: Path | None = None
        self._complaints: IO[bytes] | None = None
        self._separate = False

    @property
    def readable(self) -> list[Path]:
        """The folders and files that students may read."""
        return self._readable

    @classmethod
    def start(
        cls,
        python_paths: Iterable[Path] = (),
        readable: Iterable[Path] = (),
        missing_ok: frozenset[str] = frozenset(),
        links: Mapping[str, Path] = NO_LINKS,
        torch: bool = True,
        warm: tuple[str, ...] = (),
    ) -> Sandbox:
        """Start a sandbox and wait until it is warm.

        Args:
            python_paths: folders that students may import from, beside the course's own `autograder.lab`.
            readable: folders and files that students may read, such as the course's data.
            missing_ok: names of layers to go on without, where this machine lacks them.
            links: further names of readable folders, inside, as `mounts.links_to` makes them.
            torch: whether workers can have torch.
            warm: further modules to import before the first fork, if they are there.

        Raises:
            LayerMissing: a layer is missing and not named in `missing_ok`.
            MachineryError: the sandbox did not start.
        """
        sandbox = cls.launch(python_paths, readable, missing_ok, links=links, torch=torch, warm=warm)
        sandbox.wait()
        return sandbox

    @classmethod
    def launch(
        cls,
        python_paths: Iterable[Path] = (),
        readable: Iterable[Path] = (),
        missing_ok: frozenset[str] = frozenset(),
        room: int = ROOM,
        links: Mapping[str, Path] = NO_LINKS,
        torch: bool = True,
        warm: tuple[str, ...] = (),
    ) -> Sandbox:
        """Do as `start`, but without waiting: call `wait` before anything else. `room` forks may live at once."""
        sandbox = cls(python_paths, readable, missing_ok, room, links, torch, warm)
        sandbox._launch()
        return sandbox

    def wait(self) -> None:
        """Wait until a launched sandbox is warm. Raises MachineryError if it did not start."""
        found = self._control.greet(START_SECONDS) if self._control else None
        if found is None:
            said = "no reason given"
            if self._complaints is not None:
                self._complaints.seek(0)
                said = self._complaints.read()[-2000:].decode("utf-8", "replace").strip() or said
            self.close()
            raise MachineryError(f"the sandbox did not start: {said}. Run `autograder doctor`.")
        self._separate = bool(found.get("separate"))

    @property
    def shareable(self) -> bool:
        """True if several graders can share it: no worker can use up what another one needs."""
        return self._separate

    def join(self) -> Sandbox:
        """Return a further line to the same warm process, for a grader of its own; its workers end with it.

        If it is restarted and the warm process is gone, it starts one for itself. Raises MachineryError.
        """
        joined = Sandbox(
            self._python_paths,
            self._readable,
            self._missing_ok,
            links=self._links,
            torch=self.torch,
            warm=self._warm,
        )
        joined._control, joined._separate = self._new_line(), self._separate
        return joined

    def _new_line(self) -> Control:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._ask({"do": "join"}, theirs.fileno())
            except MachineryError:
                ours.close()
                raise
        return Control(ours)

    def leave(self) -> None:
        """Drop this process's references without stopping the sandbox; called after a fork."""
        if self._control is not None:
            self._control.close()
        self._control = self._process = self._scratch = None

    def spawn(
        self, limits: Limits | None = None, *, lender: Lends | None = None, allowance: Allowance | None = None
    ) -> StudentProcess:
        """Return a new worker, on the processors of the caller: two processes that take turns are fastest on one.

        Args:
            limits: the limits on what it may use.
            lender: runs the functions that are lent to it; default one more worker, made when it is needed.
            allowance: the allowance that it shares with other workers; default one of its own.

        Raises MachineryError if the sandbox has died or has no room.
        """
        # Only now: a sandbox is launched before all this is imported.
        from autograder.isolation.channel import Channel
        from autograder.isolation.lending import Lender
        from autograder.isolation.student_process import StudentProcess

        limits = limits or Limits()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                reply = self._ask({"do": "spawn", "limits": asdict(limits), "cpus": _processors()}, theirs.fileno())
            except MachineryError:
                ours.close()
                raise
        channel = Channel(ours.detach(), limits.message_bytes, limits.total_bytes)
        worker = StudentProcess(self, reply["worker"], channel, limits, lender or Lender(self, limits.torch), allowance)
        try:
            worker.wait_until_ready(ANSWER_SECONDS)
        except MachineryError:
            worker.close()
            raise
        return worker

    def end(self, worker: int, patience: float = 0.0) -> tuple[StudentUsage, int, bool]:
        """End a worker and return (its usage, the signal that ended it before or 0, whether its wall time was over).

        Args:
            patience: the seconds that a worker which seems to be ending is given to do so by itself.
        """
        until = time.monotonic() + patience
        while time.monotonic() < until and not self._ask({"do": "ended", "worker": worker})["ended"]:
            time.sleep(0.001)
        reply = self._ask({"do": "kill", "worker": worker})
        usage = StudentUsage(reply["cpu"], reply["rss"], reply["wall"], reply["faults"])
        return usage, reply["signal"], reply["overdue"]

    def processor_seconds(self, worker: int) -> float:
        """Return the processor time of a worker so far, all threads together, in seconds. Raises MachineryError."""
        return float(self._ask({"do": "processor", "worker": worker})["seconds"])

    def clear(self) -> None:
        """End every worker, such as those of a grader that died."""
        self._ask({"do": "clear"})

    @property
    def alive(self) -> bool:
        """True while the warm process is running."""
        if self._process is not None:
            return self._process.poll() is None
        return self._control is not None and self._control.open

    def restart(self) -> None:
        """Start again from nothing, or on a new line if the warm process is another's. Raises as `start` does.

        If workers cannot be made over the new line either, it goes on with a warm process of its own.
        """
        if self._process is None and self._control is not None:
            old = self._control
            try:
                self._control = self._new_line()
                self.spawn(Limits(torch=self.torch)).close()
                return
            except MachineryError:
                pass  # it is gone, or has nothing left to give
            finally:
                old.close()
        self.close()
        self._launch()
        self.wait()

    def close(self) -> None:
        """End the sandbox and everything in it."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None

    def _ask(self, request: dict[str, Any], descriptor: int | None = None) -> dict[str, Any]:
        if self._control is None:
            raise MachineryError("the sandbox is closed. Restart it and grade again.")
        return self._control.ask(request, descriptor)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- starting

    def _launch(self) -> None:
        present = self._layers()
        plan = mounts.Mounts.of_this_machine(self._python_paths, self._readable, self._links)
        if "bubblewrap" not in present:
            self._scratch = Path(tempfile.mkdtemp(prefix="autograder-"))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 -- read when it does not start
        self._process = subprocess.Popen(
            self._command(present, plan, theirs.fileno()),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            env=plan.environment(),
            cwd="/",
            start_new_session=True,  # Ctrl-C at the terminal is for the grader, which then ends this in order
        )
        theirs.close()
        self._control = Control(ours)
        self._control.set_up(self._settings(present, plan))

    def _layers(self) -> frozenset[str]:
        """Return the layers to use. Raises LayerMissing for one that is absent and not named in `missing_ok`."""
        present = set()
        for report in machine.probe_layers():
            if report.available:
                present.add(report.name)
            elif report.name not in self._missing_ok:
                raise LayerMissing(
                    f"the sandbox layer {report.name!r} ({report.purpose}) is missing: {report.detail}."
                    f" To get it: {report.remedy}."
                    f" To grade without it, name it: --missing-ok {report.name}."
                )
        return frozenset(present)

    def _command(self, present: frozenset[str], plan: mounts.Mounts, descriptor: int) -> list[str]:
        python = [sys.executable, "-P", "-s", "-B", "-c", _STARTER, str(descriptor)]
        path = machine.bubblewrap_path()
        if "bubblewrap" not in present or path is None:
            return python
        capabilities = ["CAP_SYS_ADMIN", *(["CAP_SETUID", "CAP_SETGID", "CAP_CHOWN"] if os.geteuid() == 0 else [])]
        kept = [word for name in capabilities for word in ("--cap-add", name)]
        options = [*machine.namespace_options(), "--die-with-parent", "--new-session", "--cap-drop", "ALL", *kept]
        return [path, *options, *plan.arguments(), *python]

    def _settings(self, present: frozenset[str], plan: mounts.Mounts) -> dict[str, Any]:
        inside = "bubblewrap" in present
        base = mounts.BASE if inside else str(self._scratch)
        home = f"{base}/home"
        if not inside:
            Path(home).mkdir()
        program = b""
        if "seccomp" in present:
            from autograder.isolation.capabilities import compile_filter

            program = compile_filter()
        user = _unused_user() if inside and os.geteuid() == 0 else 0
        return {
            "base": base,
            "home": home,
            "torch": self.torch,
            "warm": self._warm,
            "devices": mounts.DEVICES if inside else (),
            "mount": inside,
            "user": user,
            "privileged": inside or os.geteuid() == 0,
            "workers": self._room,
            "folder_bytes": FOLDER_BYTES,
            "landlock_abi": kernel.abi() if "landlock" in present else 0,
            "program": program.hex(),
            "readable": [*plan.readable_inside(), home],
            "data": plan.data_inside(),
            # Outside a sandbox the user's other processes would count too.
            "processes": THREADS if inside else 0,
        }


def _processors() -> list[int]:
    """Return the processors that this process may use."""
    return sorted(os.sched_getaffinity(0))


def _unused_user() -> int:
    """Return a user number that nobody has, a different one for each sandbox."""
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    while True:
        number = (1 << 30) + secrets.randbelow(1 << 29)
        if number not in taken:
            return number

"""Starts the warm process inside bubblewrap and asks it for workers."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.errors import LayerMissing, MachineryError
from autograder.isolation import machine, mounts
from autograder.isolation.channel import Channel
from autograder.isolation.control import ANSWER_SECONDS, Control
from autograder.isolation.inside import landlock
from autograder.isolation.limits import MIB, Limits, Usage
from autograder.isolation.worker import Worker

__all__ = ["Sandbox"]

WORKERS = 8  # how many forks may live at once in one sandbox
FOLDER_BYTES = 64 * MIB
THREADS = 256  # of one user in one sandbox
START_SECONDS = 120.0
_STARTER = "from autograder.isolation.inside.zygote import main; main()"


class Sandbox:
    """A warm, locked process that forks one worker per submission. Use as a context manager.

    After a `MachineryError` call `restart`; workers of before are gone.
    """

    def __init__(self, python_paths: Iterable[Path], readable: Iterable[Path], missing_ok: frozenset[str]) -> None:
        self._python_paths = [Path(path).resolve() for path in python_paths]
        self._readable = [Path(path).resolve() for path in readable]
        self._missing_ok = missing_ok
        self._process: subprocess.Popen[bytes] | None = None
        self._control: Control | None = None
        self._scratch: Path | None = None

    @classmethod
    def start(
        cls,
        python_paths: Iterable[Path] = (),
        readable: Iterable[Path] = (),
        missing_ok: frozenset[str] = frozenset(),
    ) -> Sandbox:
        """Start a sandbox and wait until it is warm.

        Args:
            python_paths: folders that students may import from, beside the course's own `autograder.lab`.
            readable: folders and files that students may read, such as the course's data.
            missing_ok: names of layers to go on without, where this machine lacks them.

        Raises:
            LayerMissing: a layer is missing and not named in `missing_ok`.
            MachineryError: the sandbox did not start.
        """
        sandbox = cls(python_paths, readable, missing_ok)
        sandbox._start()
        return sandbox

    def spawn(self, limits: Limits | None = None) -> Worker:
        """A fresh worker. Raises MachineryError if the sandbox has died or has no room."""
        limits = limits or Limits()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                reply = self._ask({"do": "spawn", "limits": asdict(limits)}, theirs.fileno())
            except MachineryError:
                ours.close()
                raise
        worker = Worker(self, reply["worker"], Channel(ours.detach(), limits.message_bytes, limits.total_bytes), limits)
        try:
            worker.wait_until_ready(ANSWER_SECONDS)
        except MachineryError:
            worker.close()
            raise
        return worker

    def end(self, worker: int, patience: float = 0.0) -> tuple[Usage, int, bool]:
        """End a worker: (what it used, the signal that ended it before or 0, whether its wall time was over).

        Args:
            patience: how many seconds one that seems to be ending is given to do so by itself.
        """
        reply = self._ask({"do": "kill", "worker": worker, "patience": patience})
        return Usage(reply["cpu"], reply["rss"], reply["wall"]), reply["signal"], reply["overdue"]

    def clear(self) -> None:
        """End every worker, such as those of a grader that died."""
        self._ask({"do": "clear"})

    @property
    def alive(self) -> bool:
        """Whether the warm process is running."""
        return self._process is not None and self._process.poll() is None

    def restart(self) -> None:
        """Start again from nothing. Raises as `start` does."""
        self.close()
        self._start()

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

    def _ask(self, request: dict[str, Any], descriptor: int | None = None) -> dict[str, Any]:
        if self._control is None:
            raise MachineryError("the sandbox is closed. Restart it and grade again.")
        return self._control.ask(request, descriptor)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- starting

    def _start(self) -> None:
        present = self._layers()
        plan = mounts.Mounts.of_this_machine(self._python_paths, self._readable)
        if "bubblewrap" not in present:
            self._scratch = Path(tempfile.mkdtemp(prefix="autograder-"))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = self._command(present, plan, theirs.fileno())
        with tempfile.TemporaryFile() as complaints:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                env=plan.environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C at the terminal is for the grader, which then ends this in order
            )
            theirs.close()
            self._control = Control(ours)
            self._greet(present, plan, complaints)

    def _layers(self) -> frozenset[str]:
        """The layers to use. Raises LayerMissing for one that is absent and not named in `missing_ok`."""
        present = set()
        for report in machine.doctor():
            if report.available:
                present.add(report.name)
            elif report.name not in self._missing_ok:
                raise LayerMissing(
                    f"the sandbox layer {report.name!r} ({report.purpose}) is missing: {report.detail}."
                    f" To get it: {report.remedy}."
                    f" To grade without it, name it: allow_missing = [{report.name!r}]."
                )
        return frozenset(present)

    def _command(self, present: frozenset[str], plan: mounts.Mounts, descriptor: int) -> list[str]:
        python = [sys.executable, "-s", "-B", "-c", _STARTER, str(descriptor)]
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
            from autograder.isolation.filters import compile_filter

            program = compile_filter()
        user = _unused_user() if inside and os.geteuid() == 0 else 0
        return {
            "base": base,
            "home": home,
            "mount": inside,
            "user": user,
            "privileged": inside or os.geteuid() == 0,
            "workers": WORKERS,
            "folder_bytes": FOLDER_BYTES,
            "landlock_abi": landlock.abi() if "landlock" in present else 0,
            "program": program.hex(),
            "readable": [*plan.readable_inside(), home],
            "data": plan.data_inside(),
            # Outside a sandbox the user's other processes would count too.
            "processes": THREADS if inside else 0,
        }

    def _greet(self, present: frozenset[str], plan: mounts.Mounts, complaints: Any) -> None:
        if self._control is None or not self._control.greet(self._settings(present, plan), START_SECONDS):
            complaints.seek(0)
            said = complaints.read()[-2000:].decode("utf-8", "replace").strip()
            self.close()
            raise MachineryError(f"the sandbox did not start: {said or 'no reason given'}. Run `autograder doctor`.")


def _unused_user() -> int:
    """A user number that nobody has, another for each sandbox."""
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    while True:
        number = (1 << 30) + secrets.randbelow(1 << 29)
        if number not in taken:
            return number

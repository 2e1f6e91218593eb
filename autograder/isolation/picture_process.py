"""The locked process in which students' pictures are decoded and encoded again: what comes out is our own file."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from autograder.errors import LayerMissing, MachineryError
from autograder.isolation import capabilities, mounts
from autograder.isolation.guest import kernel
from autograder.isolation.guest.picture_decoder import HEADER, LENGTH, MAX_ANSWER
from autograder.isolation.sandbox import _unused_user

__all__ = ["PictureDesk"]

_STARTER = "from autograder.isolation.guest.picture_decoder import main; main()"
_START_SECONDS, _ANSWER_SECONDS = 60.0, 60.0
_NEEDED = ("bubblewrap", "landlock", "seccomp", "rlimits")
_KINDS = {b"P": ("image/png", b"\x89PNG\r\n\x1a\n"), b"J": ("image/jpeg", b"\xff\xd8\xff")}


class PictureDesk:
    """A locked process that decodes pictures; the first picture starts it.

    Args:
        missing_ok: names of layers to go on without, where this machine lacks them.
    """

    def __init__(self, missing_ok: frozenset[str] = frozenset()) -> None:
        self._missing_ok = missing_ok
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None
        self._folder: Path | None = None

    def redraw(self, content: bytes) -> tuple[str, bytes]:
        """Return (media type, bytes) of the picture, encoded again; or an empty media type and the reason, in words.

        Raises:
            LayerMissing: a layer of the sandbox is missing.
            MachineryError: the process failed. The next call starts another one.
        """
        try:
            self._start()
            self._send(LENGTH.pack(len(content)) + content)
            kind, size = HEADER.unpack(self._receive(HEADER.size, _ANSWER_SECONDS))
            made = self._receive(min(size, MAX_ANSWER + 1), _ANSWER_SECONDS)
        except OSError as error:
            self.close()
            raise MachineryError(f"pictures cannot be decoded ({error}). Run the command again.") from error
        except MachineryError:
            self.close()
            raise
        return self._judged(kind, made)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _judged(self, kind: bytes, made: bytes) -> tuple[str, bytes]:
        """Return the answer after a check, since the other side is not believed either: a picture must begin as one."""
        if kind == b"R":
            return "", made[:200]
        media, signature = _KINDS.get(kind, ("", b""))
        if not media or not made.startswith(signature) or len(made) > MAX_ANSWER:
            self.close()
            why = made[:200].decode(errors="replace") if kind == b"M" else "its answer is malformed"
            raise MachineryError(f"the process that decodes pictures failed: {why}. Run: autograder doctor")
        return media, made

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        present = self._layers()
        plan = replace(mounts.Mounts.of_this_machine((), (), {}), data=())
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 -- read when it does not start
        self._folder = Path(tempfile.mkdtemp(prefix="autograder-pictures-"))
        self._process = subprocess.Popen(
            self._command(present, plan),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=plan.environment(),
            cwd="/",
            start_new_session=True,
        )
        settings = json.dumps(self._settings(present, plan)).encode()
        self._send(LENGTH.pack(len(settings)) + settings)
        self._receive(LENGTH.size, _START_SECONDS)

    def _layers(self) -> frozenset[str]:
        reports = {report.name: report for report in capabilities.probe_layers() if report.name in _NEEDED}
        for name, report in reports.items():
            if not report.available and name not in self._missing_ok:
                raise LayerMissing(
                    f"the sandbox layer {name!r} is missing, so pictures cannot be decoded: {report.remedy}."
                )
        return frozenset(name for name, report in reports.items() if report.available)

    def _command(self, present: frozenset[str], plan: mounts.Mounts) -> list[str]:
        python = [sys.executable, "-P", "-s", "-B", "-c", _STARTER]
        path = capabilities.bubblewrap_path()
        if "bubblewrap" not in present or path is None:
            return python
        root = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if os.geteuid() == 0 else []
        options = [*capabilities.namespace_options(), "--die-with-parent", "--new-session", "--cap-drop", "ALL", *root]
        return [path, *options, *plan.arguments(), *python]

    def _settings(self, present: frozenset[str], plan: mounts.Mounts) -> dict[str, Any]:
        inside = "bubblewrap" in present
        program = b""
        if "seccomp" in present:
            from autograder.isolation.capabilities import compile_filter

            program = compile_filter()
        return {
            "user": _unused_user() if inside and os.geteuid() == 0 else 0,
            "privileged": inside or os.geteuid() == 0,
            "landlock_abi": kernel.abi() if "landlock" in present else 0,
            "program": program.hex(),
            "readable": plan.readable_inside(),
            "folder": f"{mounts.BASE}/home" if inside else str(self._folder),
        }

    def _send(self, message: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            raise MachineryError("the process that decodes pictures is not running. Run the command again.")
        self._process.stdin.write(message)
        self._process.stdin.flush()

    def _receive(self, size: int, seconds: float) -> bytes:
        if self._process is None or self._process.stdout is None:
            raise MachineryError("the process that decodes pictures is not running. Run the command again.")
        descriptor, parts, deadline = self._process.stdout.fileno(), bytearray(), time.monotonic() + seconds
        while len(parts) < size:
            left = deadline - time.monotonic()
            part = b""
            if left > 0 and select.select([descriptor], [], [], left)[0]:
                part = os.read(descriptor, min(size - len(parts), 1 << 20))
            if not part:
                raise MachineryError(f"pictures cannot be decoded: {self._said()}. Run: autograder doctor")
            parts += part
        return bytes(parts)

    def _said(self) -> str:
        if self._complaints is None:
            return "the process ended"
        self._complaints.seek(0)
        return self._complaints.read()[-500:].decode(errors="replace").strip() or "the process ended or hangs"

"""The launch of the sandbox: what it can see of this machine, and the line to the warm process.

It can see Python, the system's libraries, and the course's lab and data. Each question on the line has one answer,
with the same number.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autograder
from autograder.errors import MachineryError

__all__ = ["BASE", "DEVICES", "Control", "Mounts", "links_to"]

BASE = "/box"  # the workers' folders, inside
_PACKAGE = Path(autograder.__file__).resolve().parent
# Of the package only what students and the untrusted half need; no grading, no gradebook.
_PACKAGE_PARTS = ("__init__.py", "errors.py", "magics.py", "redrawing.py", "lab", "isolation")
_DATA = _PACKAGE.parent / "data" / "course"  # where the lab looks for its datasets
_SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/fonts", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PROCESS_FILES = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat")
_SECRETS = ("course.toml", "gradebook.db", ".course-secret", "hidden", "solutions", "submitted")


@dataclass(frozen=True, slots=True)
class Mounts:
    """The paths of this machine that appear, read-only and at the same place, inside the sandbox."""

    python_paths: tuple[Path, ...]
    system: tuple[Path, ...]
    package: tuple[Path, ...]
    data: tuple[Path, ...]
    links: tuple[tuple[str, Path], ...] = ()

    @classmethod
    def of_this_machine(
        cls, python_paths: Sequence[Path], readable: Sequence[Path], links: Mapping[str, Path]
    ) -> Mounts:
        """Return the mounts for this interpreter. Raises MachineryError for a folder that holds a course's secrets."""
        for path in (*python_paths, *readable):
            _refuse_secrets(path)
        package = tuple(part for part in (_PACKAGE / name for name in _PACKAGE_PARTS) if part.exists())
        own = (_DATA,) if _DATA.exists() else ()
        return cls(
            tuple(python_paths), _system(), package, tuple(dict.fromkeys((*readable, *own))), tuple(links.items())
        )

    def arguments(self) -> list[str]:
        """Return bubblewrap's arguments: a system with only this in it, nothing of it writable but `BASE`."""
        words = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dir", "/dev"]
        for device in DEVICES:
            words += ["--dev-bind", device, device]
        for link in _SYSTEM_LINKS:
            path = Path(link)
            if path.is_symlink():
                words += ["--symlink", str(path.readlink()), link]
            elif path.is_dir():
                words += ["--ro-bind", link, link]
        shown = (*self.system, *self.package, *self.python_paths, *self.data)
        for folder in _parents(shown):
            words += ["--perms", "0755", "--dir", str(folder)]
        for path in shown:
            words += ["--ro-bind", str(path), str(path)]
        words += ["--perms", "0755", "--tmpfs", BASE]
        links = [(name, path) for name, path in self.links if not _is_taken(Path(name), shown)]
        for folder in _parents([Path(name) for name, _ in links]):
            words += ["--perms", "0755", "--dir", str(folder)]
        for name, path in links:
            words += ["--symlink", str(path), name]
        words += ["--perms", "0755", "--size", str(32 << 20)]
        return [*words, "--tmpfs", f"{BASE}/home", "--remount-ro", "/", "--chdir", "/"]

    def environment(self) -> dict[str, str]:
        """Return the warm process's whole environment."""
        paths = [str(_PACKAGE.parent), *map(str, self.python_paths)]
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        # Sets of strings then have the same order in every sandbox, and so has what students print of them.
        fixed = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
        return {"PYTHONPATH": ":".join(paths), **fixed, **single}

    def readable_inside(self) -> list[str]:
        """Return the paths that Landlock lets every worker read."""
        system = ["/usr", *_SYSTEM_LINKS, *DEVICES, *_PROCESS_FILES]
        return [*system, *map(str, (*self.system, *self.package, *self.python_paths))]

    def data_inside(self) -> list[str]:
        """Return the paths that Landlock lets a worker read if its limits allow it."""
        return [*map(str, self.data)]


def links_to(readable: Sequence[Path], notebooks: Path) -> dict[str, Path]:
    """Return the place in the sandbox of each folder, so that a notebook's relative path leads to it.

    Args:
        readable: folders that students may read, such as ``data/course``.
        notebooks: the folder of the released notebooks, each in a folder of its own: ``notebooks/NAME/topic.ipynb``.

    Returns:
        Paths of this machine by paths inside. A worker's folder is as deep as a notebook's: ``../../data/course`` leads
        from ``/box/0`` to ``/data/course``. A folder inside the notebook's own has no such place.
    """
    worker = Path(BASE) / "0"
    inside = {os.path.normpath(worker / os.path.relpath(path, notebooks / "NAME")): path for path in readable}
    return {name: path for name, path in inside.items() if not Path(name).is_relative_to(worker)}


def _system() -> tuple[Path, ...]:
    """Return the interpreter's folders, wherever they are, and a few files of the system."""
    places = [Path(sys.prefix), Path(sys.base_prefix), Path(sysconfig.get_paths()["stdlib"])]
    places.append(Path(sys.executable).resolve().parent.parent)  # where links lead in the end
    outside = [place for place in places if not place.is_relative_to("/usr") or place.is_relative_to("/usr/local")]
    files = [Path(name) for name in _SYSTEM_FILES if Path(name).exists()]
    chosen: list[Path] = []
    for place in [*outside, *files]:
        if not any(place.is_relative_to(other) for other in (*chosen, Path("/usr"))):
            chosen.append(place)
    return tuple(chosen)


def _parents(shown: Sequence[Path]) -> list[Path]:
    """Return the folders above what is shown, outermost first: bubblewrap would make them for root's eyes only."""
    above = {parent for path in shown for parent in path.parents if not any(parent.is_relative_to(s) for s in shown)}
    return sorted(above - {Path("/"), Path("/usr")})


def _is_taken(name: Path, shown: Sequence[Path]) -> bool:
    """Return whether something of the system, or of what is shown, lies at a path inside, below it or above it."""
    own = [Path(each) for each in ("/usr", "/proc", "/dev", "/etc", f"{BASE}/home", *_SYSTEM_LINKS)]
    return any(name.is_relative_to(other) or other.is_relative_to(name) for other in (*own, *shown))


def _refuse_secrets(path: Path) -> None:
    held = [name for name in _SECRETS if os.path.lexists(path / name)]
    if held or path == Path("/"):
        what = held[0] if held else "everything"
        raise MachineryError(f"{path} contains {what} and cannot be shown to students. Name a folder inside it.")


# ---- the line to the warm process

ANSWER_SECONDS = 30.0
_MAX_PACKET = 1 << 16


class Control:
    """The trusted end of the warm process's socket; owns it.

    Forked graders may share it one after another: an answer to somebody who died is known by its number and
    thrown away.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def set_up(self, settings: dict[str, Any]) -> None:
        """Send the settings; if the other side is gone already, `greet` notices."""
        with contextlib.suppress(OSError):
            self._line.send(json.dumps(settings).encode())

    def greet(self, seconds: float) -> dict[str, Any] | None:
        """Return the other side's greeting once it is warm; None if it is not warm within that time."""
        self._line.settimeout(seconds)
        with contextlib.suppress(OSError, ValueError):
            greeting: dict[str, Any] = json.loads(self._line.recv(_MAX_PACKET))
            return greeting
        return None

    @property
    def open(self) -> bool:
        """True while the other side is still there."""
        try:
            return self._line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def ask(self, request: dict[str, Any], descriptor: int | None = None) -> dict[str, Any]:
        """Return the answer to one question, which may hand over a descriptor. Raises MachineryError."""
        number = secrets.randbits(63)
        packet = json.dumps({"id": number, **request}).encode()
        try:
            self._line.settimeout(ANSWER_SECONDS)
            socket.send_fds(self._line, [packet], [] if descriptor is None else [descriptor])
            reply = self._reply(number)
        except OSError as error:
            raise MachineryError(f"the sandbox is gone ({error}). Restart it and grade again.") from None
        if "error" in reply:
            raise MachineryError(f"the sandbox refused: {reply['error']}. Close workers that are done.")
        return reply

    def _reply(self, number: int) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            data = self._line.recv(_MAX_PACKET)
            if not data:
                raise ConnectionError("it has ended")
            reply: dict[str, Any] = json.loads(data)
            if reply.get("id") == number:
                return reply
        raise TimeoutError("it does not answer")

    def close(self) -> None:
        """Close the line; the warm process then ends."""
        self._line.close()

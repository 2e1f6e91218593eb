"""The working folders: each fork gets a fresh one, with a file system of its own, and sees no other.

Where the machine gives each fork namespaces of its own, its file system is mounted in them, over everything that forks
could share, and is gone with them: there is nothing to empty, and no name that a student could choose in advance.
Elsewhere folders are made beforehand and used once; when they are used up, the sandbox has to be started again.
"""

from __future__ import annotations

from pathlib import Path

from autograder.isolation.guest import kernel

__all__ = ["Folders", "mount_own", "static_process_files"]

MAX_FILES = 4096
_MOST_FOLDERS = 192
_PROCESS_FILES = ("cpuinfo", "meminfo", "stat")


class Folders:
    """The folders for forks that share one mount namespace; each is handed out once.

    Args:
        base: the folder that they are made in.
        size: the bytes that each may hold, if a file system can be mounted for each; 0 mounts none.
    """

    def __init__(self, base: Path, size: int) -> None:
        self._free = [base / str(number) for number in range(_MOST_FOLDERS)]
        for folder in self._free:
            folder.mkdir()
            if size:
                kernel.mount_tmpfs(str(folder), size, MAX_FILES)

    def take(self) -> Path | None:
        """Return a folder that nobody ever had, or None."""
        return self._free.pop() if self._free else None


def static_process_files() -> dict[str, bytes]:
    """Return the files of /proc that libraries read, as they are now: later readings would tell of the neighbours."""
    return {name: Path("/proc", name).read_bytes() for name in _PROCESS_FILES}


def mount_own(base: str, size: int, process_files: dict[str, bytes]) -> None:
    """Mount, in this process's mount namespace, an empty file system over ``base`` and a /proc that tells nothing.

    Raises:
        OSError: it cannot be mounted.
    """
    kernel.mount_tmpfs("/proc", 1 << 20, 2 + len(process_files))
    for name, content in process_files.items():
        Path("/proc", name).write_bytes(content)
    kernel.read_only("/proc")
    kernel.mount_tmpfs(base, size, MAX_FILES)

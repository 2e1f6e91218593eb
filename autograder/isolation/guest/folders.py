"""Working folders: each fork gets a fresh one, with its own quota, and sees no other."""

from __future__ import annotations

import os
from pathlib import Path

from autograder.isolation.guest import kernel

__all__ = ["Folders", "empty"]

MAX_FILES = 4096


class Folders:
    """A fixed number of folders, handed out one to a fork.

    Args:
        base: where they are made.
        count: how many forks may live at once.
        size: bytes that each may hold, if a file system can be mounted for each; 0 mounts none.
    """

    def __init__(self, base: Path, count: int, size: int) -> None:
        self._free = [base / str(number) for number in range(count)]
        for folder in self._free:
            folder.mkdir()
            if size:
                kernel.mount_tmpfs(str(folder), size, MAX_FILES)

    def take(self) -> Path | None:
        """A folder that is empty and nobody's, or None."""
        return self._free.pop() if self._free else None

    def give_back(self, folder: Path) -> None:
        """Empty a folder whose fork has ended; one that cannot be emptied is never handed out again."""
        try:
            empty(folder)
        except OSError:
            return
        self._free.append(folder)


def empty(folder: Path) -> None:
    """Remove everything in a folder, however deep, without recursion and without following links.

    Folders are moved up and then emptied, so that no path grows past what the kernel takes.
    """
    moved = 0
    while entries := list(os.scandir(folder)):
        for entry in entries:
            path = Path(entry.path)
            if not entry.is_dir(follow_symlinks=False):
                path.unlink()
                continue
            path.chmod(0o700)
            for inner in list(os.scandir(path)):
                if inner.is_dir(follow_symlinks=False):
                    Path(inner.path).chmod(0o700)  # a folder must be writable to be moved
                moved += 1
                Path(inner.path).rename(folder / f".moved-{moved}")
            path.rmdir()

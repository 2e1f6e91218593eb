"""Landlock: the kernel lets this process touch only the paths named here, and no network.

The three system calls are made by number; what a kernel can restrict depends on its Landlock version (ABI).
See https://docs.kernel.org/userspace-api/landlock.html for the numbers.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.isolation.guest import kernel

__all__ = ["Ruleset", "abi", "confine", "rules_for"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_QUERY = 1
_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
REFER, TRUNCATE = 1 << 13, 1 << 14
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # number of file rights an ABI knows; 16 from ABI 5
_TCP = 0b11
_SCOPED = 0b11  # abstract sockets and signals

READABLE = EXECUTE | READ_FILE | READ_DIR
WRITABLE = WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rights that one ABI can be told to restrict: bit masks of file rights, network rights and scopes."""

    files: int
    network: int
    scoped: int

    def packed(self) -> bytes:
        """Return the kernel's structure, in the length that this ABI knows."""
        words = [self.files]
        if self.network:
            words.append(self.network)
        if self.scoped:
            words.append(self.scoped)
        return struct.pack(f"={len(words)}Q", *words)


def rules_for(version: int) -> Ruleset:
    """Return everything that an ABI can restrict: files from 1, TCP from 4, signals and abstract sockets from 6."""
    return Ruleset(
        files=(1 << _RIGHTS.get(version, 16)) - 1,
        network=_TCP if version >= 4 else 0,
        scoped=_SCOPED if version >= 6 else 0,
    )


def abi() -> int:
    """Return the Landlock version of this kernel, 0 if it has none or it is switched off."""
    try:
        return kernel.call(_CREATE, None, 0, _VERSION_QUERY, what="landlock version")
    except OSError:
        return 0


def confine(version: int, readable: Iterable[str], writable: Iterable[str]) -> None:
    """Leave this process only these paths, no TCP, and nobody else's signals or abstract sockets.

    New privileges must be forbidden before. Raises OSError: the caller must then end the process.
    """
    rules = rules_for(version)
    packed = rules.packed()
    ruleset = kernel.call(_CREATE, packed, len(packed), 0, what="landlock ruleset")
    for paths, rights in ((readable, READABLE), (writable, WRITABLE)):
        for path in paths:
            _allow(ruleset, path, rights & rules.files)
    kernel.call(_RESTRICT, ruleset, 0, what="landlock restrict")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    if not Path(path).exists():
        return
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not Path(path).is_dir():
        rights &= _OF_FILES
    rule = struct.pack("=Qi", rights, descriptor)
    kernel.call(_ADD, ruleset, _PATH_BENEATH, rule, 0, what=f"landlock rule for {path}")
    os.close(descriptor)

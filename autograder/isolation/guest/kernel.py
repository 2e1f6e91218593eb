"""Requests to the kernel for the confinement of a fork: system calls, Landlock, and working folders.

Python has no name for these system calls. They are made by number or by libc, with errors as `OSError`.

With Landlock the kernel lets this process touch only the paths named here, and no network. What it can restrict depends
on its Landlock version (ABI). See https://docs.kernel.org/userspace-api/landlock.html for the numbers.

Each fork gets a fresh working folder, with a file system of its own, and sees no other. Where the machine gives each
fork namespaces of its own, its file system is mounted in them, over everything that forks could share, and is gone with
them: there is nothing to empty, and no name that a student could choose in advance. Elsewhere folders are made
beforehand and used once; when they are used up, the sandbox has to be started again.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "Folders",
    "Ruleset",
    "abi",
    "call",
    "confine",
    "die_with_parent",
    "drop_capabilities",
    "drop_user",
    "enter_processes",
    "forbid_dumps",
    "forbid_new_privileges",
    "load_filter",
    "mount_own",
    "mount_tmpfs",
    "read_only",
    "rules_for",
    "separate",
    "separate_users",
    "static_process_files",
]

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_SIGKILL = 9
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND = 1, 32, 4096
_INNER_USER = 1000  # every fork sees itself as this one
_INSTRUCTION_BYTES = 8


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def call(number: int, *arguments: int | bytes | None, what: str) -> int:
    """Make the system call with this number. Raises OSError with `what` in its text."""
    words = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return _checked(_LIBC.syscall(ctypes.c_long(number), *words), what)


def _prctl(option: int, value: int, pointer: object = 0) -> None:
    last = ctypes.c_ulong(pointer) if isinstance(pointer, int) else pointer
    arguments = (ctypes.c_ulong(value), last, ctypes.c_ulong(0), ctypes.c_ulong(0))
    _checked(_LIBC.prctl(option, *arguments), f"prctl {option}")


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent ends, at once if it has ended. Changing the user id undoes this."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def forbid_new_privileges() -> None:
    """Let nothing that this process executes gain privileges."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def forbid_dumps() -> None:
    """Forbid core files, and forbid other processes of the same user to look inside."""
    _prctl(_PR_SET_DUMPABLE, 0)


def drop_user(identity: int) -> None:
    """Become an unprivileged user and group of this number, with no other group."""
    os.setgroups([])
    os.setresgid(identity, identity, identity)
    os.setresuid(identity, identity, identity)


def separate(namespaces: int) -> None:
    """Give this process namespaces of its own, of these kinds. Raises OSError."""
    _checked(_LIBC.unshare(namespaces), "unshare")


def separate_users(others: int) -> None:
    """Give this process a user namespace and the ``others`` in it, with all rights over them. Raises OSError.

    It has a user number there, without which it could not make a file. What is counted by user, such as threads, is
    counted for it alone. Call `die_with_parent` afterwards, not before: the kernel forgets it here.
    """
    user, group = os.geteuid(), os.getegid()
    separate(CLONE_NEWUSER | others)
    _prctl(_PR_SET_DUMPABLE, 1)  # a process that must not be looked into may not write its own maps either
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{_INNER_USER} {user} 1"),
        ("gid_map", f"{_INNER_USER} {group} 1"),
    ):
        Path("/proc/self", name).write_text(content, encoding="ascii")
    forbid_dumps()


def enter_processes(namespace: int) -> None:
    """Make the next children in the process namespace of this descriptor. Raises OSError."""
    _checked(_LIBC.setns(namespace, CLONE_NEWPID), "setns")


def read_only(target: str) -> None:
    """Let nothing be changed any more in the file system that was mounted at ``target``. Raises OSError.

    A device can still be written to, but for its times. What the mount forbade before stays forbidden.
    """
    kept = os.statvfs(target).f_flag & (_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept
    _checked(_LIBC.mount(None, target.encode(), None, ctypes.c_ulong(flags), None), f"remount {target}")


def drop_capabilities() -> None:
    """Give up every capability, for good when new privileges are forbidden."""
    header = struct.pack("<Ii", _CAPABILITY_VERSION_3, 0)
    call(_CAPSET[os.uname().machine], header, bytes(24), what="capset")


def mount_tmpfs(target: str, size: int, files: int) -> None:
    """Mount an empty file system in memory: at most `size` bytes and `files` entries, nothing executable."""
    flags = ctypes.c_ulong(_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    options = f"size={size},nr_inodes={files},mode=777".encode()
    _checked(_LIBC.mount(b"tmpfs", target.encode(), b"tmpfs", flags, options), f"mount {target}")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def load_filter(program: bytes) -> None:
    """Load a compiled seccomp filter for this process, for good."""
    # create_string_buffer, since a filter is full of zero bytes.
    buffer = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // _INSTRUCTION_BYTES, ctypes.cast(buffer, ctypes.c_char_p))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(described))


# ---- Landlock

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
        return call(_CREATE, None, 0, _VERSION_QUERY, what="landlock version")
    except OSError:
        return 0


def confine(version: int, readable: Iterable[str], writable: Iterable[str]) -> None:
    """Leave this process only these paths, no TCP, and nobody else's signals or abstract sockets.

    New privileges must be forbidden before. Raises OSError: the caller must then end the process.
    """
    rules = rules_for(version)
    packed = rules.packed()
    ruleset = call(_CREATE, packed, len(packed), 0, what="landlock ruleset")
    for paths, rights in ((readable, READABLE), (writable, WRITABLE)):
        for path in paths:
            _allow(ruleset, path, rights & rules.files)
    call(_RESTRICT, ruleset, 0, what="landlock restrict")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    if not Path(path).exists():
        return
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not Path(path).is_dir():
        rights &= _OF_FILES
    rule = struct.pack("=Qi", rights, descriptor)
    call(_ADD, ruleset, _PATH_BENEATH, rule, 0, what=f"landlock rule for {path}")
    os.close(descriptor)


# ---- working folders

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
                mount_tmpfs(str(folder), size, MAX_FILES)

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
    mount_tmpfs("/proc", 1 << 20, 2 + len(process_files))
    for name, content in process_files.items():
        Path("/proc", name).write_bytes(content)
    read_only("/proc")
    mount_tmpfs(base, size, MAX_FILES)

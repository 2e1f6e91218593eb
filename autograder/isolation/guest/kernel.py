"""The few system calls that Python has no name for, by number, with errors as `OSError`."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

__all__ = [
    "call",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "drop_capabilities",
    "drop_user",
    "forbid_dumps",
    "forbid_new_privileges",
    "die_with_parent",
    "load_filter",
    "mount_tmpfs",
    "enter_processes",
    "read_only",
    "separate",
    "separate_users",
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

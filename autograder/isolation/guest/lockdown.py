"""The layers that each fork puts on before it meets a student's code, and cannot take off again."""

from __future__ import annotations

import math
import os
import resource
from dataclasses import dataclass
from pathlib import Path

from autograder.isolation.guest import kernel
from autograder.isolation.guest.kernel import mount_own
from autograder.isolation.limits import Limits

__all__ = ["Confinement", "lock_down", "set_limits"]

_DESCRIPTORS = 256


@dataclass(frozen=True, slots=True)
class Confinement:
    """The confinement of a fork.

    Attributes:
        landlock_abi: the version to use; 0 leaves Landlock out.
        program: the compiled seccomp filter; empty leaves seccomp out.
        readable: paths that may be read.
        data: paths of the course's data, which may be read if the limits allow it.
        processes: the most threads and processes that this user may have; 0 for no limit.
        separate: whether each fork gets namespaces of its own: of users, so that it is the only one that counts as this
            user, of mounts, and of processes.
        folder_bytes: the bytes that a fork with namespaces of its own may write.
        process_files: the files that such a fork finds in /proc.
    """

    landlock_abi: int
    program: bytes
    readable: tuple[str, ...]
    data: tuple[str, ...]
    processes: int
    separate: bool
    folder_bytes: int
    process_files: dict[str, bytes]


def lock_down(confinement: Confinement, limits: Limits, folder: str, parent: int) -> None:
    """Confine this freshly forked, single-threaded process to `folder` and one descriptor.

    Raises OSError if a layer fails: the caller must end the process with `os._exit`.
    """
    kernel.forbid_new_privileges()
    addresses, held = _memory_now()  # before /proc is gone
    if confinement.separate:
        _separate(confinement, folder if limits.own_files else "")
    kernel.die_with_parent(parent)
    kernel.forbid_dumps()
    set_limits(limits, confinement.processes, addresses, held)
    if confinement.landlock_abi:
        data = confinement.data if limits.course_data else ()
        kernel.confine(confinement.landlock_abi, (*confinement.readable, *data), [folder] if limits.own_files else [])
    if confinement.program:
        kernel.load_filter(confinement.program)
    _prove(confinement)


def _separate(confinement: Confinement, folder: str) -> None:
    """Move into a file system of its own, if there is a folder for it, and give up the rights that this took."""
    if folder:
        kernel.separate_users(kernel.CLONE_NEWNS)
        mount_own(folder, confinement.folder_bytes, confinement.process_files)
        os.chdir(folder)
    kernel.drop_capabilities()


def set_limits(limits: Limits, processes: int, size: int, data: int) -> None:
    """Set kernel limits on time, memory, files and threads; on memory, beyond ``size`` and ``data`` bytes."""
    cpu = max(1, math.ceil(limits.cpu_seconds))
    bounds = {
        resource.RLIMIT_AS: size + limits.memory_bytes,
        resource.RLIMIT_DATA: data + limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: _DESCRIPTORS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if processes:
        bounds[resource.RLIMIT_NPROC] = processes
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    for which, bound in bounds.items():
        resource.setrlimit(which, (bound, bound))


def _memory_now() -> tuple[int, int]:
    """Return (address space, data) of this process in bytes."""
    sizes = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(("VmSize:", "VmData:")):
            name, amount, _ = line.split()
            sizes[name] = int(amount) << 10
    return sizes["VmSize:"], sizes["VmData:"]


def _prove(confinement: Confinement) -> None:
    """Try what must fail: a layer that silently does nothing is worse than one that is missing."""
    if confinement.program:
        try:
            os.kill(os.getpid(), 0)
        except PermissionError:
            pass
        else:
            raise OSError("the seccomp filter is loaded but lets signals through")
    if confinement.landlock_abi:
        try:
            os.close(os.open("/", os.O_RDONLY))
        except PermissionError:
            pass
        else:
            raise OSError("Landlock is on but lets the root folder be listed")

"""The layers of the sandbox that this machine offers, and the filter of system calls.

Each layer is tried here and now; its report names its purpose, and the way to get it if it is missing.

The seccomp filter allows the system calls that a notebook needs, and no others. It is compiled here, in the trusted
process, and loaded by each fork as bytes, so that libseccomp need not exist inside the sandbox. Anything not listed
fails with "operation not permitted".
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

from autograder.errors import DISTRIBUTION
from autograder.isolation.guest import kernel

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["ALLOWED", "LayerReport", "compile_filter", "layers", "print_layers", "probe_layers"]


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer of the sandbox on this machine.

    Attributes:
        name: its name in `missing_ok`.
        available: whether it works here, by trial.
        purpose: the access that it stops.
        detail: the result of the trial.
        remedy: the way to get it if it is missing.
    """

    name: str
    available: bool
    purpose: str
    detail: str
    remedy: str


def probe_layers() -> list[LayerReport]:
    """Try every layer here and now, and return the reports, outermost first."""
    outermost = _bubblewrap()
    return [outermost, _user(outermost.available), _landlock(), _seccomp(), _rlimits()]


def layers() -> frozenset[str]:
    """Return the names of the layers that this machine offers."""
    return frozenset(report.name for report in probe_layers() if report.available)


def print_layers(console: Console, as_json: bool = False) -> int:
    """Print every layer, and the remedy for those that are missing. Return 0 if all are there, else 1."""
    from rich.markup import escape
    from rich.table import Table

    reports = probe_layers()
    if as_json:
        console.print_json(json.dumps([asdict(report) for report in reports]))
    else:
        table = Table("layer", "here", "what it stops", "found")
        for report in reports:
            here = "yes" if report.available else "MISSING"
            table.add_row(report.name, here, report.purpose, escape(report.detail))
        console.print(table)
        for report in reports:
            if not report.available:
                console.print(f"{report.name}: {escape(report.remedy)}")
    return 0 if all(report.available for report in reports) else 1


def bubblewrap_path() -> str | None:
    """Return the path of bwrap, or None."""
    return shutil.which("bwrap")


def namespace_options() -> list[str]:
    """Return the namespace options of bwrap: root needs no user namespace; for others it makes the rest possible."""
    options = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    return options if os.geteuid() == 0 else ["--unshare-user", *options]


def _bubblewrap() -> LayerReport:
    path = bubblewrap_path()
    available, detail = False, "bwrap is not installed"
    if path:
        command = [path, *namespace_options(), "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        tried = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        available, detail = tried.returncode == 0, tried.stderr.strip()[:200] or path
    return LayerReport(
        "bubblewrap",
        available,
        "no network, no other processes, no files but a few read-only ones",
        detail,
        "sudo apt-get install bubblewrap; if it is there but refused, allow user namespaces:"
        " sudo sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0;"
        " in a container, start it with the rights to make namespaces (docker run --privileged)",
    )


def _user(bubblewrap: bool) -> LayerReport:
    root = os.geteuid() == 0
    detail = "started as root: the sandbox changes to an unused user number" if root else f"user {os.geteuid()}"
    if root and not bubblewrap:
        detail = "started as root, and without bubblewrap there is no other user that could read Python"
    return LayerReport(
        "user",
        bubblewrap or not root,
        "no rights of root inside",
        detail,
        "install bubblewrap, or run the grader as an ordinary user",
    )


def _landlock() -> LayerReport:
    version = kernel.abi()
    scope = "files, TCP, signals" if version >= 6 else "files and TCP" if version >= 4 else "files"
    return LayerReport(
        "landlock",
        version > 0,
        "each worker sees only its own folder, and no neighbour",
        f"ABI {version}: {scope}" if version else "the kernel has no Landlock, or it is switched off",
        "use Linux 5.13 or later, with landlock among the kernel's lsm= modules",
    )


def _seccomp() -> LayerReport:
    available, detail = True, "an allow list, compiled with libseccomp"
    try:
        detail += f", {len(compile_filter()) // 8} instructions"
    except (ImportError, OSError, RuntimeError) as error:
        available, detail = False, f"libseccomp cannot be used: {error}"
    return LayerReport(
        "seccomp",
        available,
        "no new processes, programs, sockets, signals or debugging",
        detail,
        f"sudo apt-get install libseccomp2, and pip install '{DISTRIBUTION}[grade]'",
    )


def _rlimits() -> LayerReport:
    return LayerReport(
        "rlimits", os.name == "posix", "time, memory, files and threads are bounded", "kernel limits", "use Linux"
    )


# ---- the filter of system calls

_FILES = """
    read write readv writev pread64 pwrite64 preadv pwritev lseek close close_range
    open openat creat stat lstat access faccessat faccessat2 readlink readlinkat
    getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2
    ftruncate truncate fallocate fsync fdatasync sendfile copy_file_range umask utimensat
"""
_WAITING = """
    poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2
    clock_gettime clock_getres gettimeofday time nanosleep clock_nanosleep times getrusage getcpu
"""
_MEMORY_AND_THREADS = """
    munmap mprotect mremap brk msync
    set_robust_list get_robust_list rseq membarrier arch_prctl set_tid_address
    sched_yield sched_getaffinity sched_getparam sched_getscheduler getpriority getrlimit
"""
_OWN_SIGNALS = """
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending sigaltstack restart_syscall exit exit_group
"""
_IDENTITY = """
    getpid gettid getppid getuid geteuid getgid getegid getgroups getresuid getresgid getpgrp getpgid getsid
    uname getrandom
"""
ALLOWED = tuple((_FILES + _WAITING + _MEMORY_AND_THREADS + _OWN_SIGNALS + _IDENTITY).split())

# Not for the connection: its number on the machine's list of sockets and pipes tells how many there were before.
_NOT_OF_CONNECTION = ("fstat", "newfstatat", "dup", "dup2", "dup3")
_COPIES = (0, 1030)  # F_DUPFD F_DUPFD_CLOEXEC
_CONNECTION = 3

_CLONE_THREAD = 0x00010000
_FUTEX_PRIVATE = 128
_MAP_HUGETLB = 0x40000
# Calls that do much else besides: argument number, and the values with which each is harmless.
_ONLY_WITH: dict[str, tuple[int, tuple[int, ...]]] = {
    # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
    "ioctl": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    # Copies and flags of descriptors. Not who gets signals (F_SETOWN), and no locks on files that others use.
    "fcntl": (1, (1, 2, 3, 4)),
    # What concerns a process's own pages: not which pages of a file stay in the machine's memory,
    # nor how large they are there.
    "madvise": (2, (0, 1, 4, 8, 14, 15, 16, 17, 22, 23)),
    # Without the flag for private ones, waiting for a thread's end; nobody can be woken at a page of a shared file.
    "futex": (1, (0, 9, 0x109)),
    # PR_GET_DUMPABLE PR_SET_NAME PR_GET_NAME PR_SET_VMA
    "prctl": (0, (3, 15, 16, 0x53564D41)),
}


@cache
def compile_filter() -> bytes:
    """Return the filter as BPF instructions for this machine's architecture. Raises OSError without libseccomp."""
    import pyseccomp

    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in ALLOWED:
        _add(rules, pyseccomp.ALLOW, name)
    for name, (position, values) in _ONLY_WITH.items():
        for value in values:
            _add(rules, pyseccomp.ALLOW, name, pyseccomp.Arg(position, pyseccomp.EQ, value))
    _add(rules, pyseccomp.ALLOW, "futex", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _FUTEX_PRIVATE, _FUTEX_PRIVATE))
    # How many huge pages are left would tell how many others have taken.
    _add(rules, pyseccomp.ALLOW, "mmap", pyseccomp.Arg(3, pyseccomp.MASKED_EQ, _MAP_HUGETLB, 0))
    for number in _other_descriptors():
        for name in _NOT_OF_CONNECTION:
            _add(rules, pyseccomp.ALLOW, name, number)
        for value in _COPIES:
            _add(rules, pyseccomp.ALLOW, "fcntl", number, pyseccomp.Arg(1, pyseccomp.EQ, value))
    # It tells how many mounts the machine has ever made; libraries fall back to fstat.
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "statx")
    # glibc starts threads by clone3 and falls back to clone, whose flags a filter can read.
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    threads = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)
    _add(rules, pyseccomp.ALLOW, "clone", threads)
    own, read_only = pyseccomp.Arg(0, pyseccomp.EQ, 0), pyseccomp.Arg(2, pyseccomp.EQ, 0)
    _add(rules, pyseccomp.ALLOW, "prlimit64", own, read_only)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _other_descriptors() -> list[object]:
    """Return conditions, one of which holds for every descriptor but the connection's: a bit of the argument differs.

    No descriptor has a number above 255; of the number, the kernel looks at the low half only.
    """
    import pyseccomp

    bits = [1 << place for place in range(8)]
    return [pyseccomp.Arg(0, pyseccomp.MASKED_EQ, bit, (_CONNECTION & bit) ^ bit) for bit in bits]


def _add(rules: object, action: int, name: str, *arguments: object) -> None:
    """Add a rule, unless this architecture has no call of that name."""
    import pyseccomp

    if pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) >= 0:
        rules.add_rule(action, name, *arguments)  # type: ignore[attr-defined]

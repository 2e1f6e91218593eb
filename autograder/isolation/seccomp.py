"""The seccomp filter: the system calls that a notebook needs, and no others.

It is compiled here, in the trusted process, and loaded by each fork as bytes, so that libseccomp need not
exist inside the sandbox. Anything not listed fails with "operation not permitted".
"""

from __future__ import annotations

import errno
import tempfile
from functools import cache

__all__ = ["ALLOWED", "compile_filter"]

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
    mmap munmap mprotect mremap brk msync
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
# Calls that do much else besides: argument number, and the values with which each is harmless.
_ONLY_WITH: dict[str, tuple[int, tuple[int, ...]]] = {
    # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
    "ioctl": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    # Copies and flags of descriptors. Not who gets signals (F_SETOWN), and no locks on files that others use.
    "fcntl": (1, (1, 2, 3, 4)),
    # What concerns a process's own pages: not which pages of a file stay in the machine's memory.
    "madvise": (2, (0, 1, 4, 8, 14, 15, 16, 17, 22, 23, 25)),
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

"""Attacks on the system around the student's process. One that goes through shows it by the agreed claim."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from autograder.audit.attacks.catalogue import Target, attack


def trying(target: Target, *bodies: str) -> Target:
    """Put each of ``bodies`` in a cell of its own; where one ends without an error, the claim is printed."""
    for body in bodies:
        lines = "\n    ".join(body.split("\n"))
        target.append(
            f"try:\n    {lines}\nexcept BaseException as error:\n    print('refused:', type(error).__name__, error)\n"
            f"else:\n    print({target.traps.claim})"
        )
    return target


def calling(target: Target, *calls: tuple[int, ...]) -> Target:
    """Make system calls by number and arguments; one that does not fail prints the claim."""
    head = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    body = "if libc.syscall({0}) < 0: raise OSError(ctypes.get_errno(), 'refused')"
    texts = [head + body.format(", ".join(f"ctypes.c_long({n})" for n in call)) for call in calls]
    return trying(target, *texts)


@attack("system", tries="connects to a port of this machine", stopped_by="seccomp: no sockets; bubblewrap: no network")
def tcp(target: Target) -> Target:
    return trying(target, f"import socket\nsocket.create_connection(('127.0.0.1', {target.traps.tcp}), 1)")


@attack(
    "system",
    tries="sends a datagram to this machine, and asks for a name",
    stopped_by="seccomp: no sockets; bubblewrap: no network",
)
def udp_and_names(target: Target) -> Target:
    return trying(
        target,
        f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.connect(('127.0.0.1', {target.traps.udp}))\ns.send(b'x')\n"
        "raise ConnectionError('a datagram is judged by who receives it')",
        "import socket\nsocket.getaddrinfo('example.org', 80)",
    )


@attack(
    "system", tries="connects to sockets with and without a path", stopped_by="seccomp: no sockets; Landlock: scope"
)
def unix_sockets(target: Target) -> Target:
    paths = (target.traps.unix, "\0" + target.traps.abstract)
    return trying(target, *(f"import socket\nsocket.socket(socket.AF_UNIX).connect({path!r})" for path in paths))


@attack("system", tries="opens raw, packet, netlink, vsock and cipher sockets", stopped_by="seccomp: no sockets")
def sockets_of_every_family(target: Target) -> Target:
    kinds = (
        "socket.AF_PACKET, socket.SOCK_RAW",
        "socket.AF_INET, socket.SOCK_RAW",
        "40, socket.SOCK_STREAM",
        "38, socket.SOCK_SEQPACKET",
    )
    return trying(target, *(f"import socket\nsocket.socket({kind})" for kind in kinds))


@attack("system", tries="fetches a page", stopped_by="seccomp: no sockets; bubblewrap: no network")
def web(target: Target) -> Target:
    return trying(
        target, f"import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{target.traps.tcp}/', timeout=1)"
    )


@attack("system", tries="runs programs and a shell", stopped_by="seccomp: no fork, no exec")
def programs(target: Target) -> Target:
    return trying(
        target,
        "import subprocess\nsubprocess.check_output(['/bin/echo', 'x'])",
        "import os\nif os.system('true'): raise OSError('refused')",
        "import os\nget_ipython().system('echo x > made')\nif not os.path.exists('made'): raise OSError('refused')",
        "import ctypes\nif ctypes.CDLL(None).system(b'true'): raise OSError('refused')",
        "import pty\npty.fork()",
    )


@attack("system", tries="replaces itself by another program", stopped_by="seccomp: no exec")
def another_program(target: Target) -> Target:
    return trying(target, "import os\nos.execv('/usr/bin/env', ['env'])")


@attack(
    "system",
    tries="leaves a process behind that outlives it",
    stopped_by="seccomp: no fork; the sandbox's processes end with it",
)
def daemons(target: Target) -> Target:
    return target.append(
        "import os, time\ntry:\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0: time.sleep(30)\n        os._exit(0)\nexcept OSError as error: print(error)"
    )


@attack(
    "system",
    tries="signals its parent, everybody, and its own group",
    stopped_by="seccomp: no signals; Landlock: scope",
)
def signals(target: Target) -> Target:
    return trying(
        target,
        "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)",
        "import os, signal\nos.kill(-1, signal.SIGUSR1)",
        "import os, signal\nos.killpg(0, 0)",
        "import os\nfor pid in range(2, 400):\n    if pid != os.getpid(): os.kill(pid, 9)",
    )


@attack("system", tries="debugs its parent and reads its memory by system calls", stopped_by="seccomp: no debugging")
def debugging(target: Target) -> Target:
    return calling(
        target, (101, 16, 1), (101, 0x4206, 1, 0, 0), (310, 1, 0, 0, 0, 0), (311, 1, 0, 0, 0, 0), (312, 1, 2, 0, 0, 0)
    )


@attack("system", tries="makes namespaces and mounts", stopped_by="seccomp: not on the list")
def namespaces_and_mounts(target: Target) -> Target:
    return calling(
        target,
        (272, 0x10000000),
        (272, 0x20000),
        (308, 3, 0),
        (165, 0, 0, 0, 0, 0),
        (161, 0),
        (155, 0, 0),
        (428, 0, 0, 0),
        (430, 0, 0),
    )


@attack("system", tries="makes an io_uring to get around the filter", stopped_by="seccomp: not on the list")
def io_uring(target: Target) -> Target:
    return calling(target, (425, 8, 0), (426, 3, 0, 0, 0, 0), (427, 3, 0, 0, 0))


@attack("system", tries="makes a file in memory and executes it", stopped_by="seccomp: not on the list")
def file_in_memory(target: Target) -> Target:
    return trying(
        target,
        "import os\nfd = os.memfd_create('x')\nos.write(fd, open('/usr/bin/true', 'rb').read())\nos.execve(fd, ['x'], {})",
    )


@attack(
    "system",
    tries="handles page faults, performance counters and kernel programs itself",
    stopped_by="seccomp: not on the list",
)
def kernel_interfaces(target: Target) -> Target:
    return calling(target, (323, 0), (298, 0, 0, -1, -1, 0), (321, 0, 0, 0), (317, 1, 0, 0), (444, 0, 0, 1))


@attack("system", tries="uses keyrings, queues, semaphores and shared memory", stopped_by="seccomp: not on the list")
def shared_kernel_objects(target: Target) -> Target:
    return calling(
        target,
        (250, 0, -3, 1),
        (248, 0, 0, 0, 0, -3),
        (29, 7, 4096, 0o1600),
        (68, 7, 0o1600),
        (64, 7, 1, 0o1600),
        (240, 0, 0o100, 0o600, 0),
    )


@attack(
    "system",
    tries="types on the terminal, and asks its connection to send signals",
    stopped_by="seccomp: ioctl and fcntl by argument",
)
def typing_on_the_terminal(target: Target) -> Target:
    return trying(
        target,
        "import fcntl\nfcntl.ioctl(0, 0x5412, b'x')",
        "import fcntl, os\nfcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())",
        "import os\nos.open('/dev/tty', os.O_RDWR)",
    )


@attack("system", tries="raises its own limits and priority", stopped_by="seccomp, and hard limits")
def raised_limits(target: Target) -> Target:
    return trying(
        target,
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 50, 1 << 50))",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1 << 30, 1 << 30))",
        "import os\nos.nice(-10)",
        "import os\nos.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
    )


@attack("system", tries="becomes root, or somebody else", stopped_by="no capabilities, no new privileges, seccomp")
def another_user(target: Target) -> Target:
    return trying(
        target,
        "import os\nos.setuid(0)",
        "import os\nos.setresuid(0, 0, 0)",
        "import os\nos.setgroups([0])",
        "import os\nos.chown('.', 0, 0)",
    )


@attack(
    "system",
    tries="writes beside Python, into the package and into temporary folders",
    stopped_by="read-only mounts; Landlock",
)
def files_everywhere(target: Target) -> Target:
    claim = target.traps.claim
    return target.append(
        f"import sys, os, tempfile\nimport autograder.lab, numpy\nname = {claim}\n"
        "places = [sys.prefix, os.path.dirname(autograder.lab.__file__), os.path.dirname(autograder.__file__), os.path.dirname(os.path.dirname(numpy.__file__)), '/tmp', '/var/tmp', '/dev/shm', '/', '/box/home', '..']\n"
        f"places.append({target.traps.course!r})\nfor place in places:\n    try: open(os.path.join(place, name), 'w').close()\n    except OSError as error: print(error.errno)"
    )


@attack(
    "system",
    tries="changes the installed package that graders and other students run",
    stopped_by="read-only mounts; Landlock",
)
def changed_package(target: Target) -> Target:
    return trying(
        target,
        "import autograder.lab as lab\nopen(lab.__file__, 'a').close()",
        "import numpy\nopen(numpy.__file__, 'a').close()",
    )


@attack("system", tries="makes links, pipes and devices, and changes permissions", stopped_by="Landlock and seccomp")
def odd_files(target: Target) -> Target:
    return trying(
        target,
        "import os\nos.symlink('/etc/passwd', 'link')",
        "import os\nopen('a', 'w').close()\nos.link('a', 'b')",
        "import os\nos.mkfifo('pipe')",
        "import os, stat\nos.mknod('device', stat.S_IFCHR | 0o666, os.makedev(1, 1))",
        "import os\nos.chmod('.', 0o777)",
    )


@attack("system", tries="opens devices, kernel files and the host's disks", stopped_by="bubblewrap: no such file")
def devices(target: Target) -> Target:
    paths = (
        "/dev/mem",
        "/dev/kmsg",
        "/dev/sda",
        "/dev/vda",
        "/dev/fuse",
        "/dev/kvm",
        "/proc/sysrq-trigger",
        "/proc/kcore",
        "/sys/kernel/uevent_helper",
    )
    return trying(target, *(f"open({path!r}, 'r+b')" for path in paths))


@attack("system", tries="reaches files by handle and by inherited folders", stopped_by="seccomp; closed descriptors")
def files_by_handle(target: Target) -> Target:
    return calling(target, (304, 3, 0, 0), (303, -100, 0, 0, 0, 0), (437, -100, 0, 0, 24))


@attack("system", tries="uses the second table of system calls", stopped_by="seccomp knows one architecture")
def other_tables(target: Target) -> Target:
    return calling(target, (0x40000000 + 41, 1, 1, 0), (0x40000000 + 57,))


@attack("system", tries="crashes its process in native code", stopped_by="a crash ends its own process", honest=True)
def crashes(target: Target) -> Target:
    return target.wrap_all("import ctypes\nif len(args) > 1: ctypes.string_at(0)")


@attack("system", tries="aborts its process in every call", stopped_by="a crash ends its own process")
def aborts(target: Target) -> Target:
    return target.answer_all("import os\ndef NAME(*args, **kwargs):\n    os.abort()")


@attack("system", tries="stops itself so that nobody hears of it", stopped_by="seccomp: no signals; wall time")
def stopped_process(target: Target) -> Target:
    return target.first(
        "import os, signal\ntry: os.kill(os.getpid(), signal.SIGSTOP)\nexcept OSError as error: print(error)"
    )


@attack(
    "system", tries="makes system calls of every number that it should not have", stopped_by="seccomp: a list of calls"
)
def calls_of_every_number(target: Target) -> Target:
    """Those that would end, stop or copy this process are left out, and those of the list: an argument may be wrong."""
    return target.append(
        "import ctypes, platform\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "mine = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 32, 33, 34, 35, 39, 40, 56, 57, 58, 60, 63, 72, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 87, 89, 95, 96, 97, 98, 100, 102, 104, 107, 108, 110, 111, 115, 118, 120, 121, 124, 127, 131, 140, 143, 145, 157, 158, 186, 201, 202, 204, 217, 218, 219, 228, 229, 230, 231, 232, 233, 257, 258, 262, 263, 264, 267, 269, 270, 271, 273, 274, 280, 281, 285, 290, 291, 292, 295, 296, 302, 309, 316, 318, 324, 326, 334, 435, 436, 439}\n"
        "found = []\nfor number in range(600 if platform.machine() == 'x86_64' else 0):\n    if number in mine: continue\n    ctypes.set_errno(0)\n    libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6)\n    if ctypes.get_errno() not in (1, 38): found.append((number, ctypes.get_errno()))\n"
        f"if found: print({target.traps.claim}, found)"
    )


@attack(
    "system",
    tries="mounts and opens file systems by the newer system calls",
    stopped_by="seccomp: no mounts; no capabilities",
)
def newer_mounts(target: Target) -> Target:
    return calling(
        target,
        (428, -100, 0, 1),
        (430, 0, 0),
        (431, 0, 0, 0, 0, 0),
        (432, 0, 0, 0),
        (433, -100, 0, 0),
        (442, -100, 0, 0, 0, 0),
    )


@attack("system", tries="takes the machine's huge pages", stopped_by="seccomp: no mapping of huge pages")
def huge_pages(target: Target) -> Target:
    return trying(target, "import mmap\nmmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)")

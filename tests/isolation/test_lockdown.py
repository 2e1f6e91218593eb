"""Each layer, proven by attempts from inside a worker."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.isolation.failures import StudentError, WorkerLost
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

ROOT = Path(__file__).resolve().parents[2]


def attempt(worker: StudentProcess, source: str) -> str:
    """What came of running `source` inside: "ok", or the error's class and number."""
    body = "\n    ".join(source.splitlines())
    code = f"try:\n    {body}\n    verdict = 'ok'\nexcept BaseException as error:\n"
    code += '    verdict = f\'{type(error).__name__} {getattr(error, "errno", "")}\'.strip()\nverdict'
    answer = worker.run_source(code)
    assert isinstance(answer, str)
    return answer


FILES = {
    "the list of users": "open('/etc/passwd')",
    "the root folder": "import os; os.listdir('/')",
    "the repository": f"import os; os.listdir({str(ROOT)!r})",
    "the solutions": f"import os; os.listdir({str(ROOT / 'solutions')!r})",
    "the grader's own code": f"open({str(ROOT / 'autograder' / 'secrets.py')!r})",
    "the host's processes": "open('/proc/1/environ')",
    "its own memory map": "open('/proc/self/maps')",
    "its own memory": "open('/proc/self/mem')",
    "the warm process's memory": "import os; open(f'/proc/{os.getppid()}/mem')",
    "the warm process's files": "import os; os.listdir(f'/proc/{os.getppid()}/fd')",
    "the folders of other workers": "import os; os.listdir('/box')",
    "a file system of the kernel": "import os; os.listdir('/sys')",
    "the terminal": "open('/dev/tty')",
    "shared memory": "open('/dev/shm/x', 'w')",
}
WRITES = {
    "in the root folder": "open('/x', 'w')",
    "in the package": f"open({str(ROOT / 'autograder' / 'lab' / 'x')!r}, 'w')",
    "beside Python": "import sys; open(sys.prefix + '/x', 'w')",
    "in the warm process's home": "open('/box/home/x', 'w')",
    "in another's folder": "import os\nfor n in range(8):\n    if os.getcwd() != f'/box/{n}': open(f'/box/{n}/x', 'w')",
    "a symbolic link": "import os; os.symlink('/etc', 'link')",
    "a hard link": "import os; open('a', 'w').close(); os.link('a', 'b')",
    "a named pipe": "import os; os.mkfifo('pipe')",
    "permissions": "import os; os.chmod('.', 0o777)",
}
NETWORK = {
    "TCP": "socket.socket()",
    "TCP over IPv6": "socket.socket(socket.AF_INET6)",
    "UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "unix": "socket.socket(socket.AF_UNIX)",
    "unix pairs": "socket.socketpair()",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "packets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "vsock": "socket.socket(socket.AF_VSOCK)",
    "bluetooth": "socket.socket(31, socket.SOCK_RAW)",
    "the kernel's ciphers": "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)",
}
PROCESSES = {
    "fork": "import os; os.fork()",
    "a subprocess": "import subprocess; subprocess.run(['/bin/true'])",
    "os.system's shell": "import os\nif os.system('true') != 0: raise PermissionError(1, '')",
    "another program": "import os; os.execv('/usr/bin/true', ['true'])",
    "a process pool": "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
    "a signal to the parent": "import os; os.kill(os.getppid(), 0)",
    "a signal to everybody": "import os; os.kill(-1, 0)",
    "a signal to the group": "import os; os.killpg(0, 0)",
    "a handle on the parent": "import os; os.pidfd_open(os.getppid())",
    "a file in memory": "import os; os.memfd_create('x')",
    "more memory": "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 50, 1 << 50))",
    "typing on the terminal": "import fcntl; fcntl.ioctl(0, 0x5412, b'x')",
    "signals by way of a descriptor": "import fcntl, os; fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())",
    "a signal of choice by way of a descriptor": "import fcntl; fcntl.fcntl(3, fcntl.F_SETSIG, 9)",
    "a lock on a file that others use": "import fcntl, sys; fcntl.flock(open(sys.executable), fcntl.LOCK_EX)",
    "a record lock": "import fcntl; fcntl.lockf(open('lock', 'w'), fcntl.LOCK_EX)",
    "another priority": "import os; os.nice(-5)",
    "another user": "import os; os.setuid(0)",
}
# Numbers of x86-64; each must fail with "operation not permitted", or "no such call" for clone3.
CALLS = {
    "ptrace": (101, 0), "process_vm_readv": (310, 1), "mount": (165, 0), "umount2": (166, 0), "unshare": (272, 1 << 28),
    "setns": (308, 0), "pivot_root": (155, 0), "chroot": (161, 0), "bpf": (321, 0), "perf_event_open": (298, 0),
    "userfaultfd": (323, 0), "io_uring_setup": (425, 1), "keyctl": (250, 0), "add_key": (248, 0),
    "memfd_secret": (447, 0), "shmget": (29, 0), "msgget": (68, 0), "semget": (64, 0), "mq_open": (240, 0),
    "inotify_init1": (294, 0), "fanotify_init": (300, 0), "personality": (135, 0), "seccomp": (317, 0),
    "landlock_create_ruleset": (444, 0), "vfork": (58, 0), "clone3": (435, 0), "clone without threads": (56, 17),
    "tgkill": (234, 1), "rt_sigqueueinfo": (129, 1), "timer_create": (222, 0), "setitimer": (38, 0), "syslog": (103, 0),
    "open_by_handle_at": (304, 0), "kcmp": (312, 1), "quotactl": (179, 0), "reboot": (169, 0), "swapon": (167, 0),
    "init_module": (175, 0), "kexec_load": (246, 0), "acct": (163, 0), "iopl": (172, 0), "socket by number": (41, 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def inmate(sandbox: Sandbox) -> Iterator[StudentProcess]:
    """One worker for all attempts that leave no trace."""
    with sandbox.spawn() as worker:
        worker.run_source("import socket")
        yield worker


@pytest.mark.parametrize("source", FILES.values(), ids=FILES.keys())
def test_it_cannot_read(inmate: StudentProcess, source: str) -> None:
    assert attempt(inmate, source) in ("PermissionError 13", "FileNotFoundError 2")


@pytest.mark.parametrize("source", WRITES.values(), ids=WRITES.keys())
def test_it_cannot_write(inmate: StudentProcess, source: str) -> None:
    assert attempt(inmate, source) in ("PermissionError 13", "PermissionError 1", "OSError 30")


@pytest.mark.parametrize("source", NETWORK.values(), ids=NETWORK.keys())
def test_it_has_no_network(inmate: StudentProcess, source: str) -> None:
    assert attempt(inmate, f"import socket; {source}") in ("PermissionError 1", "OSError 97")


@pytest.mark.parametrize("source", PROCESSES.values(), ids=PROCESSES.keys())
def test_it_cannot_reach_other_processes_or_more_rights(inmate: StudentProcess, source: str) -> None:
    assert attempt(inmate, source) in ("PermissionError 1", "ValueError")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of system calls are those of x86-64")
@pytest.mark.parametrize(("number", "argument"), CALLS.values(), ids=CALLS.keys())
def test_it_cannot_make_the_system_call(inmate: StudentProcess, number: int, argument: int) -> None:
    library = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)"
    source = f"{library}\n(libc.syscall({number}, {argument}, 0, 0, 0, 0), ctypes.get_errno())"
    assert inmate.run_source(source) in ((-1, 1), (-1, 38))


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86-64 has a second table of system calls")
def test_the_32_bit_door_is_shut(worker: StudentProcess) -> None:
    """Getpid of the x32 table: the filter knows one architecture, and either refuses the call or ends the process."""
    try:
        answer = worker.run_source("import ctypes; ctypes.CDLL(None).syscall(0x40000000 + 39)")
    except WorkerLost as lost:
        answer = lost.reason
    assert answer in (-1, "killed")


def test_it_sees_no_abstract_socket_of_the_host(inmate: StudentProcess) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        name = f"\0autograder-test-{os.getpid()}"
        listener.bind(name)
        listener.listen()
        verdict = attempt(inmate, f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})")
    assert verdict == "PermissionError 1"


def test_only_its_own_socket_is_open(worker: StudentProcess) -> None:
    source = """
import os
found = []
for descriptor in range(256):
    try:
        found.append((descriptor, oct(os.fstat(descriptor).st_mode)[:4]))
    except OSError:
        pass
found"""
    found = dict(worker.run_source(source))
    assert sorted(found) == [0, 1, 2, 3]
    assert (
        worker.run_source("import os; [os.fstat(d).st_rdev == os.stat('/dev/null').st_rdev for d in range(3)]")
        == [True] * 3
    )


def test_it_is_an_unprivileged_user_without_capabilities(worker: StudentProcess) -> None:
    user, groups, real = worker.run_source("import os; (os.geteuid(), os.getgroups(), os.getresuid())")
    assert user != 0
    assert real == (user, user, user)
    assert groups in ([], [65534])
    assert attempt(worker, "import os; os.chown('.', 0, 0)") == "PermissionError 1"


def test_its_environment_says_nothing(worker: StudentProcess) -> None:
    os.environ["CANARY_IN_THE_GRADER"] = "1"
    try:
        names = worker.run_source("import os; sorted(os.environ)")
    finally:
        del os.environ["CANARY_IN_THE_GRADER"]
    assert names == ["HOME", "LANG", "PATH", "TMPDIR", "USER"]


@pytest.mark.parametrize(
    "source",
    ["bytearray(4 << 30)", "import numpy; numpy.ones(4 << 30, dtype='u1')", "import mmap; mmap.mmap(-1, 4 << 30)"],
    ids=["bytes", "numpy", "shared mapping"],
)
def test_memory_is_bounded(inmate: StudentProcess, source: str) -> None:
    assert attempt(inmate, source) in ("MemoryError", "_ArrayMemoryError", "OSError 12")


def test_memory_taken_in_small_steps_is_bounded(sandbox: Sandbox) -> None:
    with sandbox.spawn(Limits(memory_bytes=128 << 20, call_seconds=20)) as worker:
        verdict = attempt(worker, "kept = []\nwhile True: kept.append(bytearray(1 << 20))")
        assert verdict == "MemoryError"
        assert worker.close().peak_rss_bytes < 900 << 20


def test_torch_memory_is_bounded(sandbox: Sandbox) -> None:
    with sandbox.spawn(Limits(memory_bytes=128 << 20, call_seconds=20)) as worker:
        assert (
            attempt(worker, "import torch\nkept = []\nwhile True: kept.append(torch.ones(1 << 20))") == "RuntimeError"
        )


def test_a_file_is_bounded(inmate: StudentProcess) -> None:
    assert attempt(inmate, "open('large', 'wb').write(bytes(32 << 20))") == "OSError 27"


def test_the_folder_is_bounded_in_bytes_and_in_files(worker: StudentProcess) -> None:
    filled = "n = 0\nwhile True:\n    open(f'f{n}', 'wb').write(bytes(8 << 20))\n    n += 1"
    assert attempt(worker, filled) == "OSError 28"
    worker.run_source("import os\nfor name in os.listdir(): os.unlink(name)")
    many = "n = 0\nwhile True:\n    open(f'f{n}', 'w').close()\n    n += 1"
    assert attempt(worker, many) == "OSError 28"


def test_threads_work_and_are_bounded(worker: StudentProcess) -> None:
    source = """
import threading, time
started = 0
try:
    for _ in range(2000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        started += 1
except RuntimeError:
    pass
started"""
    assert 0 < worker.run_source(source) < 300


def test_a_flood_of_threads_leaves_its_neighbour_room(sandbox: Sandbox) -> None:
    flood = """
import threading, time
threading.stack_size(1 << 16)
started = 0
try:
    while started < 400:
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
        started += 1
except RuntimeError:
    pass
"""
    work = "from concurrent.futures import ThreadPoolExecutor as Pool; list(Pool(32).map(abs, range(-99, 0)))[0]"
    with sandbox.spawn() as bully, sandbox.spawn() as neighbour:
        assert bully.run_cell(flood).ok
        assert 100 < bully.run_source("started") < 400
        assert neighbour.run_source(work) == 99


def test_a_flood_of_threads_does_not_stop_the_next_worker(sandbox: Sandbox) -> None:
    flood = "import threading as t, time\nwhile True: t.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    with sandbox.spawn() as flooding, sandbox.spawn() as neighbour:
        attempt(flooding, flood)
        assert neighbour.run_source("6 * 7") == 42
        with sandbox.spawn() as late:
            assert late.run_source("6 * 7") == 42


def test_processor_time_is_bounded(sandbox: Sandbox) -> None:
    with sandbox.spawn(Limits(cpu_seconds=1, call_seconds=20)) as worker:
        started = time.monotonic()
        with pytest.raises(WorkerLost) as lost:
            worker.run_source("while True: pass")
        assert lost.value.reason == "timeout"
        assert time.monotonic() - started < 10


def test_ignoring_the_signal_does_not_help(sandbox: Sandbox) -> None:
    deaf = "import signal\nfor n in set(range(1, 65)) - {9, 19, 32, 33}: signal.signal(n, signal.SIG_IGN)"
    source = f"{deaf}\nwhile True: pass"
    with sandbox.spawn(Limits(cpu_seconds=1, call_seconds=20)) as worker:
        with pytest.raises(WorkerLost) as lost:
            worker.run_source(source)
        assert lost.value.reason == "timeout"


def test_a_life_is_bounded_even_if_nobody_asks(sandbox: Sandbox) -> None:
    with sandbox.spawn(Limits(wall_seconds=0.5)) as worker:
        time.sleep(1.0)
        with pytest.raises(WorkerLost) as lost:
            worker.run_source("1")
        assert lost.value.reason == "timeout"
        assert worker.close().wall_seconds >= 0.5


def test_what_a_notebook_needs_still_works(worker: StudentProcess) -> None:
    source = """
import json, os, random, tempfile, threading, time
import matplotlib.pyplot as plt, numpy as np, torch
from torch.utils.data import DataLoader
from tqdm.auto import tqdm
with open('notes.txt', 'w') as file: file.write('kept')
with tempfile.TemporaryFile() as file: file.write(b'x')
np.save('a.npy', np.eye(3)); torch.save({'w': torch.ones(2)}, 'w.pt')
figure, axes = plt.subplots(); axes.imshow(np.eye(3)); figure.savefig('f.png')
layer = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU())
optimizer = torch.optim.Adam(layer.parameters())
for batch in tqdm(DataLoader(torch.randn(8, 1, 8, 8), batch_size=4, shuffle=True)):
    optimizer.zero_grad(); layer(batch).sum().backward(); optimizer.step()
torch.set_num_threads(2)
dict(notes=open('notes.txt').read(), files=sorted(os.listdir()), loaded=np.load('a.npy'), cores=os.cpu_count() > 0)"""
    answer = worker.run_source(source)
    assert answer["notes"] == "kept"
    assert set(answer["files"]) >= {"a.npy", "f.png", "notes.txt", "w.pt"}
    assert answer["loaded"].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_the_lab_can_be_imported_and_the_rest_of_the_package_cannot(worker: StudentProcess) -> None:
    assert attempt(worker, "import autograder.lab") == "ok"
    for name in ("grading", "gradebook", "course", "secrets", "cli", "audit"):
        assert attempt(worker, f"import autograder.{name}") == "ModuleNotFoundError"


def test_another_sandbox_is_another_user_with_readable_folders_of_its_own(tmp_path: Path, sandbox: Sandbox) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "numbers.json").write_text(json.dumps([1, 2]))
    read = f"import json; json.load(open('{tmp_path}/numbers.json'))"
    with Sandbox.start(readable=[tmp_path]) as other, other.spawn() as there, sandbox.spawn() as here:
        assert there.run_source(read) == [1, 2]
        assert attempt(there, f"open('{tmp_path}/x', 'w')") in ("PermissionError 13", "OSError 30")
        assert attempt(here, read) in ("PermissionError 13", "FileNotFoundError 2")
        if os.geteuid() == 0:
            assert users(sandbox).isdisjoint(users(other))


def users(sandbox: Sandbox) -> set[int]:
    """As whom the processes of a sandbox run, seen from outside; without bubblewrap's own."""
    starter = sandbox._process
    assert starter is not None
    parents, found, waiting = {}, set(), [starter.pid]
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            parents[int(fields["Pid"])] = int(fields["PPid"]), int(fields["Uid"].split()[0])
    while waiting:
        parent = waiting.pop()
        children = {pid: user for pid, (above, user) in parents.items() if above == parent}
        waiting += children
        found |= set(children.values()) - {0}
    assert found
    return found


def test_an_error_of_the_attempts_themselves_would_show(worker: StudentProcess) -> None:
    """The oracle of this file: an honest line is "ok", and a student's error is not lost."""
    assert attempt(worker, "1 + 1") == "ok"
    with pytest.raises(StudentError, match="division"):
        worker.run_source("1 / 0")

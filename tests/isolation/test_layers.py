"""A missing layer stops the grader unless it is named, and the layers that remain hold."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile

import pytest
from rich.console import Console

from autograder.errors import LayerMissing
from autograder.isolation.capabilities import ALLOWED, compile_filter, layers, print_layers, probe_layers
from autograder.isolation.guest import kernel
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

_DANGEROUS = """
    socket connect bind sendto sendmsg recvmsg fork vfork clone clone3 execve execveat ptrace process_vm_readv
    process_vm_writev kill tkill tgkill pidfd_open pidfd_send_signal mount umount2 unshare setns pivot_root chroot
    bpf userfaultfd io_uring_setup keyctl memfd_create fcntl flock perf_event_open setuid setgid capset prctl ioctl
    prlimit64 symlink link mknod chmod chown shmget personality seccomp
"""
NEVER_ALLOWED = frozenset(_DANGEROUS.split())


def without_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.isolation.capabilities.bubblewrap_path", lambda: None)


def without_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.isolation.guest.kernel.abi", lambda: 0)


def without_seccomp(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bytes:
        raise OSError("libseccomp.so.2: cannot open shared object file")

    monkeypatch.setattr("autograder.isolation.capabilities.compile_filter", fail)


REMOVALS = {"bubblewrap": without_bubblewrap, "landlock": without_landlock, "seccomp": without_seccomp}


def verdict(worker: StudentProcess, source: str) -> str:
    found = worker.run_source(
        f"try:\n    {source}\n    said = 'ok'\nexcept OSError as e:\n    said = type(e).__name__\nsaid"
    )
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize("layer", REMOVALS)
def test_a_missing_layer_is_named_with_its_remedy(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    REMOVALS[layer](monkeypatch)
    with pytest.raises(LayerMissing, match=f"'{layer}'") as refusal:
        Sandbox.start()
    report = next(report for report in probe_layers() if report.name == layer)
    assert not report.available
    assert report.remedy in str(refusal.value)
    assert layer not in layers()


def test_naming_another_layer_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    without_landlock(monkeypatch)
    with pytest.raises(LayerMissing, match="landlock"):
        Sandbox.start(missing_ok=frozenset({"seccomp", "bubblewrap"}))


def test_without_bubblewrap_landlock_and_seccomp_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    without_bubblewrap(monkeypatch)
    with Sandbox.start(missing_ok=frozenset({"bubblewrap", "user"})) as sandbox, sandbox.spawn() as worker:
        assert worker.run_cell("import numpy as np, torch; open('x', 'w').write('x'); print(np.eye(2))").ok
        assert verdict(worker, "open('/etc/passwd')") == "PermissionError"
        assert verdict(worker, f"open({tempfile.gettempdir() + '/x'!r}, 'w')") == "PermissionError"
        assert verdict(worker, "open('/proc/1/environ')") == "PermissionError"
        assert verdict(worker, "import socket; socket.socket()") == "PermissionError"
        assert verdict(worker, "import os; os.fork()") == "PermissionError"
        assert verdict(worker, f"import os; os.kill({os.getpid()}, 0)") == "PermissionError"


def test_as_root_without_bubblewrap_the_user_layer_must_be_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user has this layer anyway")
    without_bubblewrap(monkeypatch)
    with pytest.raises(LayerMissing, match="'user'"):
        Sandbox.start(missing_ok=frozenset({"bubblewrap"}))


def test_without_landlock_bubblewrap_and_seccomp_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    without_landlock(monkeypatch)
    with Sandbox.start(missing_ok=frozenset({"landlock"})) as sandbox, sandbox.spawn() as worker:
        assert verdict(worker, "open('/etc/passwd')") == "FileNotFoundError"
        assert verdict(worker, "open('/x', 'w')") in ("OSError", "PermissionError")
        assert verdict(worker, "import socket; socket.socket()") == "PermissionError"
        assert verdict(worker, "import os; os.kill(os.getppid(), 9)") == "PermissionError"


def test_without_seccomp_bubblewrap_and_landlock_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    without_seccomp(monkeypatch)
    with Sandbox.start(missing_ok=frozenset({"seccomp"})) as sandbox, sandbox.spawn() as worker:
        assert verdict(worker, "open('/etc/passwd')") in ("FileNotFoundError", "PermissionError")
        assert verdict(worker, "import socket; socket.create_connection(('127.0.0.1', 22), 1)") != "ok"
        assert worker.run_source("import os; (os.getpid(), os.getppid(), os.getpgrp())") == (1, 0, 1)  # nobody else
        assert verdict(worker, "import os; os.kill(2, 0)") == "ProcessLookupError"


@pytest.mark.parametrize(
    ("version", "files", "words"), [(1, 13, 1), (2, 14, 1), (3, 15, 1), (4, 15, 2), (5, 16, 2), (6, 16, 3), (7, 16, 3)]
)
def test_each_landlock_version_is_told_all_it_knows(version: int, files: int, words: int) -> None:
    rules = kernel.rules_for(version)
    assert rules.files == (1 << files) - 1
    assert len(rules.packed()) == 8 * words


CONFINED = """
import os, sys
from autograder.isolation.guest import kernel, kernel as landlock
os.mkdir(sys.argv[2] + "/own"); open(sys.argv[2] + "/secret", "w").close()
kernel.forbid_new_privileges()
landlock.confine(int(sys.argv[1]), [sys.prefix, "/usr", "/lib"], [sys.argv[2] + "/own"])
open(sys.argv[2] + "/own/x", "w").write("x")
for path, mode in ((sys.argv[2] + "/secret", "r"), (sys.argv[2] + "/new", "w"), ("/etc/passwd", "r")):
    try:
        open(path, mode)
    except PermissionError:
        continue
    sys.exit(f"{path} could be opened")
print("confined")
"""


@pytest.mark.parametrize("version", range(1, 8))
def test_each_landlock_version_confines(version: int, tmp_path: object) -> None:
    if kernel.abi() < version:
        pytest.skip(f"this kernel knows Landlock up to version {kernel.abi()}")
    command = [sys.executable, "-c", CONFINED, str(version), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "confined\n", done.stderr


def test_the_filter_allows_none_of_the_dangerous_calls_outright() -> None:
    assert not NEVER_ALLOWED & set(ALLOWED)


def test_the_filter_is_a_whole_number_of_instructions() -> None:
    program = compile_filter()
    assert len(program) % 8 == 0
    assert 100 < len(program) // 8 < 4096


def test_the_doctor_prints_every_layer() -> None:
    console = Console(record=True, width=120, file=io.StringIO())
    status = print_layers(console)
    text = console.export_text()
    assert all(report.name in text for report in probe_layers())
    assert status == (0 if all(report.available for report in probe_layers()) else 1)


def test_the_doctor_speaks_json_and_tells_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_bubblewrap(monkeypatch)
    console = Console(record=True, width=300, file=io.StringIO())
    assert print_layers(console, as_json=True) == 1
    reports = {report["name"]: report for report in json.loads(console.export_text())}
    assert reports["bubblewrap"]["available"] is False
    assert "apt-get install bubblewrap" in reports["bubblewrap"]["remedy"]

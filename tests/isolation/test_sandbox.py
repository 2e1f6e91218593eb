"""The warm process: what it hands out, what happens when it or a worker dies, what it never shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.errors import MachineryError
from autograder.isolation.failures import StudentError
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import ROOM, Sandbox
from autograder.isolation.student_process import StudentProcess

Numbering = Callable[[StudentProcess], int]


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process ends within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


def test_each_worker_starts_with_nothing_of_the_one_before(sandbox: Sandbox) -> None:
    traces = "import os, numpy\nopen('left.txt', 'w').write('x'); numpy.left = 1; left = 1"
    for _ in range(ROOM + 1):  # every folder is used again
        with sandbox.spawn() as worker:
            assert worker.run_source("import os, numpy; (os.listdir(), hasattr(numpy, 'left'))") == ([], False)
            assert worker.names(["left"]) == {}
            assert worker.run_cell(traces).ok


def test_a_folder_is_emptied_however_deep_and_locked_it_is(sandbox: Sandbox) -> None:
    source = "import os\nfor n in range(1500):\n    os.mkdir('d'); os.chdir('d')\nos.mkdir('shut', 0)"
    for _ in range(ROOM + 1):
        with sandbox.spawn() as worker:
            assert worker.run_source("import os; os.listdir()") == []
            worker.run_source(source)


def test_there_is_room_for_a_fixed_number_of_workers(sandbox: Sandbox) -> None:
    workers = [sandbox.spawn() for _ in range(ROOM)]
    try:
        with pytest.raises(MachineryError, match="room"):
            sandbox.spawn()
    finally:
        for worker in workers:
            worker.close()
    sandbox.spawn().close()


def test_a_worker_ended_from_outside_is_the_machinerys_failure(sandbox: Sandbox, host_pid: Numbering) -> None:
    """The student cannot send signals, so a kill is never a student's doing and never a zero."""
    with sandbox.spawn() as worker:
        os.kill(host_pid(worker), signal.SIGKILL)
        with pytest.raises(MachineryError, match="from outside"):
            worker.run_source("1")
        assert worker.lost == "machinery"


def test_workers_of_a_grader_that_died_are_cleared(sandbox: Sandbox, host_pid: Numbering) -> None:
    child = os.fork()
    if child == 0:
        sandbox.spawn().run_cell("kept = 1")
        os._exit(0)  # without closing
    os.waitpid(child, 0)
    stranger = sandbox.spawn()
    pid = host_pid(stranger)
    sandbox.clear()
    assert gone(pid)
    workers = [sandbox.spawn() for _ in range(ROOM)]
    for worker in workers:
        worker.close()


def test_a_forked_grader_uses_the_sandbox_of_its_parent(sandbox: Sandbox) -> None:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with sandbox.spawn() as worker:
                status = 0 if worker.run_source("6 * 7") == 42 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    with sandbox.spawn() as worker:
        assert worker.run_source("6 * 7") == 42


def test_an_answer_to_a_grader_that_died_is_thrown_away(sandbox: Sandbox) -> None:
    child = os.fork()
    if child == 0:
        sandbox._control._line.send(b'{"id": 1, "do": "kill", "worker": 999999}')  # type: ignore[union-attr]
        os._exit(0)  # without reading the answer
    os.waitpid(child, 0)
    with sandbox.spawn() as worker:
        assert worker.run_source("1") == 1


@pytest.mark.slow
def test_when_the_warm_process_dies_nobody_gets_a_zero_and_a_restart_helps(host_pid: Numbering) -> None:
    with Sandbox.start() as sandbox:
        worker = sandbox.spawn()
        pid = host_pid(worker)
        assert sandbox.alive
        sandbox._process.kill()  # type: ignore[union-attr]
        assert gone(pid)
        with pytest.raises(MachineryError):
            worker.run_source("1")
        with pytest.raises(MachineryError, match=r"[Rr]estart"):
            sandbox.spawn()
        sandbox.restart()
        with sandbox.spawn() as again:
            assert again.run_source("6 * 7") == 42


def test_graders_that_share_a_warm_process_do_not_meet(sandbox: Sandbox, host_pid: Numbering) -> None:
    assert sandbox.shareable, "this machine gives no user namespaces to forks"
    with sandbox.join() as one, sandbox.join() as two, one.spawn() as here:
        there = two.spawn()
        pid = host_pid(there)
        here.run_cell("word = 'mine'")
        assert there.run_cell("word").error == "NameError"
        two.clear()
        assert gone(pid)
        assert here.run_source("word") == "mine"


def test_the_workers_of_a_line_end_with_it(sandbox: Sandbox, host_pid: Numbering) -> None:
    line = sandbox.join()
    pid = host_pid(line.spawn())
    line.close()
    assert gone(pid)
    assert sandbox.alive


def test_a_line_is_restarted_without_harm_to_the_others(sandbox: Sandbox, host_pid: Numbering) -> None:
    with sandbox.join() as one, sandbox.join() as two, two.spawn() as there:
        left = host_pid(one.spawn())
        one.restart()
        assert gone(left)
        with one.spawn() as again:
            assert again.run_source("6 * 7") == there.run_source("6 * 7") == 42


@pytest.mark.slow
def test_a_line_whose_warm_process_died_starts_one_of_its_own() -> None:
    with Sandbox.start() as shared, shared.join() as line:
        outer = shared._process.pid  # type: ignore[union-attr]
        inside = [int(pid) for pid in Path(f"/proc/{outer}/task/{outer}/children").read_text().split()]
        shared._process.kill()  # type: ignore[union-attr]
        shared._process.wait()  # type: ignore[union-attr]
        assert all(gone(pid) for pid in inside)  # The kernel ends them after bubblewrap, in its own time.
        with pytest.raises(MachineryError, match=r"[Rr]estart"):
            line.spawn()
        assert not line.alive
        line.restart()
        with line.spawn() as worker:
            assert worker.run_source("6 * 7") == 42


@pytest.mark.slow
def test_nothing_outlives_a_grader_that_is_killed(tmp_path: Path) -> None:
    source = """
import os, sys, time
from autograder.isolation.sandbox import Sandbox
sandbox = Sandbox.start()
worker = sandbox.spawn()
worker.run_source("import threading, time; threading.Thread(target=time.sleep, args=(99,), daemon=True).start()")
print(sandbox._process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as grader:
        assert grader.stdout is not None
        outer = int(grader.stdout.readline())
        inside = [int(pid) for pid in Path(f"/proc/{outer}/task/{outer}/children").read_text().split()]
        grader.kill()
        grader.wait()
    assert inside
    assert all(gone(pid) for pid in [outer, *inside])


@pytest.mark.parametrize("name", ["course.toml", "gradebook.db", ".course-secret", "hidden"])
def test_a_folder_that_holds_secrets_is_not_shown(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(MachineryError, match=name):
        Sandbox.start(readable=[tmp_path])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sandbox runs as another user")
def test_data_that_students_code_may_not_read_stop_the_start_and_cost_nobody_points(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "digits.csv").touch(0o600)
    with pytest.raises(MachineryError, match=rf"may not read {tmp_path}/digits\.csv.*chmod -R a\+rX {tmp_path}"):
        Sandbox.start(readable=[tmp_path])


def test_a_python_error_while_starting_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.isolation.sandbox._STARTER", "raise ImportError('no such thing')")
    with pytest.raises(MachineryError, match=r"no such thing(.|\n)*autograder doctor"):
        Sandbox.start()


def test_a_request_to_a_closed_sandbox_is_refused() -> None:
    sandbox = Sandbox([], [], frozenset())
    with pytest.raises(MachineryError):
        sandbox.spawn()


LOADED = "import sys; sorted(name for name in sys.modules if not name.startswith('autograder.isolation'))"


@pytest.mark.slow
def test_whether_the_warm_process_holds_torch_is_hidden_from_work_that_does_not_name_it(
    sandbox: Sandbox,
) -> None:
    limits = Limits(torch=False)
    with Sandbox.start(torch=False) as light, light.spawn(limits) as there, sandbox.spawn(limits) as here:
        assert there.run_source(LOADED) == here.run_source(LOADED)
        for worker in (there, here):
            with pytest.raises(StudentError, match="notebooks that name it"):
                worker.run_source("import torch.nn")
        with pytest.raises(MachineryError, match="without torch"):
            light.spawn()

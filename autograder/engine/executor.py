"""Executors of jobs: local worker processes or a cluster behind one interface, with retries on top.

The worker processes on this machine are made here, with the driver's end of their pipes; the cluster is in
:mod:`autograder.engine.api`. A pool keeps workers from one run to the next: the same ones grade several assignments, so
they are started only once.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol

import msgspec

from autograder.engine.host import PROCESSOR
from autograder.engine.worker import Bundle, Job, LoadBundle, Options, Ready, Reply, StartupFailed, decode, encode
from autograder.errors import LayerMissing, MachineryError
from autograder.gradebook.journal import GAVE_UP

__all__ = ["ATTEMPTS", "Executor", "LocalWorkers", "Pool", "RetryingExecutor", "default_workers"]

ATTEMPTS = 3
"""The number of times that a submission is tried before it is reported as not graded."""
_KILLED = f"by signal {signal.SIGKILL:d}"


class Executor(Protocol):
    """An executor that takes jobs and gives replies, in any order, exactly one for each job."""

    @property
    def slots(self) -> int:
        """The number of jobs that run at the same time."""

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job, without waiting for it."""

    def completed(self, seconds: float) -> list[Reply]:
        """Return the replies that are there, waiting up to ``seconds`` for the first.

        Raises:
            MachineryError: no job can run at all.
        """

    def close(self) -> None:
        """Stop at once, and drop unfinished jobs."""


@dataclass
class _Pending:
    job: Job
    bundle: Bundle
    attempts: int = 1
    failures: list[str] = field(default_factory=list)


class RetryingExecutor:
    """An executor that tries each job up to `ATTEMPTS` times while the machinery fails."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._pending: dict[int, _Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job."""
        self._pending[job.number] = _Pending(job, bundle)
        self._executor.submit(job, bundle)

    def completed(self, seconds: float) -> Iterator[Reply]:
        """Yield final replies, results and lasting failures, waiting up to ``seconds`` for the first."""
        for reply in self._executor.completed(seconds):
            pending = self._pending[reply.number]
            if reply.failure and pending.attempts < ATTEMPTS:
                pending.attempts += 1
                pending.failures.append(reply.failure)
                self._executor.submit(pending.job, pending.bundle)
                continue
            del self._pending[reply.number]
            yield _given_up(reply, [*pending.failures, reply.failure])


def _given_up(reply: Reply, failures: list[str]) -> Reply:
    """Return the last reply of a submission; if the kernel ended it each time, its memory is the reason.

    Trying again would end in the same way in every run, so a person has to decide.
    """
    if not all(_KILLED in failure for failure in failures):
        return reply
    why = (
        f"{GAVE_UP} the kernel ended it {len(failures)} times, most likely for want of memory. Look at the notebook "
        "and decide: give the points yourself, lower memory_mb in course.toml, or try again with --again."
    )
    return msgspec.structs.replace(reply, failure=why)


# ---- workers on this machine

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_SENT_AHEAD_BYTES = 64 * 1024
"""The largest second job that is sent to a busy worker: it fits the pipe, so neither end ever waits for the other."""
_START_ATTEMPTS = 3


def default_workers() -> int:
    """Return the number of cores that this process may use: one worker for each."""
    return max(1, len(os.sched_getaffinity(0)))


class _Host:
    """The process that workers are forked from."""

    def __init__(self, options: Options) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            command = [sys.executable, "-P", "-m", "autograder.engine.host", str(descriptor)]
            command.append(msgspec.json.encode(options).decode())
            # A session of its own: Ctrl-C at the terminal reaches the driver only, which then stops the rest.
            self._process = subprocess.Popen(
                command, pass_fds=[descriptor], env=_environment(), stdin=subprocess.DEVNULL, start_new_session=True
            )

    def fork_worker(self, processor: int) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [PROCESSOR.pack(processor)], [theirs.fileno()])
            except OSError as error:
                raise MachineryError(f"The process that forks workers died ({error}). Run it again.") from error
        return Connection(ours.detach())

    def close(self) -> None:
        self._control.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    package_parent = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": search}


class _Worker:
    """One worker process as the driver sees it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.started = False
        self.dead = False
        self.loaded: set[str] = set()
        self.jobs: deque[tuple[Job, Bundle]] = deque()

    def has_room_for(self, size: int) -> bool:
        if not self.started or self.dead:
            return False
        return not self.jobs or (len(self.jobs) == 1 and size <= _SENT_AHEAD_BYTES)

    def send(self, job: Job, bundle: Bundle, encoded: bytes) -> None:
        if bundle.digest not in self.loaded:
            self.connection.send_bytes(encode(LoadBundle(bundle.digest, bundle.encoded)))
            self.loaded.add(bundle.digest)
        self.connection.send_bytes(encoded)
        self.jobs.append((job, bundle))


class LocalWorkers:
    """An executor over worker processes on this machine.

    A worker that dies is replaced; its current job becomes a failure of the machinery, and what was sent ahead to it
    goes back into the queue.

    Args:
        workers: the number of worker processes; default one per core.
        options: their settings.
    """

    def __init__(self, workers: int | None = None, options: Options | None = None) -> None:
        self._queue: deque[tuple[Job, Bundle, bytes]] = deque()
        self._failed_starts = 0
        self._replies: list[Reply] = []
        self._host = _Host(options or Options())
        self._processors = sorted(os.sched_getaffinity(0))
        self._workers = [self._new_worker(number) for number in range(workers or default_workers())]

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def slots(self) -> int:
        """The number of jobs that run at the same time."""
        return len(self._workers)

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job, without waiting for it."""
        self._queue.append((job, bundle, encode(job)))
        self._hand_out()

    def completed(self, seconds: float) -> list[Reply]:
        """Return the replies that are there, waiting up to ``seconds`` for the first.

        Raises:
            LayerMissing: the sandbox cannot be built on this machine.
            MachineryError: workers cannot be started.
        """
        deadline = time.monotonic() + seconds
        while True:
            left = 0.0 if self._replies else max(0.0, deadline - time.monotonic())
            by_connection = {worker.connection: worker for worker in self._workers}
            for connection in wait(list(by_connection), left):
                self._read(by_connection[connection])  # type: ignore[index]
            self._hand_out()
            if self._replies or time.monotonic() >= deadline:
                replies, self._replies = self._replies, []
                return replies

    def close(self) -> None:
        """Stop at once, and drop unfinished jobs."""
        for worker in self._workers:
            worker.connection.close()
        self._workers = []
        self._host.close()

    def _hand_out(self) -> None:
        """Send jobs to idle workers first, then one job ahead to each busy one."""
        for worker in sorted(self._workers, key=lambda one: len(one.jobs)):
            if not self._queue:
                return
            job, bundle, encoded = self._queue[0]
            if worker.has_room_for(len(encoded)):
                self._queue.popleft()
                self._send(worker, job, bundle, encoded)

    def _send(self, worker: _Worker, job: Job, bundle: Bundle, encoded: bytes) -> None:
        try:
            worker.send(job, bundle, encoded)
        except OSError:  # It has just died: the next read notices that, and replaces it.
            self._queue.appendleft((job, bundle, encoded))
            worker.dead = True

    def _read(self, worker: _Worker) -> None:
        try:
            message = decode(worker.connection.recv_bytes())
        except (EOFError, OSError):
            self._replace(worker, "its worker process died", layer_missing=False)
            return
        if isinstance(message, Ready):
            worker.started, self._failed_starts = True, 0
        elif isinstance(message, Reply):
            worker.jobs.popleft()
            self._replies.append(message)
        elif isinstance(message, StartupFailed):
            self._replace(worker, message.reason, layer_missing=message.layer_missing)

    def _replace(self, worker: _Worker, reason: str, *, layer_missing: bool) -> None:
        if not worker.started:
            self._failed_starts += 1
        if layer_missing:
            raise LayerMissing(reason)
        if self._failed_starts >= _START_ATTEMPTS:
            raise MachineryError(f"Workers cannot be started: {reason}. Run: autograder doctor")
        if worker.jobs:
            job, _ = worker.jobs.popleft()
            self._replies.append(Reply(job.number, failure=reason))
        for job, bundle in reversed(worker.jobs):
            self._queue.appendleft((job, bundle, encode(job)))
        worker.connection.close()
        number = self._workers.index(worker)
        self._workers[number] = self._new_worker(number)

    def _new_worker(self, number: int) -> _Worker:
        """Make a worker on the next processor in turn; each driver begins at another one, so that two do not meet."""
        return _Worker(self._host.fork_worker(self._processors[(os.getpid() + number) % len(self._processors)]))


# ---- workers that outlive a run


class Pool:
    """An executor that is made when it is first needed, lent to one run after the other, and closed at the end.

    Args:
        make: a function that makes the executor.
    """

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make = make
        self._executor: Executor | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.close()

    def lend(self) -> Executor:
        """Return the executor, for a run that may close it without ending it. An interrupted run must be the last."""
        if self._executor is None:
            self._executor = self._make()
        return _Lent(self._executor)


class _Lent:
    """An executor that stays open."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @property
    def slots(self) -> int:
        """The number of jobs that run at the same time."""
        return self._executor.slots

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job."""
        self._executor.submit(job, bundle)

    def completed(self, seconds: float) -> list[Reply]:
        """Return the replies that are there, waiting up to ``seconds`` for the first."""
        return self._executor.completed(seconds)

    def close(self) -> None:
        """Do nothing: the pool closes the executor."""

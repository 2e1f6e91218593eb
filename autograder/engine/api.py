"""The public functions of the engine: each grades a class, or several assignments in turn, with one call.

Grading runs on this machine or on a Dask cluster, with the same function. Each Dask worker keeps worker processes of
its own, one for each of its threads, made and spoken to as on a single machine; Dask carries the same job and reply
bytes. Forking and sandboxes stay out of Dask's processes, which have threads. The gradebook is written by the driver
alone.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from autograder.authoring.adopted import lay_out_files, units_of
from autograder.course import Course
from autograder.engine.class_run import ClassRun, Confirm, MakeExecutor
from autograder.engine.discover import load_cached_assignment
from autograder.engine.executor import Executor, LocalWorkers, Pool
from autograder.engine.grading_report import ClassReport, StudentChange, difference_table
from autograder.engine.progress import Progress, progress_for
from autograder.engine.worker import Bundle, Job, Options, Reply, decode, encode, options_of
from autograder.errors import DISTRIBUTION, AutograderError, LayerMissing, MachineryError

__all__ = ["ClusterWorkers", "ask", "grade_assignments", "grade_class", "grade_job"]


def grade_class(
    course: Course,
    assignment_name: str,
    *,
    students: Sequence[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    again: bool = False,
    yes: bool = False,
    missing_ok: Sequence[str] = (),
    progress: Progress | None = None,
    confirm: Confirm | None = None,
    make_executor: MakeExecutor | None = None,
) -> ClassReport:
    """Grade the submissions to an assignment and write gradebook, graded notebooks and feedback.

    The result of a submission is looked up if it is known. The changes of a regrade are shown before they are written.

    Args:
        course: the course of the submissions.
        assignment_name: the assignment's name, such as ``01-convolution``.
        students: the students to grade; default everyone.
        workers: the number of processes on this machine; default one per core.
        scheduler: a Dask scheduler to use instead, ``tcp://HOST:PORT``.
        again: grade submissions that have a stored result, too.
        yes: write the changes of a regrade without asking.
        missing_ok: layers of the sandbox that may be missing, by name.
        progress: shows how the run goes; default a live line, or plain lines where there is no terminal.
        confirm: asks whether to write the changes of a regrade; default a question on the terminal.
        make_executor: makes the workers, instead of ``workers`` and ``scheduler``.

    Returns:
        The report; its ``exit_code`` is 0 if all is graded, 3 if something needs a look.

    Raises:
        AuthoringError: there is no such assignment.
        LayerMissing: the sandbox cannot be built on this machine.
        GradebookError: the gradebook cannot be used; results are stored, nothing is lost.
    """

    chosen = progress or progress_for(assignment_name)
    run: ClassRun = ClassRun(
        course,
        assignment_name,
        make_executor=make_executor or (lambda: _workers(course, workers, scheduler, missing_ok, run.needs_torch())),
        confirm=confirm or ((lambda *_: True) if yes else ask),
        progress=chosen,
        again=again,
        missing_ok=missing_ok,
    )
    report = run.grade(students)
    for line in [*report.lines(), *_forgeable(course, assignment_name)]:
        chosen.say(line)
    return report


def _forgeable(course: Course, name: str) -> list[str]:
    """Return a line on the checks of an adopted course that run in the student's own process, or nothing."""
    if not course.adopted:
        return []
    checks = [cell for cell in load_cached_assignment(course, name).checks if cell.level == "together"]
    points, names = sum(cell.points for cell in checks), ", ".join(cell.grade_id for cell in checks)
    return [f"{name}: {points:g} points are graded together, which can be forged: {names}."] if checks else []


def grade_assignments(
    course: Course,
    names: Sequence[str],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    missing_ok: Sequence[str] = (),
    **settings: Any,
) -> list[ClassReport]:
    """Grade several assignments, one after the other, with the same workers; stop after one that is interrupted.

    Args:
        names: the names of the assignments.
        workers, scheduler, missing_ok, settings: as for :func:`grade_class`.

    Raises:
        As :func:`grade_class` does; the grades from before the error are written.
    """
    reports: list[ClassReport] = []
    if course.adopted:
        lay_out_files(course)
    units = [each for name in names for each in units_of(course, name)]
    with Pool(partial(_workers, course, workers, scheduler, missing_ok)) as pool:
        for name in units:
            reports.append(grade_class(course, name, make_executor=pool.lend, **settings))
            if reports[-1].interrupted:
                break
    return reports


def _workers(
    course: Course, workers: int | None, scheduler: str | None, missing_ok: Sequence[str], torch: bool = True
) -> Executor:
    options = options_of(course, missing_ok, torch)
    if scheduler:
        return ClusterWorkers(scheduler, options)
    return LocalWorkers(workers, options)


def ask(assignment: str, changes: Sequence[StudentChange]) -> bool:
    """Show what a regrade changes and ask whether to write it; without a terminal to ask at, the answer is no."""
    console = Console(stderr=True)
    console.print(difference_table(changes, assignment))
    if not sys.stdin.isatty():
        return False
    return console.input(f"Write these changes for {len(changes)} students? [y/N] ").strip().lower() in ("y", "yes")


# ---- on a Dask cluster

_CONNECT_SECONDS = 30
_NO_WORKER_SECONDS = 120.0
_here = threading.local()
_bundles: dict[str, Bundle] = {}


class ClusterError(AutograderError):
    """An unusable scheduler; the message names it and what to do."""


def grade_job(encoded_job: bytes, encoded_bundle: bytes, encoded_options: bytes) -> bytes:
    """Grade one submission in a thread of a Dask worker, and return the encoded reply.

    Args:
        encoded_job: a :class:`Job`.
        encoded_bundle: the :class:`Bundle` that it is graded with.
        encoded_options: the :class:`Options` of the thread's worker process.
    """
    job = decode(encoded_job)
    if not isinstance(job, Job):
        raise TypeError(f"grade_job takes a Job, not {type(job).__name__}")
    bundle = _bundles.get(job.digest)
    if bundle is None:
        bundle = _bundles.setdefault(job.digest, msgspec.msgpack.decode(encoded_bundle, type=Bundle))
    return encode(_graded(_worker_of_this_thread(encoded_options), job, bundle))


def _worker_of_this_thread(encoded_options: bytes) -> LocalWorkers:
    """Return the thread's own worker process, kept between jobs and made anew when the options change."""
    if getattr(_here, "options", None) != encoded_options:
        previous: LocalWorkers | None = getattr(_here, "worker", None)
        if previous is not None:
            previous.close()
        options = msgspec.msgpack.decode(encoded_options, type=Options)
        _here.worker, _here.options = LocalWorkers(1, _with_own_data(options)), encoded_options
    worker: LocalWorkers = _here.worker
    return worker


def _with_own_data(options: Options) -> Options:
    """Return the options without the folders of the driver's machine that this machine lacks."""
    return msgspec.structs.replace(options, readable=tuple(each for each in options.readable if Path(each).is_dir()))


def _graded(worker: LocalWorkers, job: Job, bundle: Bundle) -> Reply:
    try:
        worker.submit(job, bundle)
        while True:
            for reply in worker.completed(1.0):
                if reply.number == job.number:
                    return reply
    except LayerMissing as error:
        return Reply(job.number, failure=str(error), layer_missing=True)
    except MachineryError as error:
        worker.close()
        _here.options = None
        return Reply(job.number, failure=str(error))


class ClusterWorkers:
    """An executor over a Dask cluster.

    A Dask worker that is lost gives its jobs back to the scheduler, which gives them to another one.

    Args:
        scheduler: the scheduler's address, ``tcp://HOST:PORT``.
        options: the settings of its worker processes.
    """

    def __init__(self, scheduler: str, options: Options) -> None:
        self._client = _connect(scheduler)
        self._scheduler = scheduler
        self._options = encode(options)
        self._bundles: dict[str, Any] = {}
        self._futures: dict[Any, int] = {}
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._without_workers_since = 0.0

    @property
    def slots(self) -> int:
        """The number of jobs that run at the same time."""
        return sum(self._client.nthreads().values())

    def submit(self, job: Job, bundle: Bundle) -> None:
        """Take a job, without waiting for it."""
        if bundle.digest not in self._bundles:
            self._bundles[bundle.digest] = self._client.scatter(bundle.encoded, broadcast=False, hash=True)
        future = self._client.submit(
            grade_job, encode(job), self._bundles[bundle.digest], self._options, pure=False, retries=2
        )
        self._futures[future] = job.number
        future.add_done_callback(self._done.put)

    def completed(self, seconds: float) -> list[Reply]:
        """Return the replies that are there, waiting up to ``seconds`` for the first.

        Raises:
            LayerMissing: the sandbox cannot be built on a worker's machine.
            MachineryError: the cluster has no workers, or is gone.
        """
        replies: list[Reply] = []
        try:
            replies.append(self._reply(self._done.get(timeout=seconds)))
            while True:
                replies.append(self._reply(self._done.get_nowait()))
        except queue.Empty:
            pass
        if not replies:
            self._check_workers()
        return replies

    def close(self) -> None:
        """Stop at once, and drop unfinished jobs."""
        if self._client.status == "running":
            self._client.cancel(list(self._futures))
        self._client.close()

    def _reply(self, future: Any) -> Reply:
        number = self._futures.pop(future)
        if future.status != "finished":
            reason = future.exception(timeout=5) if future.status == "error" else future.status
            return Reply(number, failure=f"The cluster lost it: {reason}")
        reply = decode(future.result())
        if not isinstance(reply, Reply):
            return Reply(number, failure="The cluster returned an unexpected message.")
        if reply.layer_missing:
            raise LayerMissing(f"On a worker of {self._scheduler}: {reply.failure}")
        return reply

    def _check_workers(self) -> None:
        """Give up when the cluster has had no worker for a long time."""
        if self._client.status != "running":
            raise MachineryError(f"The scheduler {self._scheduler} is gone. Start it and run the command again.")
        if self._client.nthreads():
            self._without_workers_since = 0.0
            return
        self._without_workers_since = self._without_workers_since or time.monotonic()
        if time.monotonic() - self._without_workers_since > _NO_WORKER_SECONDS:
            raise MachineryError(
                f"The scheduler {self._scheduler} has no workers. Start some: "
                f"dask worker {self._scheduler} --nthreads 1"
            )


def _connect(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(f"--scheduler needs Dask. Install it: pip install '{DISTRIBUTION}[cluster]'") from error
    try:
        return Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(f"No Dask scheduler answers at {scheduler} ({error}). Start one: dask scheduler") from error

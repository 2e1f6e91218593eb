"""A worker process: its messages, its warm sandbox, and its work on one submission at a time.

The messages between the driver and its worker processes are plain data, over a pipe or through a cluster. Both ends are
trusted; no student's code runs in either. The same bytes travel to a local worker and to a Dask worker, which is why
their results can be compared byte for byte.

All workers of a machine share one warm sandbox, where its layers keep them apart. Each submission is graded in a forked
child. The grader is not imported here: the sandbox is launched first, and warms up during that import.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.errors import LayerMissing, MachineryError
from autograder.gradebook.journal import data_digest, digest, grader_digest
from autograder.grading.child import Interrupted, run_in_child
from autograder.isolation.mounts import links_to
from autograder.isolation.sandbox import Sandbox
from autograder.secrets import Secret
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

__all__ = [
    "GRADER",
    "Bundle",
    "Job",
    "JobGrader",
    "LoadBundle",
    "Message",
    "Options",
    "Ready",
    "Reply",
    "StartupFailed",
    "connect_worker",
    "decode",
    "encode",
    "launch_sandbox",
    "options_of",
    "sandbox_settings",
    "serve",
    "wait_until_warm",
]

GRADER = "autograder.engine.grader:Grader"


# ---- what a worker is made with and told


class Bundle(msgspec.Struct, frozen=True, dict=True):
    """Everything but the submission that a result depends on.

    Attributes:
        assignment: cells, hidden tests, named answers.
        secret_key: the course secret, from which hidden inputs are seeded.
        settings: the limits on what one submission may use.
        data: a hash of the content of the files that code and hidden tests read.
    """

    assignment: Assignment
    secret_key: bytes
    settings: GradingSettings
    data: str = ""

    @classmethod
    def of(cls, course: Course, assignment: Assignment) -> Bundle:
        """Return the bundle of ``assignment`` as ``course`` is configured now."""
        data = data_digest([course.data, course.hidden_data], course.results / "data.json")
        return cls(assignment, course.secret.key, course.config.grading.limits(), data)

    @cached_property
    def grader(self) -> str:
        """A hash of the grader: its code, the versions it runs on, its limits, its data and its secret."""
        return grader_digest(self.secret_key, self.settings.limits(), self.data)

    @property
    def secret(self) -> Secret:
        """The course secret."""
        return Secret(self.secret_key)

    @cached_property
    def encoded(self) -> bytes:
        """The bundle as bytes."""
        return encode(self)

    @cached_property
    def digest(self) -> str:
        """A hash of the bundle, equal for equal content."""
        return digest(self.encoded)


class Options(msgspec.Struct, frozen=True):
    """The settings that worker processes are made with.

    Attributes:
        readable: folders that notebooks may read besides the Python installation.
        missing_ok: layers of the sandbox that may be missing, by name.
        grader: the class that grades, as ``module:name``.
        hidden_data: the folder of the challenge's hidden pictures, for the trusted side; or empty.
        notebooks: the folder of the released notebooks: relative paths lead from there, on both sides; or empty.
        torch: whether the shared sandbox can give torch to those whose work names it.
        warm: modules that the course's notebooks import, to be imported before the first fork.
    """

    readable: tuple[str, ...] = ()
    missing_ok: tuple[str, ...] = ()
    grader: str = GRADER
    hidden_data: str = ""
    notebooks: str = ""
    torch: bool = True
    warm: tuple[str, ...] = ()


def options_of(course: Course, missing_ok: Sequence[str] = (), torch: bool = True) -> Options:
    """Return the settings that worker processes are made with for ``course``."""
    readable = (str(course.data),) if course.data.is_dir() else ()
    hidden = str(course.hidden_data) if course.hidden_data.is_dir() else ""
    # Beside an adopted course's notebooks lies a copy of what they read, in each folder.
    notebooks = "" if course.adopted else str(course.release)
    warm = ("pandas",) if course.adopted and _names_pandas(course) else ()
    return Options(readable, tuple(missing_ok), hidden_data=hidden, notebooks=notebooks, torch=torch, warm=warm)


def _names_pandas(course: Course) -> bool:
    """Return whether a notebook of an adopted course names pandas, whose import takes as long as grading."""
    return any(b"pandas" in path.read_bytes() for path in course.source.glob("*/*.ipynb"))


class LoadBundle(msgspec.Struct, frozen=True, tag=True):
    """A message to a worker: keep this bundle, and know it by its digest."""

    digest: str
    bundle: bytes


class Job(msgspec.Struct, frozen=True, tag=True):
    """A message to a worker: grade this submission.

    Attributes:
        number: the driver's number of the job.
        digest: the digest of the bundle to grade with.
        submission: the student's notebook, read and aligned.
        earlier: an encoded result of the same submission, whose valid parts are reused; or empty.
    """

    number: int
    digest: str
    submission: Submission
    earlier: bytes = b""

    @classmethod
    def of(cls, number: int, bundle: Bundle, submission: Submission, earlier: bytes = b"") -> Job:
        """Return the job of a submission; its pictures stay here, where no student's code runs."""
        cells = tuple(msgspec.structs.replace(cell, attachments=()) for cell in submission.cells)
        return cls(number, bundle.digest, msgspec.structs.replace(submission, cells=cells), earlier)


class Reply(msgspec.Struct, frozen=True, tag=True):
    """A message from a worker: the outcome of a job.

    Attributes:
        number: the job's number.
        result: the encoded result; empty when the machinery failed.
        failure: the reason why the machinery failed; empty otherwise. Never the student's doing.
        seconds: wall time that the job took in its worker.
        cpu_seconds: CPU time of the trusted side.
        peak_rss_bytes: the trusted side's peak resident memory.
        layer_missing: whether it failed for a layer of the sandbox that no retry will bring.
    """

    number: int
    result: bytes = b""
    failure: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    layer_missing: bool = False


class Ready(msgspec.Struct, frozen=True, tag=True):
    """A message from a worker: its sandbox is warm."""


class StartupFailed(msgspec.Struct, frozen=True, tag=True):
    """The last message from a worker: it cannot grade at all.

    Attributes:
        reason: the cause, and what to do.
        layer_missing: whether the cause is a missing layer of the sandbox.
    """

    reason: str
    layer_missing: bool = False


Message = LoadBundle | Job | Reply | Ready | StartupFailed

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


def encode(value: msgspec.Struct) -> bytes:
    """Return ``value`` as MessagePack."""
    return _encoder.encode(value)


def decode(data: bytes) -> Message:
    """Return the message that ``data`` holds."""
    message: Message = _decoder.decode(data)
    return message


# ---- the warm sandbox

_FORKS_OF_A_WORKER = 5  # a submission's own, one for the competition, one for lent functions of each, one that ends


def sandbox_settings(options: Options) -> dict[str, Any]:
    """Return the arguments that a sandbox for workers with ``options`` is started with."""
    readable = [Path(path) for path in options.readable]
    links = links_to(readable, Path(options.notebooks)) if options.notebooks else {}
    return {
        "readable": readable,
        "missing_ok": frozenset(options.missing_ok),
        "links": links,
        "torch": options.torch,
        "warm": options.warm,
    }


def launch_sandbox(options: Options) -> Sandbox | None:
    """Begin to start a sandbox, with room for every worker that this machine has use for, and return it.

    Return None if it cannot be started: each worker then tries for itself, and reports why it cannot.
    """
    room = _FORKS_OF_A_WORKER * (len(os.sched_getaffinity(0)) + 1)
    with contextlib.suppress(MachineryError):
        return Sandbox.launch(**sandbox_settings(options), room=room)
    return None


def wait_until_warm(sandbox: Sandbox | None) -> Sandbox | None:
    """Return the launched sandbox once it is warm; None if it did not start, or cannot keep several workers apart."""
    if sandbox is None:
        return None
    with contextlib.suppress(MachineryError):
        sandbox.wait()
        if sandbox.shareable:
            return sandbox
    sandbox.close()
    return None


def connect_worker(sandbox: Sandbox | None) -> Sandbox | None:
    """Return one worker's own connection to the shared sandbox; None if there is no shared sandbox."""
    with contextlib.suppress(MachineryError):
        return sandbox.join() if sandbox is not None else None
    return None


# ---- the work


class JobGrader(Protocol):
    """The grader that a worker applies to submissions."""

    def __init__(self, options: Options, sandbox: Sandbox | None = None) -> None: ...

    @staticmethod
    def preload() -> None:
        """Import what every worker needs, once, before workers are forked."""

    def start(self) -> None:
        """Get the sandbox ready; called once in each worker."""

    def start_again(self) -> None:
        """Get a sandbox in which nothing from before is left, after a failure of the machinery."""

    def close(self) -> None:
        """End the sandbox and all that runs in it."""

    def deadline(self, bundle: Bundle) -> float:
        """Return the wall time, in seconds, after which a submission's child counts as stuck."""

    def prepare(self, bundle: Bundle, job: Job) -> None:
        """Do once what many submissions need, before each one's child is forked."""

    def grade(self, bundle: Bundle, job: Job) -> bytes:
        """Return the encoded result. Runs in the child.

        Raises:
            MachineryError: the grader failed, not the student.
        """


def serve(connection: Connection, grader: JobGrader) -> None:
    """Answer jobs until the driver goes away."""
    bundles: dict[str, Bundle] = {}
    try:
        grader.start()
        connection.send_bytes(encode(Ready()))
        while True:
            message = decode(connection.recv_bytes())
            if isinstance(message, LoadBundle):
                bundles[message.digest] = msgspec.msgpack.decode(message.bundle, type=Bundle)
            elif isinstance(message, Job):
                connection.send_bytes(encode(_work(grader, bundles[message.digest], message, connection)))
    except (EOFError, BrokenPipeError, ConnectionResetError, Interrupted):
        return
    except MachineryError as error:
        connection.send_bytes(encode(StartupFailed(str(error), isinstance(error, LayerMissing))))
    finally:
        grader.close()


def _work(grader: JobGrader, bundle: Bundle, job: Job, connection: Connection) -> Reply:
    started = time.perf_counter()
    seconds = grader.deadline(bundle)
    try:
        grader.prepare(bundle, job)
        outcome = run_in_child(lambda: grader.grade(bundle, job), seconds, stop_fd=connection.fileno())
    except Interrupted:
        raise
    except MachineryError as error:
        # Whatever state the sandbox was left in, the next submission gets a new one.
        grader.start_again()
        return Reply(job.number, failure=str(error), seconds=time.perf_counter() - started)
    return Reply(
        job.number,
        outcome.data,
        seconds=time.perf_counter() - started,
        cpu_seconds=outcome.cpu_seconds,
        peak_rss_bytes=outcome.peak_rss_bytes,
    )

"""A worker process: a line to a warm sandbox, one submission at a time, each in a forked child."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from typing import Protocol

import msgspec

from autograder.engine.messages import (
    Bundle,
    Job,
    LoadBundle,
    Options,
    Ready,
    Reply,
    StartupFailed,
    decode,
    encode,
)
from autograder.errors import LayerMissing, MachineryError
from autograder.grading.child import Interrupted, run_in_child
from autograder.isolation.sandbox import Sandbox

__all__ = ["JobGrader", "serve"]


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

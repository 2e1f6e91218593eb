"""The messages between the driver and its worker processes: plain data, over a pipe or through a cluster.

Both ends are trusted; no student's code runs in either. The same bytes travel to a local worker and to a Dask worker,
which is why their results can be compared byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.gradebook.identity import data_digest, digest, grader_digest
from autograder.secrets import Secret
from autograder.settings import GradingSettings
from autograder.submission.model import Submission

__all__ = [
    "GRADER",
    "StartupFailed",
    "Bundle",
    "Job",
    "LoadBundle",
    "Message",
    "Options",
    "Ready",
    "Reply",
    "decode",
    "encode",
    "options_of",
]

GRADER = "autograder.engine.grader:Grader"


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
    """

    readable: tuple[str, ...] = ()
    missing_ok: tuple[str, ...] = ()
    grader: str = GRADER
    hidden_data: str = ""
    notebooks: str = ""
    torch: bool = True


def options_of(course: Course, missing_ok: Sequence[str] = (), torch: bool = True) -> Options:
    """Return the settings that worker processes are made with for ``course``."""
    readable = (str(course.data),) if course.data.is_dir() else ()
    hidden = str(course.hidden_data) if course.hidden_data.is_dir() else ""
    # Beside an adopted course's notebooks lies a copy of what they read, in each folder.
    notebooks = "" if course.adopted else str(course.release)
    return Options(readable, tuple(missing_ok), hidden_data=hidden, notebooks=notebooks, torch=torch)


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

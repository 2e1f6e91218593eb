"""The files of submissions, and the results that are already known of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.engine.discover import Found
from autograder.engine.grader import StoredResult
from autograder.engine.worker import Bundle, Reply
from autograder.errors import UnreadableSubmission
from autograder.files import open_handed_in
from autograder.gradebook.journal import Journal, JournalRow, ResultStore, digest
from autograder.submission.alignment import align
from autograder.submission.matching import Catalogue
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import MAX_BYTES, load, read_submission

__all__ = ["Lookup", "keep_reply", "look_up", "parse", "read_file"]


@dataclass(frozen=True)
class Lookup:
    """A submission's file and what is known of it.

    Attributes:
        found: the place of the file.
        digest: a hash of its bytes and the grader.
        entry: the journal entry for exactly this content, or None.
        before: the journal entry of this student, whatever the bytes.
        content: the file's bytes.
        refusal: the reason why they could not be read; empty if they could.
    """

    found: Found
    digest: str
    entry: JournalRow | None
    before: JournalRow | None
    content: bytes = b""
    refusal: str = ""


def look_up(found: Found, bundle: Bundle, before: JournalRow | None) -> Lookup:
    """Read ``found`` and compare it with what the journal knows ``before``."""
    try:
        content = read_file(found.path)
    except UnreadableSubmission as error:
        return Lookup(found, "", None, before, refusal=str(error))
    assignment = bundle.assignment
    name = digest(content, assignment.key.encode(), assignment.release.encode(), bundle.grader.encode())
    same = before if before is not None and before.digest == name else None
    return Lookup(found, name, same, before, content, same.refusal if same else "")


def read_file(path: Path) -> bytes:
    """Return the bytes of a submission's file.

    Raises:
        UnreadableSubmission: it is missing, not a regular file or too large.
    """
    try:
        descriptor = open_handed_in(path)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES:
                return stream.read(status.st_size)  # A larger size would be set aside before the first byte is read.
    except OSError:
        pass
    load(path)  # Raises an error that names what is wrong with it.
    raise UnreadableSubmission(f"{path} changed while it was read. Run the command again.")


def parse(looked: Lookup, assignment: Assignment, others: Callable[[], Catalogue] = dict) -> Submission:
    """Return the submission that the file holds.

    Raises:
        UnreadableSubmission: it cannot be graded.
    """
    if looked.refusal:
        raise UnreadableSubmission(looked.refusal)
    try:
        return align(read_submission(looked.content, str(looked.found.path)), assignment, others)
    except RecursionError as error:
        raise UnreadableSubmission(
            f"{looked.found.path} is nested too deeply to be a notebook. Save it again in Jupyter and submit it again."
        ) from error


def keep_reply(store: ResultStore, journal: Journal, unit: str, key: str, reply: Reply) -> StoredResult:
    """Store the outcome of a reply under ``key``, for an assignment or one of its several notebooks, and return it.

    Whatever happens before it is written, the next run finds it.
    """
    graded = msgspec.json.decode(reply.result, type=StoredResult)
    store.put(key, graded.result)
    journal.keep(unit, graded.result.submission_key, key, reply.result)
    return graded

"""Results stored by what they depend on, so that grading again after nothing changed costs a look-up."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from autograder import __version__
from autograder.atomic_files import write_atomically
from autograder.errors import GradebookError
from autograder.grading.result import Result, decode_result, encode_result

__all__ = ["ResultStore", "result_key"]

_KEY = re.compile(r"[0-9a-f]{16,64}")


def result_key(submission_key: str, assignment_key: str, secret_key: str, version: str = __version__) -> str:
    """Return the name of a result: a hash of everything that it depends on.

    Args:
        submission_key: a hash of the student's code.
        assignment_key: a hash of the assignment, solutions and tests.
        secret_key: a value derived from the course secret and from the grading settings.
        version: the version of the grader.
    """
    parts = "\n".join((submission_key, assignment_key, secret_key, version))
    return hashlib.sha256(parts.encode()).hexdigest()[:40]


class ResultStore:
    """A folder of results, one file each, named by their key; a damaged or half-written one counts as absent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Result | None:
        """Return the result stored under ``key``, or None. A result that was not graded is never stored."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        digest, _, content = data.partition(b"\n")
        if digest != hashlib.sha256(content).hexdigest().encode():
            return None
        try:
            return decode_result(content)
        except msgspec.ValidationError:  # Written by a version with other fields.
            return None

    def put(self, key: str, result: Result) -> None:
        """Store ``result`` under ``key``.

        Raises:
            GradebookError: it was not graded, or it cannot be written.
        """
        if result.status != "graded":
            raise GradebookError("A result that was not graded is not stored: it must be tried again. Grade it again.")
        content = encode_result(result)
        write_atomically(self._path(key), hashlib.sha256(content).hexdigest().encode() + b"\n" + content)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise GradebookError(f"'{key[:80]}' is no key of a result. Use result_key().")
        return self._folder / key[:2] / f"{key}.json"

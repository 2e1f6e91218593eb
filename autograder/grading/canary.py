"""A marker among the names of every hidden test: where it appears in a result, something of them got out."""

from __future__ import annotations

from autograder.authoring.assignment import Assignment
from autograder.errors import MachineryError
from autograder.grading.result import Result
from autograder.secrets import Secret

__all__ = ["canary_of", "refuse_leak"]


def canary_of(secret: Secret, assignment: Assignment) -> str:
    """Return the marker of ``assignment``: words that nobody types, from the course secret."""
    return f"canary-{secret.derive('canary', assignment.name).hex()[:24]}"


def refuse_leak(result: Result, canary: str) -> None:
    """Look for the marker in all that a student can see of ``result``.

    Raises:
        MachineryError: it is there. The submission is not graded until a person has looked.
    """
    if canary.encode() in result.content():
        raise MachineryError(
            f"{result.assignment}: the marker of the hidden tests stands in what the student of submission "
            f"{result.submission_key[:8]} would see. Keep the file, look how it got there, and report it."
        )

"""The failures of a student's code, as exceptions in the trusted process.

A student's error arrives as a `StudentError` that also derives from the builtin of the same name, if that
is on a short list, so that ``except ValueError`` in a test works::

    StudentError
    ├── StudentValueError (also ValueError), StudentTypeError (also TypeError), ...
    └── WorkerLost    the student's process ended: timeout, protocol, killed, exited

Neither is an `AutograderError`: nothing is wrong with the grader. `OpaqueValue` is a plain TypeError of the test
that used an object of the student's process as if it were data.
"""

from __future__ import annotations

import builtins
import re
import signal
import unicodedata
from collections.abc import Sequence
from typing import Any, ClassVar

from autograder.errors import MachineryError
from autograder.isolation.limits import Limits, StudentUsage

__all__ = ["OpaqueValue", "StudentError", "WorkerLost", "last_words", "plain_text", "student_error", "why_lost"]

# No signal can come from inside, so somebody else sent these: the kernel for want of memory, or a person.
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
MAX_MESSAGE = 2000
MAX_TRACEBACK = 8000
_BUILTINS = (
    "ArithmeticError", "AssertionError", "AttributeError", "IndexError", "KeyError", "LookupError", "NameError",
    "NotImplementedError", "OverflowError", "RecursionError", "RuntimeError", "TypeError", "ValueError",
    "ZeroDivisionError",
)  # fmt: skip


class StudentError(Exception):
    """An error that a student's code raised.

    Attributes:
        type_name: the name of the class that was raised.
        message: its text; empty when the worker is quiet.
        traceback: the last frames, as text; empty when the worker is quiet.
    """

    def __init__(self, type_name: str, message: str = "", traceback: str = "") -> None:
        super().__init__(type_name, message)
        self.type_name = type_name
        self.message = message
        self.traceback = traceback

    def __str__(self) -> str:
        return self.message or self.type_name


class OpaqueValue(TypeError):
    """The use of an object of the student's process as if it were data, by a test."""


class WorkerLost(StudentError):
    """The end of the student's process before it answered: the student's doing, never the grader's.

    Attributes:
        reason: "timeout", "protocol", "killed" (a crash) or "exited".
    """

    _SAYS: ClassVar[dict[str, str]] = {
        "timeout": "your code took too long and was stopped",
        "protocol": "your code wrote to the grader's connection and was stopped",
        "killed": "your code crashed the Python process, or used more memory than there is",
        "exited": "your code ended the Python process, as exit() does",
    }

    def __init__(self, reason: str) -> None:
        super().__init__("WorkerLost", self._SAYS[reason])
        self.reason = reason


_CLASSES: dict[str, type[StudentError]] = {
    name: type(f"Student{name}", (StudentError, getattr(builtins, name)), {"__doc__": f"A student's {name}."})
    for name in _BUILTINS
}


def student_error(names: Sequence[str], message: str, traceback: str, *, quiet: bool = False) -> StudentError:
    """Return the error that the worker reported: `names` are the raised class and its bases, nearest first.

    A quiet one has no text at all that the student's code chose, not even the name of its class.
    """
    known = next((name for name in names if name in _CLASSES), None)
    raised = _CLASSES[known] if known else StudentError
    if quiet:
        return raised(known or "Exception")
    own_name = plain_text(names[0], 80) if names else "Exception"
    return raised(own_name, plain_text(message, MAX_MESSAGE), plain_text(traceback, MAX_TRACEBACK))


def plain_text(text: str, limit: int) -> str:
    """Return the text without control and direction characters, cut at `limit` characters. Keeps newlines and tabs."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    cut = _COLOUR.sub("", text[: 2 * limit])
    cut = cut if len(cut) <= limit else cut[: limit - 1] + "…"
    return "".join(c for c in cut if c in "\n\t" or unicodedata.category(c)[0] != "C")


def last_words(lost: WorkerLost) -> dict[str, Any]:
    """Return the output of a cell whose process is gone, in words for its student."""
    text = f"{lost.message[:1].upper()}{lost.message[1:]}."
    return {"output_type": "error", "ename": "Stopped", "evalue": text, "traceback": [text]}


def why_lost(
    reason: str | None, ended_by: int, overdue: bool, usage: StudentUsage | None, limits: Limits
) -> WorkerLost | MachineryError:
    """Return the error for a process that was ended for ``reason``, or else by what the fork server found."""
    if reason is not None:
        return WorkerLost(reason)
    out_of_time = overdue or (usage is not None and usage.cpu_seconds >= limits.cpu_seconds)
    if out_of_time or ended_by == signal.SIGXCPU:
        return WorkerLost("timeout")
    if ended_by in _FROM_OUTSIDE:
        return MachineryError(f"a worker was ended from outside by signal {ended_by}. Grade this submission again.")
    return WorkerLost("killed" if ended_by else "exited")

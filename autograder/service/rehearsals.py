"""Rehearsals of entries to the challenge: on this machine, under the real limits, while nobody waits for a grade."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from autograder.challenge.entries import RULES
from autograder.course import Course
from autograder.errors import MachineryError, ServiceError
from autograder.service.attempts import AttemptStore, name_of_content
from autograder.service.policy import policy_of

__all__ = ["TriedEntry", "Rehearsals"]

_IDLE_SECONDS = 0.5
_AGAIN_SECONDS = 5.0
_START_SECONDS = 180.0
_MOST_WAITING = 20
_TRIES = 2
_LINE_CHARACTERS = 1000
_COLUMNS = "number, name, student, assignment, at, file, digest, begun, outcome, said"
_FAILED = "It could not be run, through no fault of yours. Rehearse it again later, or write to the staff."

log = logging.getLogger(__name__)


class TriedEntry(NamedTuple):
    """One rehearsal.

    Attributes:
        number: its place in the order of arrival.
        name: the name for addresses.
        student, assignment: the student and the assignment.
        at: the time when it came, as an aware time in UTC.
        file: the name that the notebook had.
        digest: the name of its bytes.
        begun: how often it was begun: a run that the service's end cut short is begun again.
        outcome: empty while it waits or runs; else ``done``, or ``failed`` if the machinery did.
        said: what it gave, as lines for the student.
    """

    number: int
    name: str
    student: str
    assignment: str
    at: dt.datetime
    file: str
    digest: str
    begun: int = 0
    outcome: str = ""
    said: str = ""


class Rehearsals:
    """The rehearsals of a course, one at a time, in a process of their own.

    They count as no attempt, and say nothing of the grader's own pictures.

    Args:
        course: a function that returns the course as it is configured now.
        store: the store of attempts, in whose database they are kept.
        quiet: a function that returns whether nothing waits to be graded.
        missing_ok: layers of the sandbox that may be missing, by name.
        command: the program that runs one; gets the course's folder, the notebook's path and these layers.
    """

    def __init__(
        self,
        course: Callable[[], Course],
        store: AttemptStore,
        quiet: Callable[[], bool],
        missing_ok: Sequence[str] = (),
        command: Sequence[str] = (sys.executable, "-P", "-m", "autograder.practice.rehearsal"),
    ) -> None:
        self._course, self._store, self._quiet = course, store, quiet
        self._missing_ok, self._command = missing_ok, command
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="rehearsals", daemon=True)

    def start(self) -> None:
        """Begin, and go on until :meth:`stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End at once; what was begun is begun again after the next start."""
        self._ended.set()
        with self._lock:
            process = self._process
        if process is not None:
            _kill(process)
        self._thread.join(30)

    def take(self, student: str, assignment: str, content: bytes, file: str, now: dt.datetime) -> None:
        """Keep a notebook to be rehearsed.

        Raises:
            ServiceError: it is refused; the message is for the student.
        """
        course, digest = self._course(), name_of_content(content)
        with self._store.changing() as database:
            if why := self._refusal(course, student, assignment, now):
                raise ServiceError(why)
            self._store.keep(database, digest, content)
            database.execute(
                "INSERT INTO rehearsal (name, student, assignment, at, file, digest) VALUES (?, ?, ?, ?, ?, ?)",
                (secrets.token_urlsafe(12), student, assignment, now.isoformat(), file, digest),
            )
        self._store.touched[student] += 1

    def _refusal(self, course: Course, student: str, assignment: str, now: dt.datetime) -> str:
        policy, most = policy_of(course, assignment), course.config.serve.rehearsals_per_day
        if why := policy.closed(student, now):
            return why
        if not most:
            return "This course offers no rehearsals. Hand the entry in."
        earlier = self._found("student = ?", student)
        if any(not each.outcome for each in earlier):
            return "Your last rehearsal has not ended yet. Rehearse again when it has."
        today = now.astimezone(policy.zone).date()
        if sum(each.at.astimezone(policy.zone).date() == today for each in earlier) >= most:
            return f"That was rehearsal {most} of {most} for today. Rehearse again tomorrow."
        if len(self._found("outcome = ''")) >= _MOST_WAITING:
            return "Too many rehearsals are waiting. Try again later."
        return ""

    def of_student(self, student: str, assignment: str) -> list[TriedEntry]:
        """Return a student's rehearsals for an assignment, oldest first."""
        return self._found("student = ? AND assignment = ?", student, assignment)

    def failed(self) -> list[TriedEntry]:
        """Return those that could not be run."""
        return self._found("outcome = 'failed'")

    # The thread.

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                waiting = self._found("outcome = ''") if self._quiet() else []
                if waiting:
                    self._rehearse(waiting[0])
                pause = 0.0 if waiting else _IDLE_SECONDS
            except Exception:
                log.exception("A rehearsal")
                pause = _AGAIN_SECONDS
            self._ended.wait(pause)

    def _rehearse(self, one: TriedEntry) -> None:
        if one.begun >= _TRIES:
            self._finish(one, "failed", _FAILED)
            return
        with self._store.changing() as database:
            database.execute("UPDATE rehearsal SET begun = begun + 1 WHERE number = ?", (one.number,))
        self._store.touched[one.student] += 1
        try:
            lines = self._lines_of(one)
        except MachineryError as error:
            if not self._ended.is_set():
                log.warning("rehearsal of %s: %s", one.student, error)
                self._finish(one, "failed", _FAILED)
            return
        self._finish(one, "done", "\n".join(lines))

    def _lines_of(self, one: TriedEntry) -> list[str]:
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            path = Path(folder, one.assignment, "entry.ipynb")
            path.parent.mkdir()
            path.write_bytes(self._store.bytes_of(one.digest))
            root = self._course().root
            code, out = self._wait_for([*self._command, str(root), str(path), *self._missing_ok], root)
        try:
            return [str(line).replace(str(path), one.file)[:_LINE_CHARACTERS] for line in json.loads(out)]
        except ValueError as error:
            raise MachineryError(f"its process ended with {code} and said nothing") from error

    def _wait_for(self, command: Sequence[str], root: Path) -> tuple[int, bytes]:
        with self._lock:
            if self._ended.is_set():
                raise MachineryError("the service ends")
            # What it says of itself goes to the service's log; its input ends with the service, and it with that.
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, start_new_session=True)
            self._process = process
        timer = threading.Timer(RULES.wall_seconds + _START_SECONDS, _kill, [process])
        timer.start()
        with process:
            try:
                out = process.stdout.read() if process.stdout else b""
                return process.wait(), out
            finally:
                timer.cancel()
                _kill(process)

    def _finish(self, one: TriedEntry, outcome: str, said: str) -> None:
        with self._store.changing() as database:
            database.execute("UPDATE rehearsal SET outcome = ?, said = ? WHERE number = ?", (outcome, said, one.number))
        self._store.touched[one.student] += 1

    def _found(self, condition: str, *values: Any) -> list[TriedEntry]:
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM rehearsal WHERE {condition} ORDER BY number", *values)
        return [TriedEntry(*row)._replace(at=dt.datetime.fromisoformat(row[4])) for row in rows]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

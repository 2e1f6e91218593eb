"""Grade a class: find, look up, map over workers, store, write, report."""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.engine.assignment_cache import load_cached_assignment
from autograder.engine.difference import StudentChange, regrade_difference
from autograder.engine.discover import discover
from autograder.engine.executor import Executor, RetryingExecutor
from autograder.engine.grading_report import ClassReport, SubmissionReport
from autograder.engine.incremental import StoredResult
from autograder.engine.journal import Journal, JournalRow
from autograder.engine.known_results import Lookup, look_up, parse
from autograder.engine.messages import Bundle, Job, Options, Reply
from autograder.engine.progress import Progress
from autograder.engine.writer import ToWrite, Writer
from autograder.errors import UnreadableSubmission
from autograder.gradebook.result_store import ResultStore, result_key
from autograder.grading.result import Result
from autograder.submission.model import Submission

__all__ = ["ClassRun", "Confirm", "MakeExecutor", "options_of"]

MakeExecutor = Callable[[], Executor]
Confirm = Callable[[str, Sequence[StudentChange]], bool]

_BATCH, _BATCH_SECONDS = 16, 1.0
_TICK_SECONDS = 0.1


class ClassRun:
    """One run over the submissions to one assignment.

    Args:
        course: whose submissions.
        assignment: its name.
        make_executor: makes the workers; called only if something has to be graded.
        confirm: is shown what a regrade changes and says whether to write it.
        progress: is told how the run goes.
        again: grade also what has a stored result.
    """

    def __init__(
        self,
        course: Course,
        assignment: str,
        *,
        make_executor: MakeExecutor,
        confirm: Confirm,
        progress: Progress,
        again: bool,
    ) -> None:
        self._started = time.perf_counter()
        self._course = course
        self._assignment: Assignment = load_cached_assignment(course, assignment)
        self._bundle = Bundle.of(course, self._assignment)
        self._make_executor = make_executor
        self._confirm = confirm
        self._progress = progress
        self._again = again
        self._store = ResultStore(course.results / "results")
        self._reports: dict[str, list[SubmissionReport]] = defaultdict(list)
        self._waiting: dict[str, list[tuple[Lookup, Submission]]] = {}
        self._jobs: dict[int, str] = {}
        self._batch: list[ToWrite] = []
        self._batch_since = 0.0
        self._held: list[tuple[ToWrite, StudentChange]] = []
        self._stopped = False
        self._first_result = 0.0
        self._phases: dict[str, float] = defaultdict(float)
        self._checks: dict[str, float] = defaultdict(float)

    def grade(self, students: Sequence[str] | None = None) -> ClassReport:
        """Grade ``students`` (default: everyone who handed something in)."""
        with ExitStack() as stack:
            self._journal = stack.enter_context(Journal(self._course.results / "journal.db"))
            self._writer = Writer(self._course, self._assignment, self._journal)
            stack.callback(self._writer.close)
            stack.enter_context(_stopping(self._stop))
            with self._progress:
                self._look_everything_up(students)
                if self._waiting and not self._stopped:
                    self._map(stack)
                self._flush()
            written = self._write_changes()
        return self._report(written)

    def _stop(self) -> None:
        self._stopped = True

    # What is known already.

    def _look_everything_up(self, students: Sequence[str] | None) -> None:
        name, notebook = self._assignment.name, self._assignment.notebook
        discovery = discover(self._course, name, notebook, students)
        for stray in discovery.misplaced:
            self._reports[stray.student].append(SubmissionReport(stray.student, "misplaced", reason=stray.reason))
        entries = self._journal.entries(name)
        looked = [look_up(found, self._bundle, entries.get(found.student)) for found in discovery.found]
        known = [one.entry for one in looked if one.entry is not None and one.entry.written]
        disputed = self._writer.disputed(known) if known else set()
        self._progress.start(len(looked), 0)
        for one in looked:
            self._look_up(one, one.found.student in disputed)

    def _look_up(self, looked: Lookup, disputed: bool) -> None:
        entry = looked.entry
        known = entry is not None and not self._again and entry.result_key == self._key(entry.submission_key)
        if entry is not None and known and not disputed and self._writer.is_written(entry):
            self._done(entry.student, "stored", entry.points)
            return
        try:
            submission = parse(looked, self._assignment)
        except UnreadableSubmission as error:
            self._refuse(looked, str(error))
            return
        key = self._key(submission.key)
        result = None if self._again else self._store.get(key)
        if result is not None:
            self._take(looked, submission, result, "stored", 0.0, 0)
        else:
            self._waiting.setdefault(key, []).append((looked, submission))

    def _key(self, submission_key: str) -> str:
        if not submission_key:
            return ""
        return result_key(submission_key, self._assignment.key, self._bundle.grader)

    def _refuse(self, looked: Lookup, reason: str) -> None:
        student = looked.found.student
        before = looked.before
        if looked.digest and (before is None or before.digest != looked.digest):
            kept = before or JournalRow(student, "")
            self._journal.enter(
                self._assignment.name,
                [kept._replace(digest=looked.digest, submission_key="", result_key="", points=0.0, refusal=reason)],
            )
        self._done(student, "unreadable", None, reason)

    # Grading what is not.

    def _map(self, stack: ExitStack) -> None:
        executor = self._make_executor()
        stack.callback(executor.close)
        retrying = RetryingExecutor(executor)
        for number, (key, group) in enumerate(self._waiting.items()):
            submission = group[0][1]
            earlier = b"" if self._again else self._journal.earlier(self._assignment.name, submission.key)
            self._jobs[number] = key
            retrying.submit(Job(number, self._bundle.digest, submission, earlier), self._bundle)
        self._writer.get_ready()
        while len(retrying) and not self._stopped:
            for reply in retrying.completed(_TICK_SECONDS):
                self._receive(reply)
            self._flush(only_if_due=True)
            self._progress.tick()
        executor.close()

    def _receive(self, reply: Reply) -> None:
        self._first_result = self._first_result or time.perf_counter()
        key = self._jobs.pop(reply.number)
        group = self._waiting.pop(key)
        if reply.failure:
            for looked, _ in group:
                self._done(looked.found.student, "not graded", None, reply.failure.strip(), reply.seconds)
            return
        graded = msgspec.json.decode(reply.result, type=StoredResult)
        # First the store, then the gradebook: whatever happens in between, the next run finds the result.
        self._store.put(key, graded.result)
        self._journal.keep(self._assignment.name, graded.result.submission_key, key, reply.result)
        self._count_seconds(graded.result.usage.phases, reply.seconds)
        for check, seconds in graded.result.usage.checks.items():
            self._checks[check] += seconds
        for looked, submission in group:
            self._take(looked, submission, graded.result, "graded", reply.seconds, graded.repeated)

    def _count_seconds(self, phases: Mapping[str, float], seconds: float) -> None:
        for phase, spent in phases.items():
            self._phases[phase] += spent
        self._phases["process"] += seconds - sum(phases.values())

    # Writing.

    def _take(
        self, looked: Lookup, submission: Submission, result: Result, kind: str, seconds: float, checks_run: int
    ) -> None:
        """Write a result now, or hold it back if it changes what was written for the same code."""
        student, before = looked.found.student, looked.before
        entry = (before or JournalRow(student, ""))._replace(
            digest=looked.digest,
            submission_key=submission.key,
            result_key=self._key(submission.key),
            points=result.points,
            refusal="",
        )
        # Repairs belong to the file, not to the code: two students with equal code may have had different ones.
        result = msgspec.structs.replace(result, repairs=submission.repairs)
        item = ToWrite(entry, submission, result)
        self._done(student, kind, result.points, "", seconds, checks_run)
        change = self._change(before, entry, result)
        if change is not None:
            self._held.append((item, change))
            return
        self._batch_since = self._batch_since or time.monotonic()
        self._batch.append(item)

    def _change(self, before: JournalRow | None, now: JournalRow, result: Result) -> StudentChange | None:
        """What a regrade changes; None for a first grading, a new submission, or the same points."""
        if before is None or not before.written_key or before.submission_key != now.submission_key:
            return None
        if before.written_key == now.result_key:
            return None
        old = self._store.get(before.written_key)
        if old is None:
            return None
        checks = regrade_difference(old, result)
        return StudentChange(now.student, old.points, result.points, checks) if checks else None

    def _flush(self, only_if_due: bool = False) -> None:
        due = len(self._batch) >= _BATCH or time.monotonic() - self._batch_since >= _BATCH_SECONDS
        if self._batch and (due or not only_if_due):
            batch, self._batch, self._batch_since = self._batch, [], 0.0
            self._writer.write(batch)

    def _write_changes(self) -> bool:
        if not self._held or self._stopped:
            return not self._held
        changes = [change for _, change in self._held]
        if not self._confirm(self._assignment.name, changes):
            return False
        self._writer.write([item for item, _ in self._held])
        return True

    # Reporting.

    def _done(
        self, student: str, kind: Any, points: float | None, reason: str = "", seconds: float = 0.0, checks_run: int = 0
    ) -> None:
        self._reports[student].append(SubmissionReport(student, kind, points, reason, seconds, checks_run))
        self._progress.advance(kind)

    def _report(self, changes_written: bool) -> ClassReport:
        ended = time.perf_counter()
        return ClassReport(
            self._assignment.name,
            tuple(report for student in sorted(self._reports) for report in self._reports[student]),
            tuple(change for _, change in self._held),
            changes_written,
            self._stopped,
            sum(len(group) for group in self._waiting.values()),
            ended - self._started,
            (self._first_result or ended) - self._started,
            self._writer.written,
            {**self._phases, **self._writer.seconds},
            dict(self._checks),
        )


@contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on the first SIGINT or SIGTERM; a second one acts as usual. Only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def once(number: int, frame: object) -> None:
        stop()
        for each, handler in usual.items():
            signal.signal(each, handler)

    for number in usual:
        signal.signal(number, once)
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def options_of(course: Course, missing_ok: Sequence[str] = ()) -> Options:
    """How worker processes are made for ``course``."""
    readable = (str(course.data),) if course.data.is_dir() else ()
    hidden = str(course.hidden_data) if course.hidden_data.is_dir() else ""
    return Options(readable, tuple(missing_ok), hidden_data=hidden)

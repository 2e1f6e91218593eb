"""The steps of grading a class: find, look up, map over workers, store, write, report."""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.engine.discover import Misplaced, discover, load_cached_assignment, settle
from autograder.engine.executor import Executor, RetryingExecutor
from autograder.engine.grader import StoredResult
from autograder.engine.grading_report import ClassReport, StudentChange, SubmissionReport, regrade_difference
from autograder.engine.known_results import Lookup, keep_reply, look_up, parse
from autograder.engine.progress import Progress, stopping
from autograder.engine.worker import Bundle, Job, Reply
from autograder.engine.writer import ToWrite, Writer, reason_of
from autograder.errors import GradebookUnusable, LayerMissing, UnreadableSubmission
from autograder.gradebook.journal import GAVE_UP, Journal, JournalRow, ResultStore, result_key
from autograder.gradebook.notice import Notice
from autograder.grading.result import Result
from autograder.grading.student_session import names_torch
from autograder.submission.matching import Catalogue, catalogue_of
from autograder.submission.model import Submission

__all__ = ["ClassRun", "Confirm", "MakeExecutor"]

MakeExecutor = Callable[[], Executor]
Confirm = Callable[[str, Sequence[StudentChange]], bool]

_BATCH, _BATCH_SECONDS = 16, 1.0
_TICK_SECONDS = 0.1


class ClassRun:
    """One run over the submissions to one assignment.

    Args:
        course: the course of the submissions.
        assignment: its name.
        make_executor: makes the workers; called only if something has to be graded.
        confirm: is shown the changes of a regrade and returns whether to write them.
        progress: is told how the run goes.
        again: grade submissions that have a stored result, too.
        missing_ok: layers of the sandbox that may be missing, by name.

    A failure with one submission is reported for it and ends it alone; the next run tries it again.
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
        missing_ok: Sequence[str] = (),
    ) -> None:
        self._started = time.perf_counter()
        self._course = course
        self._assignment: Assignment = load_cached_assignment(course, assignment)
        self._bundle = Bundle.of(course, self._assignment)
        self._make_executor = make_executor
        self._confirm = confirm
        self._progress = progress
        self._again = again
        self._missing_ok = missing_ok
        self._store = ResultStore(course.results / "results")
        self._reports: dict[str, list[SubmissionReport]] = defaultdict(list)
        self._waiting: dict[str, list[tuple[Lookup, Submission]]] = {}
        self._jobs: dict[int, str] = {}
        self._batch: list[ToWrite] = []
        self._batch_since = 0.0
        self._unchanged: set[str] = set()  # Students whose page still shows what was graded, whatever fails now.
        self._held: list[tuple[ToWrite, StudentChange]] = []
        self._changes: list[StudentChange] = []
        self._questions: dict[str, str] = {}
        self._stopped = False
        self._first_result = 0.0
        self._catalogue: Catalogue | None = None
        self._phases: dict[str, float] = defaultdict(float)
        self._checks: dict[str, float] = defaultdict(float)

    def grade(self, students: Sequence[str] | None = None) -> ClassReport:
        """Grade ``students`` (default: everyone who handed something in)."""
        with ExitStack() as stack:
            self._journal = stack.enter_context(Journal(self._course.results / "journal.db"))
            self._writer = Writer(self._course, self._assignment, self._journal, self._missing_ok)
            stack.callback(self._writer.close)
            stack.enter_context(stopping(self._stop))
            with self._progress:
                self._look_everything_up(students)
                if self._waiting and not self._stopped:
                    self._map(stack)
                self._flush()
            written = self._write_changes()
        return self._report(written)

    def _others(self) -> Catalogue:
        """Return the catalogue of the course's assignments; read when a notebook does not look like this one's."""
        if self._catalogue is None:
            self._catalogue = catalogue_of(self._course)
        return self._catalogue

    def _stop(self) -> None:
        self._stopped = True

    # What is known already.

    def _look_everything_up(self, students: Sequence[str] | None) -> None:
        name, notebook = self._assignment.name, self._assignment.notebook
        discovery = settle(discover(self._course, name, notebook, students), self._assignment, self._others)
        entries = self._journal.entries(self._assignment.unit)
        placed = {found.student for found in discovery.found}
        for stray in discovery.misplaced:
            self._misplaced(stray, entries.get(stray.student), stray.student in placed)
        looked = []
        for found in discovery.found:
            with self._alone(found.student, "reading the file"):
                looked.append(look_up(found, self._bundle, entries.get(found.student)))
        known = [one.entry for one in looked if one.entry is not None and one.entry.written]
        self._unchanged = {entry.student for entry in known if not entry.refusal}
        unsettled = self._writer.unsettled(known, students is None)
        self._questions = self._writer.questions([one.found.student for one in looked])
        self._progress.start(len(looked), 0)
        for one in looked:
            student = one.found.student
            with self._alone(student, "aligning it with the assignment"):
                self._look_up(one, student in unsettled)

    @contextmanager
    def _alone(self, student: str, step: str) -> Iterator[None]:
        """Report a failure inside the block for this submission, and let the others go on."""
        try:
            yield
        except (GradebookUnusable, LayerMissing):
            raise
        except Exception as error:
            self._fail(student, "not graded", reason_of(step, error))

    def _fail(self, student: str, kind: Any, reason: str) -> None:
        """Report a submission without a result, and replace any earlier page by one that shows this."""
        self._reports[student] = [each for each in self._reports[student] if each.kind == "misplaced"]
        self._done(student, kind, None, reason)
        if student not in self._unchanged:
            self._notice(student, Notice("waiting"))

    def _notice(self, student: str, notice: Notice) -> None:
        """Write a page without a grade; report a failure to do so with the rest."""
        try:
            if failure := self._writer.write_notice(student, notice):
                self._reports[student].append(SubmissionReport(student, "unwritten", None, failure))
        except GradebookUnusable:
            pass  # Reported for everybody when the first grade is written.

    def _misplaced(self, stray: Misplaced, before: JournalRow | None, has_another: bool) -> None:
        told = self._told(stray.student, stray.reason)
        report = SubmissionReport(stray.student, "misplaced", reason=stray.reason, told=told)
        self._reports[stray.student].append(report)
        if not stray.handed_in or has_another:
            return
        self._remember_refusal(stray.student, before, "", Notice("misplaced", told))

    def _look_up(self, looked: Lookup, unsettled: bool) -> None:
        entry = looked.entry
        if looked.refusal.startswith(GAVE_UP):
            if not self._again:
                self._done(looked.found.student, "not graded", None, looked.refusal)
                return
            looked = dataclasses.replace(looked, refusal="")
        known = entry is not None and not self._again and entry.result_key == self._key(entry.submission_key)
        if entry is not None and known and not unsettled and self._writer.is_written(entry):
            self._done(entry.student, "stored", entry.points, looked.found.remark)
            return
        try:
            submission = parse(looked, self._assignment, self._others)
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
        self._done(student, "unreadable", None, reason)
        self._remember_refusal(
            student, looked.before, looked.digest, Notice("unreadable", self._told(student, reason)), reason
        )

    def _remember_refusal(
        self, student: str, before: JournalRow | None, digest: str, notice: Notice, reason: str = ""
    ) -> None:
        """Note in the journal and on the student's page why there is no grade, unless both show it already."""
        reason = reason or notice.reason
        noted = before is not None and before.digest == digest and before.refusal == reason
        if noted and self._writer.has_page(student):
            return
        try:
            self._note_refusal(student, before, digest, reason)
        except Exception as error:
            failure = reason_of("noting it in the journal", error)
            self._reports[student].append(SubmissionReport(student, "unwritten", None, failure))
        self._notice(student, notice)

    def _note_refusal(self, student: str, before: JournalRow | None, digest: str, reason: str) -> None:
        kept = before or JournalRow(student, "")
        refused = kept._replace(digest=digest, submission_key="", result_key="", points=0.0, refusal=reason)
        self._journal.enter(self._assignment.unit, [refused])

    # Grading what is not.

    def needs_torch(self) -> bool:
        """Return whether any submission that has to be graded names torch."""
        return any(names_torch(group[0][1], self._assignment) for group in self._waiting.values())

    def _map(self, stack: ExitStack) -> None:
        executor = self._make_executor()
        stack.callback(executor.close)
        retrying = RetryingExecutor(executor)
        unsent: list[str] = []
        for number, (key, group) in enumerate(self._waiting.items()):
            try:
                retrying.submit(self._job(number, group[0][1]), self._bundle)
                self._jobs[number] = key
            except LayerMissing:
                raise
            except Exception as error:
                self._fail_all(group, reason_of("sending it to a worker", error))
                unsent.append(key)
        for key in unsent:
            del self._waiting[key]
        self._writer.get_ready()
        while len(retrying) and not self._stopped:
            for reply in retrying.completed(_TICK_SECONDS):
                self._receive(reply)
            self._flush(only_if_due=True)
            self._progress.tick()
        executor.close()

    def _job(self, number: int, submission: Submission) -> Job:
        earlier = b"" if self._again else self._journal.earlier(self._assignment.unit, submission.key)
        return Job.of(number, self._bundle, submission, earlier)

    def _fail_all(self, group: Sequence[tuple[Lookup, Submission]], reason: str) -> None:
        for looked, _ in group:
            self._fail(looked.found.student, "not graded", reason)

    def _receive(self, reply: Reply) -> None:
        self._first_result = self._first_result or time.perf_counter()
        key = self._jobs.pop(reply.number)
        group = self._waiting.pop(key)
        if reply.failure:
            self._fail_all(group, reply.failure.strip())
            if reply.failure.startswith(GAVE_UP):
                for looked, _ in group:
                    with self._alone(looked.found.student, "noting it in the journal"):
                        self._note_refusal(looked.found.student, looked.before, looked.digest, reply.failure)
            return
        try:
            graded = self._kept(key, reply)
        except GradebookUnusable:
            raise
        except Exception as error:
            self._fail_all(group, reason_of("keeping the result", error))
            return
        for looked, submission in group:
            with self._alone(looked.found.student, "preparing to write"):
                self._take(looked, submission, graded.result, "graded", reply.seconds, graded.repeated)

    def _kept(self, key: str, reply: Reply) -> StoredResult:
        """Store the outcome of a reply, and return it."""
        graded = keep_reply(self._store, self._journal, self._assignment.unit, key, reply)
        self._count_seconds(graded.result.usage.phases, reply.seconds)
        for check, seconds in graded.result.usage.checks.items():
            self._checks[check] += seconds
        return graded

    def _count_seconds(self, phases: Mapping[str, float], seconds: float) -> None:
        for phase, spent in phases.items():
            self._phases[phase] += spent
        self._phases["process"] += seconds - sum(phases.values())

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
        reason = " ".join(filter(None, (looked.found.remark, submission.reason_to_look)))
        self._done(student, kind, result.points, reason, seconds, checks_run)
        if before is not None and before.written_key and before.submission_key == entry.submission_key:
            self._held.append((item, self._change(before, entry, result)))
            return
        self._batch_since = self._batch_since or time.monotonic()
        self._batch.append(item)

    def _change(self, before: JournalRow, now: JournalRow, result: Result) -> StudentChange:
        """Return the changes to its checks that grading the same code again makes."""
        old = self._store.get(before.written_key) if before.written_key != now.result_key else None
        checks = regrade_difference(old, result) if old is not None else ()
        return StudentChange(now.student, old.points if old else result.points, result.points, checks)

    def _flush(self, only_if_due: bool = False) -> None:
        due = len(self._batch) >= _BATCH or time.monotonic() - self._batch_since >= _BATCH_SECONDS
        if self._batch and (due or not only_if_due):
            batch, self._batch, self._batch_since = self._batch, [], 0.0
            self._write(batch)

    def _write(self, batch: Sequence[ToWrite]) -> None:
        for student, reason in self._writer.write(batch).items():
            found = self._reports[student]
            points = found[-1].points if found else None
            self._reports[student] = [each for each in found if each.kind == "misplaced"]
            self._reports[student].append(SubmissionReport(student, "unwritten", points, reason))

    def _write_changes(self) -> bool:
        """Show the changes of a regrade, write them if they are confirmed, and return whether they were written."""
        if self._stopped:
            return not self._held
        changes = self._writer.changes(self._held)
        silent = [item for (item, _), change in zip(self._held, changes, strict=True) if change is None]
        self._writer.write(silent)
        self._changes = [change for change in changes if change is not None]
        if not self._changes:
            return True
        if not self._confirm(self._assignment.unit, self._changes):
            self._writer.leave()
            return False
        self._writer.write([item for (item, _), change in zip(self._held, changes, strict=True) if change is not None])
        return True

    # Reporting.

    def _done(
        self, student: str, kind: Any, points: float | None, reason: str = "", seconds: float = 0.0, checks_run: int = 0
    ) -> None:
        reason = reason or self._questions.get(student, "")
        told = self._told(student, reason)
        self._reports[student].append(SubmissionReport(student, kind, points, reason, seconds, checks_run, told))
        self._progress.advance(kind)

    def _told(self, student: str, reason: str) -> str:
        """Return the reason without the folders of the grader's machine."""
        own = self._course.submitted / student
        for folder in (own / self._assignment.name, own, self._course.submitted):
            reason = reason.replace(f"{folder}/", "")
        return reason.replace(str(own / self._assignment.name), "Your folder").replace(str(own), "Your folder")

    def _report(self, changes_written: bool) -> ClassReport:
        ended = time.perf_counter()
        return ClassReport(
            self._assignment.unit,
            tuple(report for student in sorted(self._reports) for report in self._reports[student]),
            tuple(self._changes),
            changes_written,
            self._stopped,
            sum(len(group) for group in self._waiting.values()),
            ended - self._started,
            (self._first_result or ended) - self._started,
            self._writer.written,
            {**self._phases, **self._writer.seconds},
            dict(self._checks),
            tuple(self._writer.followed),
        )

"""The loop that grades what is handed in: one thread for as long as the service runs.

Results go into the engine's store first; then the counting attempt is put under ``submitted/`` and written into the
gradebook by the same run as ``autograder grade``. Each step can be repeated, so the loop may end at any of them.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from autograder.authoring.assignment import Assignment
from autograder.challenge.competition_results import FILE_NAME, record_results, result_of
from autograder.course import Course
from autograder.engine.api import grade_class
from autograder.engine.class_run import MakeExecutor
from autograder.engine.discover import load_cached_assignment
from autograder.engine.executor import Pool, RetryingExecutor
from autograder.engine.known_results import keep_reply
from autograder.engine.progress import Silent
from autograder.engine.worker import Bundle, Job, Reply
from autograder.engine.writer import reason_of
from autograder.errors import AutograderError, GradebookError, LayerMissing, MachineryError, UnreadableSubmission
from autograder.gradebook.journal import Journal, ResultStore, result_key
from autograder.grading.result import Result
from autograder.roster import FILE_NAME as ROSTER
from autograder.service.attempts import AttemptStore, Duty, HandIn
from autograder.service.boards_due import BoardsDue
from autograder.service.exchange import Exchange, SubmittedFolder, note_group, owe_overtaken
from autograder.service.policy import Granted, granted_in, in_fair_order, policy_of, served
from autograder.submission.alignment import align
from autograder.submission.matching import catalogue_of
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

__all__ = ["GradingLoop"]

_TICK_SECONDS = 0.05
_IDLE_SECONDS = 0.5
_LONG_SECONDS = 5.0
"""The time after which an attempt that still runs does not keep others from being begun."""
_AGAIN_SECONDS = 20.0
_RECENT, _ENOUGH = 50, 5

log = logging.getLogger(__name__)


class GradingLoop:
    """A loop that grades what waits in a store.

    Args:
        course: the course.
        store: the store of its attempts.
        make_executor: a function that makes the workers.
        active: the number of attempts begun at once; those that have run long do not count. More on a larger cluster.
        spare: the number of workers beyond these, which attempts that run long leave to others.
        missing_ok: layers of the sandbox that may be missing, by name.
    """

    def __init__(
        self,
        course: Course,
        store: AttemptStore,
        make_executor: MakeExecutor,
        *,
        active: int,
        spare: int = 2,
        missing_ok: Sequence[str] = (),
    ) -> None:
        self._course, self._store, self.missing_ok = course, store, missing_ok
        self._make_executor, self._active, self._spare = make_executor, active, spare
        self._slots = active + spare
        self._numbers = count()
        self._running: dict[int, tuple[HandIn, str, float]] = {}
        self._bundles: dict[str, tuple[tuple[int, ...], Bundle]] = {}
        self._results = ResultStore(course.results / "results")
        self._journal: Journal
        self._executor: RetryingExecutor
        self._pool: Pool
        self._boards = BoardsDue(course, store)
        self._folder = SubmittedFolder(course, store)
        self._ended, self._news = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="grading", daemon=True)
        self._troubles: dict[tuple[str, str], tuple[str, float]] = {}
        self._seconds: deque[float] = deque([0.5], _RECENT)
        self._gaps: deque[float] = deque(maxlen=_RECENT)
        self._last_done: float | None = None
        self._order: tuple[tuple[int, ...], list[HandIn]] = ((), [])
        self._configured: list[int] = []
        self._granted: Mapping[str, Granted] = {}
        self.exchange: Exchange | None = None
        """The exchange of nbgrader, to be looked at as well."""
        self.failure = ""
        """The reason why nothing is graded at the moment; empty if all is well."""

    # From outside: any thread.

    def start(self) -> None:
        """Begin, and go on until :meth:`stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; what was begun is graded after the next start."""
        self._ended.set()
        self._news.set()
        self._thread.join(30)

    def wake(self) -> None:
        """Tell the loop that something was handed in."""
        self._news.set()

    @property
    def course(self) -> Course:
        """The course as course.toml has it now."""
        return self._course

    def is_grading(self, attempt: HandIn) -> bool:
        """Return whether an attempt is being graded just now."""
        return any(attempt.number == each.number for each, _, _ in list(self._running.values()))

    @property
    def rate(self) -> float:
        """The mean seconds that grading an attempt took lately."""
        return sum(self._seconds) / len(self._seconds)

    def queue(self) -> list[HandIn]:
        """Return what waits, in the order in which it will be graded; what is being graded comes first."""
        running = [attempt for attempt, _, _ in list(self._running.values())]
        begun = [attempt.number for attempt in running]
        state = (*self._store.state, *begun)
        if self._order[0] != state:
            rest = [each for each in self._store.waiting() if each.number not in begun]
            self._order = state, [*running, *in_fair_order(rest, (each.student for each in running))]
        return self._order[1]

    @property
    def is_quiet(self) -> bool:
        """True if nobody waits for a grade, but perhaps for an assignment that cannot be read now."""
        return all(("", each.assignment) in self._troubles and not self.is_grading(each) for each in self.queue())

    def estimate(self, place: int) -> float:
        """Return the seconds until the attempt at ``place`` in the queue, 1 being the next, has its result.

        While attempts wait they are finished at a pace that is known, with all that is written in between; before it
        is, by what grading one takes.
        """
        gaps = list(self._gaps)
        pace = sum(gaps) / len(gaps) if len(gaps) >= _ENOUGH else self.rate / max(1, self._active)
        return max(1.0, place * pace)

    @property
    def published(self) -> int:
        """Grows whenever a board is published."""
        return self._boards.published

    def troubles(self) -> dict[tuple[str, str], str]:
        """Return, for a student and an assignment, or a board alone, why it is not written yet."""
        own = {key: reason for key, (reason, _) in list(self._troubles.items())}
        exchange = self.exchange.troubles if self.exchange is not None else {}
        return {**own, **self._boards.troubles, **self._folder.troubles, **exchange}

    # The thread.

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with ExitStack() as stack:
                    self._open(stack)
                    while not self._ended.is_set():
                        self._turn()
                        self.failure = ""
            except Exception as error:
                log.exception("The grading loop begins again")
                self.failure = str(error) if isinstance(error, AutograderError) else reason_of("grading", error)
                self._running.clear()
                self._ended.wait(60 if isinstance(error, LayerMissing) else 3)

    def _open(self, stack: ExitStack) -> None:
        self._journal = stack.enter_context(Journal(self._course.results / "journal.db"))
        executor = self._make_executor()
        stack.callback(executor.close)
        self._executor = RetryingExecutor(executor)
        # A cluster may be larger than this machine; one whose workers are still to come tells of none.
        self._slots = max(self._slots, executor.slots)
        self._active = max(self._active, executor.slots - self._spare)
        self._pool = stack.enter_context(Pool(self._make_executor))  # For what changed between grading and writing.
        for name in served(self._course):  # While workers warm up: nobody should wait for the first page.
            with self._alone(("", name)):
                self._bundle(name)

    def _turn(self) -> None:
        self._news.clear()
        self._look_at_configuration()
        self._folder.look(self._course)
        if self.exchange is not None:
            with self._alone(("", "exchange")):
                self.exchange.look(self._course, self._folder.notebook)
        self._begin()
        self._receive_all()
        self._begin()  # Workers are not to wait while this thread writes.
        self._write()
        self._boards.publish(self._course, idle=not self._running)
        if not self._running:
            self._news.wait(_IDLE_SECONDS)

    def _look_at_configuration(self) -> None:
        """Read course.toml again when it or the roster has changed; a half-edited one is reported and waited out."""
        with self._alone(("", "course.toml")):
            state = [_changed_at(self._course.root / name) for name in ("course.toml", ROSTER)]
            granted = granted_in(self._course.gradebook_url)
            if changed := state != self._configured:
                self._course, self._configured = Course.find(self._course.root), state
            before, self._granted = self._granted, granted
            for name in served(self._course):
                if changed or granted.get(name) != before.get(name):
                    owe_overtaken(self._course, self._store, self._folder, name)

    @contextmanager
    def _alone(self, key: tuple[str, str]) -> Iterator[None]:
        """Record what fails inside under ``key``; it is tried again later."""
        try:
            yield
            self._troubles.pop(key, None)
        except LayerMissing:
            raise
        except Exception as error:
            reason = reason_of("", error)
            if self._troubles.get(key, ("",))[0] != reason:
                log.warning("%s: %s", key, reason)
            self._troubles[key] = reason, time.monotonic()

    # Grading.

    def _begin(self) -> None:
        for attempt in self.queue():
            now = time.monotonic()
            brief = sum(now - since < _LONG_SECONDS for _, _, since in self._running.values())
            if brief >= self._active or len(self._running) >= self._slots:
                return
            if not self._is_under_way(attempt):
                self._begin_one(attempt)

    def _is_under_way(self, attempt: HandIn) -> bool:
        """Return whether an attempt is being graded, as its student's or as that of another member of the group."""
        own = {attempt.number, attempt.together} - {""}
        return any(own & {each.number, each.together} for each, _, _ in self._running.values())

    def _begin_one(self, attempt: HandIn) -> None:
        bundle = None
        with self._alone(("", attempt.assignment)):
            bundle = self._bundle(attempt.assignment)
        if bundle is None:  # Somebody edits the assignment, perhaps: its attempts wait.
            return
        try:
            submission = self._read(attempt, bundle.assignment)
            key = result_key(submission.key, bundle.assignment.key, bundle.grader)
            result = self._results.get(key)
            if result is not None:
                self._finish(attempt, submission, key, result, 0.0)
                return
            earlier = self._journal.earlier(attempt.assignment, submission.key)
            number = next(self._numbers)
            self._executor.submit(Job.of(number, bundle, submission, earlier), bundle)
            self._running[number] = attempt, key, time.monotonic()
        except UnreadableSubmission as error:
            self._store.finish(attempt, "unreadable", reason=str(error))
        except (MachineryError, GradebookError):
            raise  # Not this attempt's trouble.
        except Exception as error:
            log.exception("%s", attempt.name)
            self._store.finish(attempt, "failed", reason=reason_of("reading it", error))

    def _bundle(self, name: str) -> Bundle:
        """Return the bundle of an assignment; read again when one of its files, or course.toml, changes."""
        files = [self._course.root / "course.toml", *sorted((self._course.source / name).glob("*.*"))]
        state = tuple(path.stat().st_mtime_ns for path in files)
        if name not in self._bundles or self._bundles[name][0] != state:
            assignment = load_cached_assignment(self._course, name)
            self._bundles[name] = state, Bundle.of(self._course, assignment)
        return self._bundles[name][1]

    def _read(self, attempt: HandIn, assignment: Assignment) -> Submission:
        try:
            notebook = read_submission(self._store.content(attempt), attempt.file)
            return align(notebook, assignment, partial(catalogue_of, self._course))
        except RecursionError as error:
            raise UnreadableSubmission(
                f"{attempt.file} is nested too deeply to be a notebook. Save it again in Jupyter and hand it in again."
            ) from error

    def _receive_all(self) -> None:
        if self._running:
            for reply in self._executor.completed(_TICK_SECONDS):
                attempt, key, _ = self._running.pop(reply.number)
                self._receive(attempt, key, reply)

    def _receive(self, attempt: HandIn, key: str, reply: Reply) -> None:
        if reply.failure:
            self._store.finish(attempt, "failed", reason=reply.failure.strip(), seconds=reply.seconds)
            return
        graded = keep_reply(self._results, self._journal, attempt.assignment, key, reply)
        self._seconds.append(reply.seconds)
        with self._alone(("", attempt.assignment)):  # If the assignment has gone meanwhile, the attempt waits.
            submission = self._read(attempt, self._bundle(attempt.assignment).assignment)
            self._finish(attempt, submission, key, graded.result, reply.seconds)

    def _finish(self, attempt: HandIn, submission: Submission, key: str, result: Result, seconds: float) -> None:
        if result.entry is not None:  # Every entry is recorded, also one that does not count in the assignment.
            entered = result_of(result.entry, attempt.student, attempt.at)
            record_results(self._course.results / FILE_NAME, [entered])
        reason = submission.reason_to_look
        self._store.finish(attempt, "graded", points=result.points, key=key, reason=reason, seconds=seconds)
        self._note_pace(bool(self._store.waiting()))

    def _note_pace(self, others_wait: bool) -> None:
        """Note the time since the attempt that was finished before, if others waited all the while."""
        now = time.monotonic()
        if self._last_done is not None:
            self._gaps.append(now - self._last_done)
        self._last_done = now if others_wait else None

    # Writing.

    def _write(self) -> None:
        due = [duty for duty in self._store.duties() if self._is_due(duty)]
        for name in dict.fromkeys(duty.assignment for duty in due):
            duties = [duty for duty in due if duty.assignment == name]
            self._boards.publish_before(self._course, name, [duty.student for duty in duties])
            placed = [duty for duty in duties if self._place(duty)]
            if placed:
                self._grade(name, placed)

    def _is_due(self, duty: Duty) -> bool:
        trouble = self._troubles.get((duty.student, duty.assignment))
        return trouble is None or time.monotonic() - trouble[1] > _AGAIN_SECONDS

    def _place(self, duty: Duty) -> bool:
        """Put the counting attempt where the engine looks; False if there is none, or something is in the way."""
        policy, found = policy_of(self._course, duty.assignment), False
        with self._alone((duty.student, duty.assignment)):
            attempts = self._store.of_student(duty.student, duty.assignment)
            chosen = self._store.chosen(duty.student, duty.assignment)
            counting = policy.counting(duty.student, attempts, chosen)
            if counting is None:
                self._store.settle(duty)
            else:
                notebook = self._bundle(duty.assignment).assignment.notebook
                found = self._folder.place(counting, self._store.content(counting), notebook)
                note_group(self._course, counting, self._store)
        return found

    def _grade(self, name: str, duties: Sequence[Duty]) -> None:
        """Write the counting attempts of some students as ``autograder grade`` does; their results are stored."""
        students = [duty.student for duty in duties]
        try:
            report = grade_class(
                self._course,
                name,
                students=students,
                yes=True,
                missing_ok=self.missing_ok,
                progress=Silent(),
                make_executor=self._pool.lend,
            )
        except LayerMissing:
            raise
        except Exception as error:
            for duty in duties:
                self._troubles[duty.student, name] = reason_of("writing the gradebook", error), time.monotonic()
            return
        for duty in duties:
            kinds = {each.kind: each.reason for each in report.submissions if each.student == duty.student}
            if {"graded", "stored", "unreadable"} & kinds.keys() and "unwritten" not in kinds:
                self._store.settle(duty)
                self._troubles.pop((duty.student, name), None)
            else:
                reason = "; ".join(filter(None, kinds.values())) or "it was not found where it was put"
                self._troubles[duty.student, name] = reason, time.monotonic()
        self._boards.changed(name, students, dt.datetime.now(dt.UTC))


def _changed_at(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0

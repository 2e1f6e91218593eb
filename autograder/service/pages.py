"""The content of the pages: a student's assignments and attempts, feedback as the policy has it, and rows on boards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import msgspec

from autograder.authoring.assignment import Assignment
from autograder.challenge.entries import ENTRY_FUNCTIONS
from autograder.course import Course
from autograder.engine.discover import load_cached_assignment
from autograder.errors import AutograderError
from autograder.gradebook.feedback import feedback_page
from autograder.gradebook.journal import ResultStore
from autograder.gradebook.notice import BoardName
from autograder.gradebook.sanitising import Album, Pictures
from autograder.leaderboard.entrant import BoardNames, lines_for
from autograder.service.access import roster_of
from autograder.service.attempts import AttemptStore, HandIn
from autograder.service.boards_due import boards_of
from autograder.service.grading_loop import GradingLoop
from autograder.service.policy import policy_of, served
from autograder.service.rehearsals import Rehearsals, TriedEntry
from autograder.service.told import StaffQuestion, StaffQuestions, stuck, told_of
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import read_submission

__all__ = ["AttemptRow", "BoardRow", "Pages", "enters", "render"]

_STATES = {"graded": "graded", "unreadable": "could not be read", "failed": "not graded yet; staff will look at it"}


class AttemptRow(NamedTuple):
    """An attempt as its author sees it.

    Attributes:
        name: the name for addresses.
        number: the attempt's number; 1 is the student's first at this assignment.
        at: the time when it was handed in, for people.
        late: True if that was after the student's deadline.
        state: ``waiting``, ``grading``, ``graded``, ``unreadable`` or ``failed``.
        said: the state in words, with points or with the place in the queue.
        reason: the fault of a file that could not be read.
        counts: True if it is the one that counts.
        file: the name that it had.
        by: the member of the group who handed it in; empty if that is its author.
    """

    name: str
    number: int
    at: str
    late: bool
    state: str
    said: str
    reason: str
    counts: bool
    file: str
    by: str


class RehearsalRow(NamedTuple):
    """A rehearsal as the student sees it: its number, when it was, its state, in words too, and what it gave."""

    name: str
    number: int
    at: str
    state: str
    said: str
    lines: list[str]


class BoardRow(NamedTuple):
    """A student's row on a published board; the rank is empty where there is none."""

    board: str
    title: str
    name: str
    rank: str
    score: str
    size: int
    final: bool

    @property
    def said(self) -> str:
        """The rank in words."""
        return f"{self.rank} of {self.size}" if self.rank else "—"


class Pages:
    """The content of the pages of a course.

    Args:
        store: the store of attempts.
        loop: the loop that grades them.
        prefix: the prefix of all addresses, such as ``/services/handin/``; ends with a slash.
        rehearsals: the rehearsals of entries to the challenge.
        questions: the questions to the staff.
    """

    def __init__(
        self, store: AttemptStore, loop: GradingLoop, prefix: str, rehearsals: Rehearsals, questions: StaffQuestions
    ) -> None:
        self._store, self._loop, self.prefix = store, loop, prefix
        self._rehearsals, self._questions = rehearsals, questions

    @property
    def course(self) -> Course:
        """The course as it is configured now."""
        return self._loop.course

    def assignment(self, name: str) -> Assignment | None:
        """Return the assignment called ``name`` if students may know of it."""
        if name not in served(self.course):
            return None
        files = sorted((self.course.source / name).glob("*.*"))
        return _load(self.course, name, tuple(path.stat().st_mtime_ns for path in files))

    def assignments(self, student: str, now: dt.datetime) -> list[dict[str, Any]]:
        """Return, for each assignment, what the first page shows of it."""
        own, asked = self._store.of_student(student), {each.assignment: each for each in self.asked(student)}
        found = []
        for name in served(self.course):
            attempts, policy = [each for each in own if each.assignment == name], policy_of(self.course, name)
            deadline = policy.deadline(student)
            assignment = self.assignment(name)
            rows = self.attempts(student, name, attempts)
            counting = next((row for row in rows if row.counts), rows[-1] if rows else None)
            found.append(
                {
                    "name": name,
                    "title": assignment.title if assignment else name,
                    "due": policy.told(deadline) if deadline else "",
                    "past": deadline is not None and now > deadline,
                    "opens": policy.told(policy.opens) if policy.opens and now < policy.opens else "",
                    "closed": bool(policy.closes and now >= policy.closes),
                    "attempts": len(rows),
                    "counting": counting,
                    "asked": asked.get(name),
                }
            )
        return found

    def attempts(self, student: str, assignment: str, attempts: Sequence[HandIn]) -> list[AttemptRow]:
        """Return a student's attempts at one assignment, oldest first."""
        policy = policy_of(self.course, assignment)
        chosen = self._store.chosen(student, assignment) if policy.counts == "chosen" else ""
        counting = policy.counting(student, attempts, chosen)
        deadline, shown = policy.deadline(student), policy.shown(student, dt.datetime.now(dt.UTC))
        most = self._most(assignment) if attempts else 0.0
        return [
            AttemptRow(
                each.name,
                number,
                policy.told(each.at),
                deadline is not None and each.at > deadline,
                self._state(each),
                self._said(each, shown, most),
                each.reason if each.outcome == "unreadable" else "",
                counting is not None and each.number == counting.number,
                each.file,
                each.handed_by if each.handed_by != student else "",
            )
            for number, each in enumerate(attempts, 1)
        ]

    def snapshot(self, student: str, assignment: str) -> str:
        """Return a student's attempts and rehearsals as JSON: for each, by its name, a title, the state and words."""
        rows = self.attempts(student, assignment, self._store.of_student(student, assignment))
        found = {row.name: [f"Attempt {row.number}", row.state, row.said] for row in rows}
        tries = self.rehearsals(student, assignment)
        found |= {row.name: [f"Rehearsal {row.number}", row.state, row.said] for row in tries}
        return msgspec.json.encode(found).decode()

    def rehearsals(self, student: str, assignment: str) -> list[RehearsalRow]:
        """Return a student's rehearsals of the entry to the challenge, oldest first."""
        told = policy_of(self.course, assignment).told
        return [
            RehearsalRow(
                each.name, number, told(each.at), *_rehearsed(each), each.said.split("\n") if each.said else []
            )
            for number, each in enumerate(self._rehearsals.of_student(student, assignment), 1)
        ]

    def asked(self, student: str, assignment: str | None = None) -> list[StaffQuestion]:
        """Return a student's questions to the staff, oldest first."""
        return self._questions.of_student(student, assignment)

    def _state(self, attempt: HandIn) -> str:
        return attempt.outcome or ("grading" if self._loop.is_grading(attempt) else "waiting")

    def _said(self, attempt: HandIn, shown: str, most: float) -> str:
        if attempt.outcome == "graded":
            return "graded" if shown == "nothing" else f"{attempt.points:g} of {most:g} points by checks"
        if attempt.outcome:
            return _STATES[attempt.outcome]
        if self._loop.is_grading(attempt):
            return "being graded"
        numbers = [each.number for each in self._loop.queue()]
        place = numbers.index(attempt.number) + 1 if attempt.number in numbers else 1
        return f"place {place} in the queue, about {_span(self._loop.estimate(place))}"

    def shown(self, attempt: HandIn) -> str:
        """Return what feedback on an attempt shows now: ``nothing``, ``points``, ``brief`` or ``full``."""
        policy = policy_of(self.course, attempt.assignment)
        return policy.shown(attempt.student, dt.datetime.now(dt.UTC))

    def feedback(self, attempt: HandIn, shown: str = "") -> str | None:
        """Return the page of feedback on an attempt; None if there is nothing to show.

        Args:
            shown: the extent to show in place of what the policy shows its author now.
        """
        shown, assignment = shown or self.shown(attempt), self.assignment(attempt.assignment)
        if assignment is None or attempt.outcome != "graded" or shown == "nothing":
            return None
        if shown == "full" and (official := self._official(attempt, assignment)):
            return official
        result = ResultStore(self.course.results / "results").get(attempt.result_key)
        if result is None or result.assignment_key != assignment.key:
            return None
        submission = align(read_submission(self._store.content(attempt), attempt.file), assignment)
        result = msgspec.structs.replace(result, repairs=submission.repairs)
        told = told_of(result, assignment, shown)  # type: ignore[arg-type]
        with Pictures.of(self.course, self._loop.missing_ok) as pictures:
            return feedback_page(
                assignment,
                submission,
                told,
                student=attempt.student,
                album=Album(pictures),
                on_board=self._on_board(attempt),
                entered=lines_for(self.course, assignment, attempt.student, result) if self._is_last(attempt) else (),
            )

    def why_no_feedback(self, attempt: HandIn) -> str:
        """Return why there is not a page of feedback on an attempt, as a sentence for its author."""
        if attempt.outcome == "unreadable":
            return attempt.reason
        if attempt.outcome == "graded" and self.shown(attempt) != "nothing":
            return (
                "The assignment was corrected after this attempt was graded. Your teaching assistant grades it again."
            )
        return "There is no feedback on this attempt yet."

    def _official(self, attempt: HandIn, assignment: Assignment) -> str | None:
        """Return the page in ``feedback/``, with what a person gave, if it is of the gradebook's attempt; else None."""
        policy = policy_of(self.course, attempt.assignment)
        attempts = self._store.of_student(attempt.student, attempt.assignment)
        chosen = self._store.chosen(attempt.student, attempt.assignment)
        counting = policy.counting(attempt.student, attempts, chosen)
        owed = any(each[:2] == (attempt.student, attempt.assignment) for each in self._store.duties())
        if counting is None or counting.number != attempt.number or owed:
            return None
        path = self.course.feedback / attempt.student / attempt.assignment / f"{assignment.notebook}.html"
        try:
            page = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return page.replace('href="../../../leaderboard/', f'href="{self.prefix}boards/')

    def _is_last(self, attempt: HandIn) -> bool:
        return self._store.of_student(attempt.student, attempt.assignment)[-1].number == attempt.number

    def _on_board(self, attempt: HandIn) -> BoardName | None:
        found = _names(self.course, attempt.assignment, self._stamp(attempt.assignment)).of_student(attempt.student)
        if found is None:
            return None
        names = filter(None, boards_of(attempt.assignment))
        return BoardName(found.name, *(f"{self.prefix}boards/{name}.html#{found.name}" for name in names))

    def rows(self, student: str, assignment: str) -> list[BoardRow]:
        """Return the student's rows on the published boards on which an assignment shows."""
        rows = []
        for board in boards_of(assignment):
            name = board or "course"
            found = _standings(self.course.root / "leaderboard" / f"{name}.json", self._stamp(name))
            public = _names(self.course, assignment, self._stamp(name)).of_student(student) if found else None
            if found and public:
                rows.append(_row(name, found, public.name))
        return rows

    def standing(self, student: str, assignment: str) -> str:
        """Return the student's rows on boards as JSON: for each, the board, the rank in words, and the score."""
        rows = [[row.board, row.said, row.score or "—"] for row in self.rows(student, assignment)]
        return msgspec.json.encode(rows).decode()

    def staff(self, now: dt.datetime) -> dict[str, Any]:
        """Return what the page for staff shows: the queue, rates, and what needs a look."""
        lately = self._store.finished_since(now - dt.timedelta(days=1))
        graded = [each for each in lately if each.outcome == "graded"]
        hour = [each for each in graded if each.done_at and now - each.done_at < dt.timedelta(hours=1)]
        waits = sorted((each.done_at - each.at).total_seconds() for each in hour if each.done_at)
        return {
            "queue": self._loop.queue(),
            "grading": self._loop.is_grading,
            "estimate": self._loop.estimate,
            "hour": len(hour),
            "day": len(graded),
            "rate": self._loop.rate,
            "median": waits[len(waits) // 2] if waits else None,
            "longest": waits[-1] if waits else None,
            "failed": self._store.failed(),
            "troubles": sorted(self._loop.troubles().items()),
            "unreadable": [each for each in lately if each.outcome == "unreadable" and self._is_last(each)],
            "doubtful": [each for each in graded if each.reason],
            "questions": self._questions.open(),
            "stuck": stuck(self._store.several_since(now - dt.timedelta(days=2)), self._most, now),
            "rehearsals": self._rehearsals.failed(),
            "students": sorted(roster_of(self.course)),
            "assignments": served(self.course),
        }

    def _most(self, name: str) -> float:
        found = self.assignment(name)
        return found.auto_points if found else 0.0

    def _stamp(self, board: str) -> int:
        try:
            return (self.course.root / "leaderboard" / f"{board}.json").stat().st_mtime_ns
        except OSError:
            return 0


def enters(assignment: Assignment) -> bool:
    """Return whether an assignment is the challenge: its entries can be rehearsed."""
    return set(ENTRY_FUNCTIONS) <= set(assignment.exercises)


def _rehearsed(each: TriedEntry) -> tuple[str, str]:
    """Return the state of a rehearsal, for programs and in words."""
    if each.outcome:
        return each.outcome, "done" if each.outcome == "done" else "could not be run"
    return ("grading", "running: this takes some minutes") if each.begun else ("waiting", "waiting for a quiet moment")


def _row(board: str, found: dict[str, Any], name: str) -> BoardRow:
    own: dict[str, Any] = next((each for each in found["rows"] if each["name"] == name), {})
    rank, score = str(own.get("rank") or ""), str(own.get("score") or "")
    final = found.get("phase") == "final"
    return BoardRow(board, str(found.get("title", board)), name, rank, score, int(found.get("ranked", 0)), final)


@lru_cache(maxsize=64)
def _load(course: Course, name: str, state: tuple[int, ...]) -> Assignment | None:
    try:
        return load_cached_assignment(course, name)
    except AutograderError:
        return None


@lru_cache(maxsize=64)
def _names(course: Course, assignment: str, state: int) -> BoardNames:
    return BoardNames.of(course, assignment)


@lru_cache(maxsize=64)
def _standings(path: Path, state: int) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return found if isinstance(found.get("rows"), list) else None


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("autograder.service")
    return jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )


def render(template: str, **values: Any) -> str:
    """Return a page made from one of the templates."""
    return _environment().get_template(f"{template}.html.j2").render(**values)

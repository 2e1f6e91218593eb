"""The rules of a course for handing in, with the deadlines and extensions that the gradebook grants.

The rules say when and how often work is handed in, which attempt counts, and what feedback tells. Somebody may have
written a deadline or an extension into the gradebook, in the formgrader or by nbgrader's own API; it holds here too.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from autograder.course import Course
from autograder.gradebook.lateness import LateRules
from autograder.gradebook.registration import ASSIGNMENT
from autograder.gradebook.stamps import Stamp
from autograder.gradebook.write_submission import SUBMITTED
from autograder.service.access import roster_of
from autograder.service.attempts import HandIn
from autograder.settings import Shown

__all__ = ["Granted", "Policy", "granted_in", "in_fair_order", "policy_of", "served"]

# ---- what the gradebook grants

_FRESH_SECONDS, _AGAIN_SECONDS = 3.0, 30.0
_PATIENCE = {"sqlite": {"timeout": 2}, "postgresql": {"connect_timeout": 3}}
"""The seconds for which a page waits for a database that is busy or cannot be reached."""


class Granted(NamedTuple):
    """The gradebook's word on when one assignment is due.

    Attributes:
        due: the deadline, in UTC without a zone; None for none.
        extensions: the time that each student has beyond it.
    """

    due: dt.datetime | None = None
    extensions: Mapping[str, dt.timedelta] = {}

    def of(self, student: str) -> tuple[dt.datetime | None, dt.timedelta | None]:
        """Return the deadline and a student's extension."""
        return self.due, self.extensions.get(student)


def granted_in(url: str) -> Mapping[str, Granted]:
    """Return, for each assignment in the gradebook at ``url``, when it is due there; a few seconds old at most.

    A gradebook that cannot be read now is as it was when it was read last: who grades into it reports what is wrong.
    """
    return _reader(url).now()


class _Reader:
    def __init__(self, url: str) -> None:
        self._url, self._lock = make_url(url), threading.Lock()
        self._known: Mapping[str, Granted] = {}
        self._due = 0.0

    def now(self) -> Mapping[str, Granted]:
        with self._lock:
            if time.monotonic() >= self._due:
                self._read()
            return self._known

    def _read(self) -> None:
        kind, pause = self._url.get_backend_name(), _FRESH_SECONDS
        try:
            if kind == "sqlite" and not Path(self._url.database or "").is_file():
                self._known = {}
            else:
                self._known = _grants(
                    create_engine(self._url, poolclass=NullPool, connect_args=_PATIENCE.get(kind, {}))
                )
        except SQLAlchemyError:
            pause = _AGAIN_SECONDS
        self._due = time.monotonic() + pause


def _grants(engine: Engine) -> Mapping[str, Granted]:
    extended = (
        select(ASSIGNMENT.c.name, SUBMITTED.c.student_id, SUBMITTED.c.extension)
        .join(SUBMITTED, SUBMITTED.c.assignment_id == ASSIGNMENT.c.id)
        .where(SUBMITTED.c.extension.is_not(None))
    )
    with engine.connect() as connection:
        found = {
            str(name): Granted(due, {})
            for name, due in connection.execute(select(ASSIGNMENT.c.name, ASSIGNMENT.c.duedate))
        }
        for name, student, extension in connection.execute(extended):
            due, extensions = found[str(name)]
            found[str(name)] = Granted(due, {**extensions, str(student): extension})
    return found


@lru_cache(maxsize=8)
def _reader(url: str) -> _Reader:
    return _Reader(url)


# ---- the rules

_MOST_WAITING = 20
_UNREADABLE_PER_DAY = 50
_OUR_CLOCK = ("upload", "group")
_COUNTED = ("", "graded")  # A file that cannot be read, or that the grader gave up on, costs nobody an attempt.


class Policy:
    """The rules of a course for one assignment.

    Args:
        course: the course with the rules.
        assignment: the name of the assignment.
    """

    def __init__(self, course: Course, assignment: str) -> None:
        self._course = course
        self.assignment = assignment
        self._own, self._shared = course.settings(assignment), course.config.serve
        self.zone = ZoneInfo(course.config.time_zone)
        self.opens, self.due, self.closes = self._own.opens, self._own.due, self._own.closes

    @property
    def attempts_per_day(self) -> int:
        """The number of graded attempts that one student may make in a day; 0 for any number."""
        own = self._own.attempts_per_day
        return self._shared.attempts_per_day if own is None else own

    @property
    def pause(self) -> dt.timedelta:
        """The least time between two attempts of one student."""
        own = self._own.pause_minutes
        return dt.timedelta(minutes=self._shared.pause_minutes if own is None else own)

    @property
    def counts(self) -> str:
        """The rule for which attempt counts."""
        return self._own.counts or self._shared.counts

    @cached_property
    def _groups(self) -> dict[str, str]:
        """For each student who hands in with others, the name of the group."""
        if not (self._shared.groups if self._own.groups is None else self._own.groups):
            return {}
        return {each.id: key for each in roster_of(self._course).values() if (key := each.group.strip().casefold())}

    def members(self, student: str) -> list[str]:
        """Return the others for whom a student hands in, too; none where everybody hands in alone."""
        own = self._groups.get(student)
        return [each for each, group in self._groups.items() if group == own and each != student] if own else []

    @property
    def granted(self) -> Granted:
        """The deadline and the extensions that the gradebook holds."""
        return granted_in(self._course.gradebook_url).get(self.assignment, Granted())

    @cached_property
    def _late(self) -> LateRules:
        return LateRules(self._course.late_policy(self.assignment), None, self._course, self.assignment)

    def deadline(self, student: str) -> dt.datetime | None:
        """Return the student's own deadline, with extensions, in UTC; None where there is none."""
        found = self._late.deadline(student, *self.granted.of(student))
        return found and found.replace(tzinfo=dt.UTC)

    def refusal(self, student: str, earlier: Sequence[HandIn], now: dt.datetime) -> str:
        """Return why a student may not hand in now, as a sentence for the student; empty if they may.

        Args:
            student: their id.
            earlier: their attempts at this assignment, oldest first.
            now: an aware time.
        """
        return self.closed(student, now) or self._too_many(earlier, now) or self._too_soon(earlier, now)

    def closed(self, student: str, now: dt.datetime) -> str:
        """Return why nothing is taken from a student now, whatever they did before; empty if it is open."""
        if self.opens and now < self.opens:
            return f"This opens {self.told(self.opens)}."
        if self.closes and now >= max(self.closes, self.deadline(student) or self.closes):
            return f"This closed {self.told(self.closes)}. If you have an extension, write to your teaching assistant."
        return ""

    def _too_many(self, earlier: Sequence[HandIn], now: dt.datetime) -> str:
        today = now.astimezone(self.zone).date()
        todays = [each for each in earlier if each.at.astimezone(self.zone).date() == today]
        graded = [each for each in todays if each.outcome in _COUNTED]
        if self.attempts_per_day and len(graded) >= self.attempts_per_day:
            return f"That was attempt {len(graded)} of {self.attempts_per_day} for today. Go on tomorrow."
        if sum(each.outcome == "unreadable" for each in todays) >= _UNREADABLE_PER_DAY:
            return "Too many of today's files could not be read. Go on tomorrow, or ask your teaching assistant."
        if sum(not each.outcome for each in earlier) >= _MOST_WAITING:
            return f"{_MOST_WAITING} of your attempts are still waiting. Hand in again when one of them is graded."
        return ""

    def _too_soon(self, earlier: Sequence[HandIn], now: dt.datetime) -> str:
        # A clock that was wrong, and was set right, is not to keep a student waiting for the time that it once showed.
        uploads = [each.at for each in earlier if each.outcome in _COUNTED and each.at <= now]
        again = max(uploads) + self.pause if uploads else now
        if again <= now:
            return ""
        seconds = int((again - now).total_seconds()) + 1
        return f"Between two attempts there is a pause. Hand in again in {seconds} seconds."

    def left_today(self, earlier: Iterable[HandIn], now: dt.datetime) -> int | None:
        """Return how many attempts a student still has today; None where there is no limit."""
        if not self.attempts_per_day:
            return None
        today = now.astimezone(self.zone).date()
        used = sum(each.at.astimezone(self.zone).date() == today and each.outcome in _COUNTED for each in earlier)
        return max(0, self.attempts_per_day - used)

    def counting(self, student: str, attempts: Sequence[HandIn], chosen: str = "") -> HandIn | None:
        """Return the attempt that counts: of those that could be graded, else the last that could not be read.

        Args:
            student: their id.
            attempts: their attempts at this assignment, oldest first; those that wait do not count yet.
            chosen: the name of the one that the student chose.
        """
        graded = [each for each in attempts if each.outcome == "graded"]
        if not graded:
            return next((each for each in reversed(attempts) if each.outcome == "unreadable"), None)
        by_time = _by_time(graded)
        if self.counts == "best":
            return max(enumerate(by_time), key=lambda one: (self._worth(one[1]), one[0]))[1]
        if self.counts == "on time":
            return next((each for each in reversed(by_time) if not self._lost(each)), by_time[-1])
        if self.counts == "chosen":
            return next((each for each in by_time if each.name == chosen), by_time[-1])
        return by_time[-1]

    def _worth(self, attempt: HandIn) -> float:
        return attempt.points * (1 - self._lost(attempt, share=True))

    def _lost(self, attempt: HandIn, share: bool = False) -> float:
        """Return whether it was late, 0 or 1, or the share of its points that this costs."""
        at = attempt.at.astimezone(dt.UTC).replace(tzinfo=None)
        terms = self._late.terms(attempt.student, Stamp(at=at), *self.granted.of(attempt.student))
        return (terms.share or 0.0) if share else float(terms.late)

    def shown(self, student: str, now: dt.datetime) -> Shown:
        """Return what feedback shows to a student now; where nothing is ever due, what it shows before a deadline."""
        end = self.deadline(student) or self.closes
        return self._shared.after_due if end is not None and now > end else self._shared.before_due

    def told(self, moment: dt.datetime) -> str:
        """Return a moment for people, in the course's zone."""
        local = moment.astimezone(self.zone)
        return f"{local:%A}, {local.day} {local:%B %Y, %H:%M} {local.tzname()}"


def _by_time(attempts: Sequence[HandIn]) -> list[HandIn]:
    """Return attempts in the order of their times; uploads among each other in the order of arrival.

    Where the clock was set back, a later upload has an earlier time.
    """
    ordered, latest = [], dt.datetime.min.replace(tzinfo=dt.UTC)
    for each in sorted(attempts, key=lambda one: one.number):
        at = each.at
        if each.source in _OUR_CLOCK:
            at = latest = max(at, latest)
        ordered.append((at, each.number, each))
    return [each for _, _, each in sorted(ordered, key=lambda one: one[:2])]


def served(course: Course) -> list[str]:
    """Return the assignments that are handed in here: an attempt is one file, so those that have one notebook."""
    names = course.assignments()
    return [name for name in names if not course.adopted or len([*(course.source / name).glob("*.ipynb")]) == 1]


@lru_cache(maxsize=64)
def policy_of(course: Course, assignment: str) -> Policy:
    """Return the rules of a course, as it was read once, for one assignment."""
    return Policy(course, assignment)


def in_fair_order(waiting: Sequence[HandIn], running: Iterable[str] = ()) -> list[HandIn]:
    """Return the order of grading: everybody's first attempt before anybody's second, each in the order of arrival.

    Args:
        waiting: the attempts that wait, oldest first.
        running: the student of each attempt that is being graded.
    """
    turns = Counter(running)
    ranked = []
    for each in waiting:
        ranked.append((turns[each.student], each.number, each))
        turns[each.student] += 1
    return [each for _, _, each in sorted(ranked, key=lambda one: one[:2])]

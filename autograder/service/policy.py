"""The rules of a course: when and how often work is handed in, which attempt counts, and what feedback tells."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from autograder.course import Course
from autograder.gradebook.lateness import LateRules
from autograder.gradebook.stamps import Stamp
from autograder.service.attempts import HandIn
from autograder.settings import Shown

__all__ = ["Policy", "in_fair_order", "policy_of"]

_MOST_WAITING = 20
_UNREADABLE_PER_DAY = 50
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
    def _late(self) -> LateRules:
        return LateRules(self._course.late_policy(self.assignment), None, self._course, self.assignment)

    def deadline(self, student: str) -> dt.datetime | None:
        """Return the student's own deadline, with extensions, in UTC; None where there is none."""
        found = self._late.deadline(student, None, None)
        return found and found.replace(tzinfo=dt.UTC)

    def refusal(self, student: str, earlier: Sequence[HandIn], now: dt.datetime) -> str:
        """Return why a student may not hand in now, as a sentence for the student; empty if they may.

        Args:
            student: their id.
            earlier: their attempts at this assignment, oldest first.
            now: an aware time.
        """
        if self.opens and now < self.opens:
            return f"This opens {self.told(self.opens)}."
        if self.closes and now >= max(self.closes, self.deadline(student) or self.closes):
            return f"This closed {self.told(self.closes)}. If you have an extension, write to your teaching assistant."
        return self._too_many(earlier, now) or self._too_soon(earlier, now)

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
        uploads = [each.at for each in earlier if each.outcome in _COUNTED]
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
        by_time = sorted(graded, key=lambda each: (each.at, each.number))
        if self.counts == "best":
            return max(by_time, key=lambda each: (self._worth(each), each.at))
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
        terms = self._late.terms(attempt.student, Stamp(at=at), None, None)
        return (terms.share or 0.0) if share else float(terms.late)

    def shown(self, student: str, now: dt.datetime) -> Shown:
        """Return what feedback shows to a student now; where nothing is ever due, what it shows before a deadline."""
        end = self.deadline(student) or self.closes
        return self._shared.after_due if end is not None and now > end else self._shared.before_due

    def told(self, moment: dt.datetime) -> str:
        """Return a moment for people, in the course's zone."""
        local = moment.astimezone(self.zone)
        return f"{local:%A}, {local.day} {local:%B %Y, %H:%M} {local.tzname()}"


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

"""What students and staff are told: feedback before the deadline, answers to questions, and who gets no further.

While the deadline lies ahead, feedback tells a part of the result; the bits that this can carry are counted. Students
ask about their work, and staff answer. Staff may want to write, without being asked, to students who try again and
again and get no further. The class report gets its attempts from here.
"""

from __future__ import annotations

import datetime as dt
import math
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any, NamedTuple

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.authoring.source_cells import split_hidden
from autograder.course import Course
from autograder.errors import ServiceError
from autograder.grading.result import CheckResult, Result
from autograder.reporting.class_report import Try
from autograder.service.attempts import AttemptStore, HandIn
from autograder.settings import Shown

__all__ = ["StaffQuestion", "StaffQuestions", "Stuck", "bits_told", "stuck", "told_of", "tries_at"]

# ---- feedback before the deadline

MERGED = "hidden checks"


def told_of(result: Result, assignment: Assignment, shown: Shown) -> Result:
    """Return the part of ``result`` that a page may be made from.

    Args:
        result: the result of grading.
        assignment: the assignment, which tells which checks have a hidden part.
        shown: ``full`` leaves it as it is. In ``brief``, a failure that only hidden parts saw becomes the number of
            hidden checks that pass, and what is seen of wrong results is left out unless it has a name. In ``points``
            no check shows anything.
    """
    if shown == "full":
        return result
    checks = list[CheckResult]()
    for exercise in dict.fromkeys(check.exercise for check in result.checks):
        own = [check for check in result.checks if check.exercise == exercise]
        checks += _summed(own) if shown == "points" else _brief(own, _hidden(assignment))
    return msgspec.structs.replace(result, checks=tuple(checks))


def _hidden(assignment: Assignment) -> set[str]:
    return {check.grade_id for check in assignment.checks if split_hidden(check.source)[1].strip()}


def _brief(checks: Sequence[CheckResult], hidden: set[str]) -> list[CheckResult]:
    seen = [msgspec.structs.replace(each, observed="", inherited=()) for each in checks if _visible(each, hidden)]
    rest = [each for each in checks if not _visible(each, hidden)]
    if all(each.outcome == "passed" for each in rest):
        return seen + [msgspec.structs.replace(each, message="", inherited=()) for each in rest]
    passed = sum(each.outcome == "passed" for each in rest)
    named = next((each for each in rest if each.explanation and not each.inherited), rest[0])
    message = (
        f"{passed} of {len(rest)} hidden checks of this exercise pass. You will see which ones fail after the deadline."
    )
    return [*seen, _merged(rest, message, named if not named.inherited else None)]


def _visible(check: CheckResult, hidden: set[str]) -> bool:
    """Return whether the outcome is what the student can see in the notebook."""
    return check.seen or check.check not in hidden


def _summed(checks: Sequence[CheckResult]) -> list[CheckResult]:
    if all(each.outcome == "passed" for each in checks):
        return [msgspec.structs.replace(each, message="", inherited=()) for each in checks]
    return [_merged(checks, "", None)]


def _merged(checks: Sequence[CheckResult], message: str, named: CheckResult | None) -> CheckResult:
    return CheckResult(
        MERGED,
        checks[0].exercise,
        sum(each.points for each in checks),
        sum(each.max_points for each in checks),
        "failed",
        message,
        diagnosis=named.diagnosis if named else "",
        explanation=named.explanation if named else "",
    )


def bits_told(assignment: Assignment) -> float:
    """Return the bits that one attempt's feedback can carry at most, in ``brief``, if each check gives all or nothing.

    For each exercise: the points, the number of hidden checks that pass, which visible parts fail, and a name.
    """
    hidden, bits = _hidden(assignment), 0.0
    for exercise in dict.fromkeys(check.exercise for check in assignment.checks):
        points = [
            check.points for check in assignment.checks if check.exercise == exercise and check.grade_id in hidden
        ]
        names = sum(assignment.exercise_of[each.of] == exercise for each in assignment.misconceptions)
        outcomes = {
            (sum(passed), round(sum(worth * got for worth, got in zip(points, passed, strict=True)), 6))
            for passed in product((0, 1), repeat=len(points))
        }
        bits += math.log2(len(outcomes)) + math.log2(1 + names) if points else 0.0
    return bits


# ---- questions and answers

MOST_CHARACTERS = 2000
_A_DAY = 5
_COLUMNS = "name, student, assignment, at, text, answer, answered_by, answered_at"


class StaffQuestion(NamedTuple):
    """A question about one assignment.

    Attributes:
        name: the name for addresses.
        student, assignment: who asks, and about what.
        at: the time when it was asked, as an aware time in UTC.
        text: the question.
        answer: the answer; empty while there is none.
        answered_by: who of the staff gave it.
        answered_at: the time of the answer; None while there is none.
    """

    name: str
    student: str
    assignment: str
    at: dt.datetime
    text: str
    answer: str = ""
    answered_by: str = ""
    answered_at: dt.datetime | None = None


class StaffQuestions:
    """The questions of a course, kept in the database of its attempts.

    Args:
        store: the store of attempts.
    """

    def __init__(self, store: AttemptStore) -> None:
        self._store = store

    def ask(self, student: str, assignment: str, text: str, now: dt.datetime) -> None:
        """Put a question to the staff.

        Raises:
            ServiceError: it is empty or too long, or there are too many; the message is for the student.
        """
        asked = _plain(text, "Write your question first.")
        with self._store.changing() as database:
            rows = database.execute(f"SELECT {_COLUMNS} FROM question WHERE student = ?", (student,)).fetchall()
            earlier = [_read(row) for row in rows]
            if any(each.assignment == assignment and not each.answer for each in earlier):
                raise ServiceError("Your last question about this assignment is not answered yet. Wait for the answer.")
            if sum(now - each.at < dt.timedelta(days=1) for each in earlier) >= _A_DAY:
                raise ServiceError(f"That would be more than {_A_DAY} questions within a day. Ask again tomorrow.")
            database.execute(
                "INSERT INTO question (name, student, assignment, at, text) VALUES (?, ?, ?, ?, ?)",
                (secrets.token_urlsafe(12), student, assignment, now.isoformat(), asked),
            )

    def answer(self, name: str, by: str, text: str, now: dt.datetime) -> None:
        """Answer a question; the first answer stands.

        Raises:
            ServiceError: it is empty or too long, or the question has an answer, or there is no such question.
        """
        answer = _plain(text, "Write your answer first.")
        with self._store.changing() as database:
            found = database.execute(
                "UPDATE question SET answer = ?, answered_by = ?, answered_at = ? WHERE name = ? AND answer = ''",
                (answer, by, now.isoformat(), name),
            )
            if not found.rowcount:
                raise ServiceError("Somebody has answered this question already. Your answer was not sent.")

    def of_student(self, student: str, assignment: str | None = None) -> list[StaffQuestion]:
        """Return a student's questions, about one assignment or about all, oldest first."""
        if assignment is None:
            return self._found("student = ?", student)
        return self._found("student = ? AND assignment = ?", student, assignment)

    def open(self) -> list[StaffQuestion]:
        """Return all questions without an answer, oldest first."""
        return self._found("answer = ''")

    def _found(self, condition: str, *values: str) -> list[StaffQuestion]:
        return [
            _read(row)
            for row in self._store.rows(f"SELECT {_COLUMNS} FROM question WHERE {condition} ORDER BY at", *values)
        ]


def _plain(text: str, empty: str) -> str:
    """Return a text without what cannot be shown.

    Raises:
        ServiceError: there is nothing in it, or too much.
    """
    plain = "".join(sign for sign in text.replace("\r\n", "\n") if sign.isprintable() or sign == "\n").strip()
    if not plain:
        raise ServiceError(empty)
    if len(plain) > MOST_CHARACTERS:
        raise ServiceError(f"That is longer than {MOST_CHARACTERS:,} characters. Shorten it.")
    return plain


def _read(row: Sequence[Any]) -> StaffQuestion:
    found = StaffQuestion(*row)
    answered = found.answered_at and dt.datetime.fromisoformat(str(found.answered_at))
    return found._replace(at=dt.datetime.fromisoformat(str(found.at)), answered_at=answered or None)


# ---- attempts, for staff and the class report

_TRIES = 3
_LATELY = dt.timedelta(days=2)


class Stuck(NamedTuple):
    """A student whose last attempts at an assignment gained nothing."""

    student: str
    assignment: str
    tries: int
    points: float
    most: float


def stuck(attempts: Iterable[HandIn], most: Callable[[str], float], now: dt.datetime) -> list[Stuck]:
    """Return the students whose last graded attempts, three at least, brought no more points than the one before them.

    Args:
        attempts: the attempts to look at, oldest first.
        most: a function from an assignment to the points that its checks give.
        now: an aware time; whoever handed in nothing within two days before it is left out.
    """
    by_work = defaultdict[tuple[str, str], list[HandIn]](list)
    for each in attempts:
        if each.outcome == "graded":
            by_work[each.student, each.assignment].append(each)
    found = []
    for (student, assignment), own in by_work.items():
        best, since = -1.0, 0
        for each in own:
            best, since = (each.points, 0) if each.points > best else (best, since + 1)
        if since >= _TRIES and best < most(assignment) and now - own[-1].at < _LATELY:
            found.append(Stuck(student, assignment, since, best, most(assignment)))
    return sorted(found, key=lambda each: (-each.tries, each.student))


def tries_at(course: Course, name: str) -> list[Try]:
    """Return the attempts at the assignment ``name`` that were handed in to the service; none if it never ran."""
    path = course.results / "service.db"
    if not path.is_file():
        return []
    found = AttemptStore(path).of_assignment(name)
    return [Try(each.student, each.at, each.points if each.outcome == "graded" else None) for each in found]

"""A page on the class: what was learned, what was not, which tests tell nothing, and what further attempts gained.

Attempts are counted where students hand in to the service.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path
from typing import NamedTuple

import jinja2
import msgspec

from autograder.authoring.adopted import units_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.gradebook.journal import Journal, ResultStore
from autograder.grading.result import CheckResult, Result

__all__ = [
    "AssignmentOverview",
    "CheckOverview",
    "ExerciseOverview",
    "MistakeCount",
    "TriesOverview",
    "Try",
    "overview",
    "tries_overview",
    "write_report",
]

# ---- attempts

_GROUPS = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 0))
"""How many attempts are counted together, from and to; 0 for any number."""


class Try(NamedTuple):
    """One attempt: whose, when it was handed in (aware), and its points by checks; None if it was not graded."""

    student: str
    at: dt.datetime
    points: float | None


class TriesOverview(msgspec.Struct, frozen=True):
    """The attempts at one assignment.

    Attributes:
        students: the number of students who handed in to the service.
        median, most: attempts per student.
        groups: the number of students by attempts, with a name for how many attempts these are.
        again: the number of students with two or more graded attempts.
        first, last: the mean points by checks of their first and of their last graded attempt; None without any.
        hours: the median time between those two, in hours; None without any. Nobody knows how much of it was work.
    """

    students: int
    median: float
    most: int
    groups: tuple[tuple[str, int], ...]
    again: int = 0
    first: float | None = None
    last: float | None = None
    hours: float | None = None


def tries_overview(tries: Iterable[Try]) -> TriesOverview | None:
    """Return the overview of the attempts at one assignment; None if there are none."""
    by_student: dict[str, list[Try]] = defaultdict(list)
    for each in sorted(tries, key=lambda each: each.at):
        by_student[each.student].append(each)
    if not by_student:
        return None
    counts = [len(own) for own in by_student.values()]
    graded = [[each for each in own if each.points is not None] for own in by_student.values()]
    several = [own for own in graded if len(own) > 1]
    groups = tuple((_named(low, high), _within(counts, low, high)) for low, high in _GROUPS)
    found = TriesOverview(len(counts), statistics.median(counts), max(counts), groups, len(several))
    if not several:
        return found
    return msgspec.structs.replace(
        found,
        first=statistics.fmean(own[0].points or 0.0 for own in several),
        last=statistics.fmean(own[-1].points or 0.0 for own in several),
        hours=statistics.median((own[-1].at - own[0].at).total_seconds() / 3600 for own in several),
    )


def _named(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}" if high else f"{low} or more"


def _within(counts: Sequence[int], low: int, high: int) -> int:
    return sum(low <= count <= (high or count) for count in counts)


# ---- the page

_FEW = 5
"""The number of submissions from which on a spread is shown."""

_BINS = 10
_MOST_BARS = 34


class ExerciseOverview(msgspec.Struct, frozen=True):
    """One exercise over a class.

    Attributes:
        name: the name of the function or class.
        max_points: the points that its checks can give.
        mean: the mean of the points.
        shares: the number of submissions that earned each tenth of the points, from none to all.
        discrimination: the correlation of its points with those of the rest, −1 to 1; None for a small class, or where
            everybody has the same.
        remark: a sentence on what is odd about it; empty if nothing is.
        median_seconds: the median time of its checks on one submission; None if all results are of an older version.
    """

    name: str
    max_points: float
    mean: float
    shares: tuple[int, ...]
    discrimination: float | None = None
    remark: str = ""
    median_seconds: float | None = None

    @property
    def percent(self) -> float:
        """The mean as a percentage of the points."""
        return 100 * self.mean / self.max_points if self.max_points else 0.0


class MistakeCount(msgspec.Struct, frozen=True):
    """A misconception, the number of submissions that show it, and what those students were told."""

    name: str
    exercise: str
    count: int
    explanation: str


class CheckOverview(msgspec.Struct, frozen=True):
    """A check that everybody passes, or nobody."""

    name: str
    exercise: str
    passed: int


class AssignmentOverview(msgspec.Struct, frozen=True):
    """One assignment over a class.

    Attributes:
        name, title: the name and title of the assignment.
        submissions: the number of results.
        unreadable: the number of files that could not be read.
        points: the points by checks, one number for each submission, sorted.
        max_points: the points that checks can give.
        exercises: the exercises in the assignment's order.
        mistakes: the most frequent first.
        everybody, nobody: checks that tell nothing, or that have a fault.
        median_seconds, longest_seconds: the time that grading one submission took.
        tries: the attempts, where students hand in to the service; None where they do not.
    """

    name: str
    title: str
    submissions: int
    unreadable: int
    points: tuple[float, ...]
    max_points: float
    exercises: tuple[ExerciseOverview, ...] = ()
    mistakes: tuple[MistakeCount, ...] = ()
    everybody: tuple[CheckOverview, ...] = ()
    nobody: tuple[CheckOverview, ...] = ()
    median_seconds: float = 0.0
    longest_seconds: float = 0.0
    tries: TriesOverview | None = None

    @property
    def histogram(self) -> tuple[tuple[float, int], ...]:
        """The start of each bin, in points, and the number of submissions in it; bins are whole points wide."""
        width = max(1, math.ceil(self.max_points / _MOST_BARS))
        counts = Counter(int(points // width) for points in self.points)
        return tuple((width * number, counts[number]) for number in range(int(self.max_points // width) + 1))

    @property
    def by_exercise(self) -> tuple[tuple[str, tuple[MistakeCount, ...]], ...]:
        """The misconceptions of each exercise, the commonest first in all."""
        found: dict[str, list[MistakeCount]] = {}
        for mistake in self.mistakes:
            found.setdefault(mistake.exercise, []).append(mistake)
        return tuple((name, tuple(mistakes)) for name, mistakes in found.items())

    @property
    def again(self) -> tuple[ExerciseOverview, ...]:
        """The exercises to teach again: at most three, those with the fewest of their points, below four fifths."""
        weak = [exercise for exercise in self.exercises if exercise.max_points and exercise.percent < 80]
        return tuple(sorted(weak, key=lambda each: each.percent)[:3])

    def commonest(self, exercise: str) -> MistakeCount | None:
        """Return the misconception of an exercise that more submissions show than any other; None if two lead."""
        found = [mistake for mistake in self.mistakes if mistake.exercise == exercise]
        return found[0] if found and all(mistake.count < found[0].count for mistake in found[1:]) else None

    @property
    def mean(self) -> float:
        """The mean of the points by checks."""
        return statistics.fmean(self.points) if self.points else 0.0

    @property
    def median(self) -> float:
        """The median of the points by checks."""
        return statistics.median(self.points) if self.points else 0.0


def write_report(
    course: Course,
    names: Sequence[str] | None = None,
    output: Path | None = None,
    tries: Callable[[str], Sequence[Try]] = lambda _: (),
) -> Path:
    """Write the page for the assignments ``names`` (default: all that have been graded). Return its path.

    In an adopted course, each notebook of an assignment has a part of its own.

    Args:
        tries: gives the attempts at an assignment, where students may try again.

    Raises:
        CourseError: nothing has been graded.
        AuthoringError: there is no such assignment.
    """
    found = [
        msgspec.structs.replace(overview(course, unit), tries=tries_overview(tries(name)))
        for name in names or course.assignments()
        for unit in units_of(course, name)
    ]
    graded = [each for each in found if each.submissions or each.unreadable]
    if not graded:
        raise CourseError(f"No result is stored in {course.results}. Grade first: autograder grade ASSIGNMENT")
    path = output or course.root / "report.html"
    page = _template().render(title=course.config.title or course.id, assignments=graded, bins=_BINS)
    write_atomically(path, page.encode())
    return path


def overview(course: Course, name: str) -> AssignmentOverview:
    """Return the overview of the stored results of one assignment.

    Raises:
        AuthoringError: there is no such assignment.
    """
    assignment = load_assignment(course, name)
    results, unreadable = _results(course, name)
    if not results:
        return AssignmentOverview(name, assignment.title, 0, unreadable, (), assignment.auto_points)
    seconds = [result.usage.wall_seconds for result in results]
    counted = Counter(check.check for result in results for check in result.checks if check.outcome == "passed")
    checks = [(cell, counted[cell.grade_id]) for cell in assignment.checks]
    return AssignmentOverview(
        name,
        assignment.title,
        len(results),
        unreadable,
        tuple(sorted(result.points for result in results)),
        assignment.auto_points,
        tuple(_exercises(assignment, results)),
        tuple(_mistakes(results)),
        tuple(CheckOverview(c.grade_id, c.exercise, n) for c, n in checks if n == len(results)),
        tuple(CheckOverview(c.grade_id, c.exercise, n) for c, n in checks if n == 0),
        statistics.median(seconds),
        max(seconds),
    )


def _results(course: Course, name: str) -> tuple[list[Result], int]:
    """Return the results of every student's last graded submission, and the number of files that could not be read."""
    store = ResultStore(course.results / "results")
    with Journal(course.results / "journal.db") as journal:
        entries = list(journal.entries(name).values())
    stored = (store.get(entry.result_key) for entry in entries if entry.result_key)
    return [result for result in stored if result is not None], sum(bool(entry.refusal) for entry in entries)


def _exercises(assignment: Assignment, results: Sequence[Result]) -> list[ExerciseOverview]:
    found = []
    for name in assignment.exercises:
        cells = [cell for cell in assignment.checks if assignment.exercise_of[cell.exercise] == name]
        most, wanted = sum(cell.points for cell in cells), {cell.grade_id for cell in cells}
        points = [sum(check.points for check in result.checks if check.check in wanted) for result in results]
        rest = [result.points - own for result, own in zip(results, points, strict=True)]
        shares = tuple(Counter(_bin(each, most) for each in points)[number] for number in range(_BINS + 1))
        together, seconds = _discrimination(points, rest), _median_seconds(results, wanted)
        remark = _remark(points, together, most)
        found.append(ExerciseOverview(name, most, statistics.fmean(points), shares, together, remark, seconds))
    return found


def _median_seconds(results: Sequence[Result], checks: Set[str]) -> float | None:
    """Return the median time that ``checks`` took, over the results that know it and that reached one of them."""
    known = [[seconds for check, seconds in result.usage.checks.items() if check in checks] for result in results]
    return statistics.median(taken) if (taken := [sum(each) for each in known if each]) else None


def _bin(points: float, most: float) -> int:
    return int(_BINS * points / most + 1e-9) if most else 0


def _discrimination(points: Sequence[float], rest: Sequence[float]) -> float | None:
    """Return the correlation of an exercise's points with all others; None where it has no meaning."""
    if len(points) < _FEW or len(set(points)) < 2 or len(set(rest)) < 2:
        return None
    return statistics.correlation(points, rest)


def _remark(points: Sequence[float], together: float | None, most: float) -> str:
    """Return what is odd about an exercise's points; nothing is said of a small class."""
    if len(points) < _FEW or not most:
        return ""
    none, full = sum(not each for each in points), sum(each == most for each in points)
    if together is not None and together < 0:
        return "Those who are good at the rest do worse here: look at the checks and at the wording."
    if none + full == len(points) and min(none, full) >= len(points) / 5:
        return "All or nothing: the class falls into two halves."
    return ""


def _mistakes(results: Sequence[Result]) -> list[MistakeCount]:
    """Count the submissions that show each misconception; a submission counts once for each."""
    seen: dict[str, CheckResult] = {}
    counts: Counter[str] = Counter()
    for result in results:
        diagnosed = {check.diagnosis: check for check in result.checks if check.diagnosis}
        seen.update(diagnosed)
        counts.update(diagnosed.keys())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [MistakeCount(name, seen[name].exercise, count, seen[name].explanation) for name, count in ranked]


def _span(hours: float) -> str:
    """Return a time in the unit that people would use for it."""
    if hours < 1:
        return f"{60 * hours:.0f} minutes"
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"


def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("autograder.reporting")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["span"] = _span
    return environment.get_template("report.html.j2")

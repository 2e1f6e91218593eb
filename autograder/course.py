"""A course: its folders, its configuration (``course.toml``), its secret and its deadlines.

Deadlines are times in course.toml, personal extensions, and the price of lateness. Nothing here decides about a
submission: :mod:`autograder.gradebook.lateness` applies them to a time stamp, and is the only module that does.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
import tomllib
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from autograder.errors import CourseError
from autograder.roster import FILE_NAME as ROSTER_NAME
from autograder.roster import Roster
from autograder.secrets import Secret
from autograder.settings import AssignmentSettings, CourseConfig

__all__ = ["EXAMPLE", "Course", "Extension", "LatePolicy", "read_settings", "read_times"]

T = TypeVar("T")


# ---- deadlines

EXAMPLE = "2026-03-02T23:59:00+01:00"
DAY = 24 * 60 * 60
_YEARS = range(1970, 9000)  # Outside of these, adding a zone or an extension can leave the calendar.
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(minute|hour|day|week)s?\s*", re.IGNORECASE)
_SECONDS = {"minute": 60, "hour": 3600, "day": DAY, "week": 7 * DAY}
_MOST_DAYS = 3650.0  # Ten years: what is set to this is not limited.
_LONGEST = _MOST_DAYS * DAY


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A later deadline for one student or group; exactly one of the two is set.

    Attributes:
        until: the new deadline, in UTC.
        seconds: the seconds past the assignment's own deadline.
    """

    until: dt.datetime | None = None
    seconds: float = 0.0

    def applied(self, due: dt.datetime) -> dt.datetime:
        """Return the deadline in place of ``due``; an aware time."""
        return self.until or due + dt.timedelta(seconds=self.seconds)


class LatePolicy(msgspec.Struct, frozen=True):
    """The price of lateness; the fields are those of :class:`autograder.settings.GradingSettings`."""

    grace_minutes: float = 0.0
    late_penalty_per_day: float = 0.0
    late_penalty_fixed: float = 0.0
    late_penalty_max: float = 1.0
    late_days_accepted: float = _MOST_DAYS
    late_unknown: str = "ask"

    @property
    def free(self) -> bool:
        """True if lateness never costs anything."""
        shares = self.late_penalty_per_day + self.late_penalty_fixed
        return shares * self.late_penalty_max == 0 and self.late_days_accepted >= _MOST_DAYS

    def share(self, seconds: float) -> float:
        """Return the share of the points earned, 0 to 1, that work late by ``seconds`` loses."""
        if seconds <= 0:
            return 0.0
        if seconds > self.late_days_accepted * DAY:
            return 1.0
        lost = self.late_penalty_fixed + self.late_penalty_per_day * math.ceil(seconds / DAY)
        return min(lost, self.late_penalty_max)


def read_times(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the content of course.toml with each time as an aware one in UTC.

    A date means the end of that day; for an opening, its beginning. A time without a zone is in the course's
    ``time_zone``.

    Raises:
        CourseError: something that should be a time is not; names file, key and value.
    """
    zone = _zone(content.get("time_zone", "UTC"), path)
    read = dict(content)
    if isinstance(tables := content.get("assignments"), dict):
        read["assignments"] = {name: _with_times(name, table, zone, path) for name, table in tables.items()}
    if isinstance(people := content.get("extensions"), dict):
        read["extensions"] = {who: _granted(table, f"extensions.{who}", zone, path) for who, table in people.items()}
    return read


def _zone(name: Any, path: Path) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, TypeError, KeyError):
        _refuse(path, "time_zone", name, "a time zone", 'Write it as "Europe/London" or "UTC"')


def _with_times(name: str, table: Any, zone: ZoneInfo, path: Path) -> Any:
    if not isinstance(table, dict):
        return table
    read = dict(table)
    for key in ("opens", "due", "closes"):
        if key in table:
            read[key] = _time(_from_its_start(table[key], key), f"assignments.{name}.{key}", zone, path)
    return read


def _from_its_start(value: Any, key: str) -> Any:
    """Return a date on which something opens as the beginning of that day; anything else as it is."""
    if key != "opens" or isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and len(value.strip()) == 10:
        return f"{value.strip()}T00:00:00"
    return dt.datetime.combine(value, dt.time.min) if isinstance(value, dt.date) else value


def _granted(table: Any, key: str, zone: ZoneInfo, path: Path) -> dict[str, Extension]:
    if not isinstance(table, dict):
        _refuse(path, key, table, "a table", "Write the extension under an assignment's name")
    return {name: _extension(value, f"{key}.{name}", zone, path) for name, value in table.items()}


def _extension(value: Any, key: str, zone: ZoneInfo, path: Path) -> Extension:
    if isinstance(value, str) and (span := _SPAN.fullmatch(value)):
        return Extension(seconds=_span(float(span[1]) * _SECONDS[span[2].lower()], value, key, path))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Extension(seconds=_span(float(value) * DAY, value, key, path))
    return Extension(until=_time(value, key, zone, path, ' or "3 days"'))


def _span(seconds: float, value: Any, key: str, path: Path) -> float:
    if not 0 <= seconds <= _LONGEST:
        _refuse(path, key, value, "an extension", "Give 0 to 3650 days, or the new deadline itself")
    return seconds


def _time(value: Any, key: str, zone: ZoneInfo, path: Path, other: str = "") -> dt.datetime:
    """Return the moment that ``value`` names, in UTC."""
    moment = _parsed(value)
    if moment is None:
        _refuse(path, key, value, "a time", f"Write it as {EXAMPLE}{other}")
    if moment.year not in _YEARS:
        _refuse(path, key, value, "a deadline", f"Its year must be within {_YEARS[0]} and {_YEARS[-1]}")
    if moment.tzinfo is None:
        # Where clocks go back an hour happens twice: the later one is meant in the student's favour.
        both = [moment.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1)]
        return max(both)
    return moment.astimezone(dt.UTC)


def _parsed(value: Any) -> dt.datetime | None:
    if isinstance(value, str):
        try:
            text = value.strip()
            value = dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text)
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        return value
    return dt.datetime.combine(value, dt.time.max) if isinstance(value, dt.date) else None


def _refuse(path: Path, key: str, value: Any, what: str, remedy: str) -> NoReturn:
    shown = value.isoformat() if isinstance(value, dt.date | dt.time) else repr(value)[:80]
    raise CourseError(f"{path}, {key}: {shown} is not {what}. {remedy}.")


def read_settings(path: Path, kind: type[T]) -> T:
    """Return the settings in a TOML file that may hold times.

    Raises:
        CourseError: it cannot be read, or a key of it is wrong; names the file and the key.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return msgspec.convert(read_times(tomllib.loads(text), path), kind)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path} cannot be read: {error}{_quoted(text, str(error))}. Correct the file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}. Correct the file.") from error
    except msgspec.ValidationError as error:
        raise CourseError(f"{path}: {error}. Correct that key; docs/graders.md lists them all.") from error


def _quoted(text: str, complaint: str) -> str:
    """Return the line that a complaint of the TOML reader is about, and for a time how to write one."""
    found = re.search(r"at line (\d+)", complaint)
    lines = text.splitlines()
    if not found or int(found[1]) > len(lines):
        return ""
    line = lines[int(found[1]) - 1].strip()
    hint = f". A time is written as {EXAMPLE}" if re.search(r"=\s*\d+[-:.]", line) else ""
    return f", which reads: {line[:120]}{hint}"


# ---- the course

FILE_NAME = "course.toml"
ADOPTED_NAME = "adopted.toml"
SECRET_NAME = ".course-secret"


class Course:
    """A course on disk.

    Attributes:
        root: the folder that holds course.toml.
        config: the validated configuration.
    """

    def __init__(self, root: Path, config: CourseConfig) -> None:
        self.root = root
        self.config = config

    def __repr__(self) -> str:
        return f"Course({self.id!r} at {self.root})"

    @classmethod
    def find(cls, path: Path | str | None = None) -> Course:
        """Return the course whose course.toml is in ``path`` (default: here) or in the nearest folder above it.

        Raises:
            CourseError: there is no course.toml, or it is wrong; names the key.
        """
        start = Path(path or ".").resolve()
        for folder in (start, *start.parents):
            if (folder / FILE_NAME).is_file():
                return cls(folder, read_settings(folder / FILE_NAME, CourseConfig))
        raise CourseError(
            f"There is no {FILE_NAME} in {start} or above it. Go to the course's folder, or name it with --course."
        )

    @property
    def id(self) -> str:
        """The course's name, as in nbgrader's ``course_id``."""
        return self.config.id

    @cached_property
    def secret(self) -> Secret:
        """The course secret: fixed for a test course, else made on first use beside course.toml."""
        if self.config.fixed_secret:
            return Secret.fixed(self.config.fixed_secret)
        return Secret.load_or_make(self.root / SECRET_NAME)

    @property
    def gradebook_url(self) -> str:
        """The gradebook's database URL; by default SQLite's ``gradebook.db`` beside course.toml."""
        return self.config.gradebook or f"sqlite:///{self.root / 'gradebook.db'}"

    @cached_property
    def adopted(self) -> bool:
        """True if this is an adopted nbgrader course, whose notebooks are graded as they are (docs/adopting.md)."""
        return (self.root / ADOPTED_NAME).is_file()

    def _folder(self, name: str) -> Path:
        return (self.root / name).resolve()

    @property
    def source(self) -> Path:
        """The folder in which instructors edit (``solutions/``)."""
        return self._folder(self.config.directories.source)

    @property
    def release(self) -> Path:
        """The folder of the notebooks that students get (``notebooks/``)."""
        return self._folder(self.config.directories.release)

    @property
    def submitted(self) -> Path:
        """The folder of the students' work: ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``."""
        return self._folder(self.config.directories.submitted)

    @property
    def autograded(self) -> Path:
        """The folder of graded notebooks, as nbgrader lays them out."""
        return self._folder(self.config.directories.autograded)

    @property
    def feedback(self) -> Path:
        """The folder of feedback: a page for each student and assignment."""
        return self._folder(self.config.directories.feedback)

    @property
    def results(self) -> Path:
        """The folder of stored results, the journal, and what else the grader keeps for itself."""
        return self._folder(self.config.directories.results)

    @property
    def data(self) -> Path:
        """The folder of images and datasets that notebooks read, and that the sandbox shows to students' code."""
        return self._folder(self.config.directories.data)

    @property
    def hidden_data(self) -> Path:
        """The folder of data for hidden tests, which only the trusted side reads."""
        return self._folder(self.config.directories.hidden_data)

    def assignments(self) -> list[str]:
        """Return the names of the assignments that have a source, in order."""
        folders = (folder for folder in self.source.glob("*") if not folder.name.startswith("."))
        return sorted(folder.name for folder in folders if any(folder.glob("*.ipynb")))

    def settings(self, assignment: str) -> AssignmentSettings:
        """Return the settings of ``assignment``; defaults where course.toml does not set them."""
        return self.config.assignments.get(assignment, AssignmentSettings())

    def late_policy(self, assignment: str) -> LatePolicy:
        """Return the price of lateness in ``assignment``: its own settings, and the course's where it has none."""
        own, shared = self.settings(assignment), self.config.grading

        def chosen(name: str) -> Any:
            value = getattr(own, name)
            return getattr(shared, name) if value is None else value

        return LatePolicy(**{name: chosen(name) for name in LatePolicy.__struct_fields__})

    def extensions(self, assignment: str, names: Collection[str]) -> list[Extension]:
        """Return the extensions in course.toml for ``assignment`` that are granted to any of ``names``.

        Args:
            names: a student's id, and the group's name if there is one.
        """
        granted: dict[str, dict[str, Extension]] = self.config.extensions
        by_student = [granted.get(name, {}).get(assignment) for name in names]
        by_assignment = [granted.get(assignment, {}).get(name) for name in names]
        return [each for each in (*by_student, *by_assignment) if each is not None]

    def remarks(self) -> list[str]:
        """Return the oddities of course.toml that are not errors, as sentences for the person who grades.

        Settings of a missing assignment may be meant for a later one, or its name is mistyped: then its due date
        applies to nobody.
        """
        known = sorted(folder.name for folder in self.source.glob("*") if folder.is_dir())
        strays = [_stray(name, known) for name in self.config.assignments if name not in known]
        return [*strays, *self._stray_extensions(known)]

    def _stray_extensions(self, known: list[str]) -> Iterator[str]:
        people = self._people()
        for outer, granted in self.config.extensions.items():
            for inner in granted:
                who = inner if outer in known else outer
                if outer not in known and inner not in known:
                    yield (
                        f"{FILE_NAME}, [extensions]: neither {outer} nor {inner} is an assignment, so this has no "
                        f"effect. There are: {', '.join(known) or 'none'}."
                    )
                elif people and who not in people:
                    yield f"{FILE_NAME}, [extensions]: {who} is neither a student nor a group of {ROSTER_NAME}."

    def _people(self) -> set[str]:
        """Return the ids and groups of the roster; none if it is missing or wrong, which others report."""
        path = self.root / ROSTER_NAME
        try:
            students = Roster.read(path).students if path.is_file() else ()
        except CourseError:
            return set()
        return {name for each in students for name in (each.id, each.group) if name}


def _stray(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    guess = f" Did you mean {close[0]}?" if close else ""
    listed = ", ".join(known) or "none"
    return (
        f"{FILE_NAME}, [assignments.{name}]: there is no such assignment yet, so what it says counts for none of them."
        f"{guess} There are: {listed}."
    )

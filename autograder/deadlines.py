"""Deadlines: times in course.toml, personal extensions, and the price of lateness.

This module decides nothing about a submission by itself; :mod:`autograder.gradebook.lateness` applies it to a time
stamp, and that is the only place which does.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from autograder.errors import CourseError

__all__ = ["EXAMPLE", "Extension", "LatePolicy", "read_settings", "read_times"]

T = TypeVar("T")

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

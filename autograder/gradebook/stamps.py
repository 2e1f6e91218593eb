"""Time stamps: moments as platforms and people write them, and the files that hold them.

Every time zone is understood or refused, and nothing is guessed. nbgrader's own reader of ``timestamp.txt`` drops a
zone that it does not know, takes ``+0100`` for a hundred seconds, and ends the run for everybody over a text that is
not a time. Here a stamp is understood, or its fault is told and concerns that submission alone.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import re
import stat
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import dateutil.parser  # type: ignore[import-untyped]
import msgspec

from autograder.course import Course
from autograder.errors import CourseError, GradebookError
from autograder.files import open_handed_in

__all__ = [
    "LATENESS",
    "TIMESTAMP",
    "Stamp",
    "is_late_by_unknown_time",
    "read_moment",
    "read_stamp",
    "read_timestamp",
    "stamp_bytes",
    "stamp_content",
    "stamped",
    "time_zone",
    "timestamp_in",
]

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[ T_-]+(?P<hour>\d{1,2})[:-](?P<minute>\d{2})"
    r"(?:[:-](?P<second>\d{2})(?:[.,](?P<part>\d+))?)?"
    r"\s*(?P<zone>(?!\s|[AaPp]\.?[Mm]\.?(?:\s|$)).*)"
)
_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?", re.IGNORECASE)
_REGION = re.compile(r"\b[A-Za-z]+(?:/[A-Za-z0-9_+\-]+)+(?<![+\-])")
_YEAR = re.compile(r"(?<!\d)(?:\d{4}(?!\d)|\d{8}(?!\d)|\d{8}T|\d{12}(?!\d)|\d{14}(?!\d))")
_DAY_OR_MONTH = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-]\d{4}")
_SKIPPED_WORDS = {"m", "t", "at", "on", "and", "ad", "of", "st", "nd", "rd", "th"}  # by dateutil, without a word
# Hours; names that no zone of today has in the table of zones.
_SUPPLEMENT = {"Z": 0, "UT": 0, "MET": 1, "MEST": 2, "MEZ": 1, "MESZ": 2, "SGT": 8, "NPT": 5.75}
_YEARS = range(2000, 2201)  # Zero times of archives and computers, 1970 and 1980, lie outside, and so do 1 and 9999.
_MOST_HOURS = 14


def time_zone(name: str) -> dt.tzinfo:
    """Return the time zone called ``name``, such as Europe/London or +0100.

    Raises:
        CourseError: there is none.
    """
    if found := _OFFSET.fullmatch(name):
        return _offset_zone(found)
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise CourseError(f"'{name}' is not a time zone. Write one such as Europe/London or UTC.") from error


def read_moment(text: str, zone: dt.tzinfo = dt.UTC, local: dt.tzinfo | None = None) -> dt.datetime:
    """Return the moment that ``text`` names, in UTC.

    Args:
        text: a date and a time of day, and perhaps a zone: an offset, a name such as Europe/London, or an abbreviation.
        zone: the zone of a time that names none.
        local: what decides between the meanings of an abbreviation; default ``zone``.

    Raises:
        ValueError: it is not a moment, or its day or zone has no or several meanings; the message is for people.
    """
    text = " ".join(text.split())[:100]
    try:
        moment, names = _split(text)
        zones = [_zone_named(name, moment, local or zone) for name in names] or [zone]
        moments = {moment.replace(tzinfo=each).astimezone(dt.UTC) for each in zones}
    except (OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"'{text}' is not a time") from error
    if len(moments) > 1:
        raise ValueError(f"'{text}' names two time zones that differ")
    (moment,) = moments
    if moment.year not in _YEARS:
        raise ValueError(f"'{text}' is not a time at which anybody hands in")
    return moment


def _split(text: str) -> tuple[dt.datetime, list[str]]:
    """Return date and time of day, and the names of zones beside them."""
    if not (found := _ISO.fullmatch(text)):
        return _in_words(text)
    part = (found["part"] or "0")[:6].ljust(6, "0")
    clock = f"{found['hour']:0>2}:{found['minute']}:{found['second'] or '00'}.{part}"
    try:
        return dt.datetime.fromisoformat(f"{found['date']} {clock}"), _without_prefix(found["zone"]).split()
    except ValueError as error:
        raise ValueError(f"'{text}' is not a time") from error


def _without_prefix(text: str) -> str:
    """Return the text without brackets, and with ``UTC +1`` as the offset that everybody means."""
    text = re.sub(r"(?<!/)\b(?:UTC|GMT)\s*(?=[+-]\d)", "", text, flags=re.IGNORECASE)
    return " ".join(re.sub(r"[()\[\]]", " ", text).split())


def _in_words(text: str) -> tuple[dt.datetime, list[str]]:
    """Return date and time of day in another form, and the names of zones. A part that is missing is refused."""
    named = re.search(r"([+-]\d\d:?\d\d)\s*\(([^()]*)\)", text)  # as in mails: +0100 (CET)
    plain = _without_prefix(text.replace(named[0], named[1]) if named else text)
    bare = " ".join(_REGION.sub(" ", plain).split())
    _refuse_guesses(bare, text)
    names = _REGION.findall(plain) + ([named[2]] if named else [])

    def zone(name: str | None, seconds: int | None) -> None:
        names.extend(each for each in (name, _offset_beside(name, seconds)) if each)

    # Read twice over different days: what the text leaves open would come from the default.
    defaults = [dt.datetime(2001, 1, 1, 1, 7), dt.datetime(2003, 3, 3, 2, 14)]  # noqa: DTZ001 -- the text brings one
    try:
        first, second = (dateutil.parser.parse(bare.upper(), default=each, tzinfos=zone) for each in defaults)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"'{text}' is not a time") from error
    if first != second:
        raise ValueError(f"'{text}' is not a whole time: it needs a date and a time of day")
    return first, list(dict.fromkeys(names))


def _offset_beside(name: str | None, seconds: int | None) -> str:
    """Return an offset as text; empty if there is none, or none but that of UTC."""
    return "" if seconds is None or (name and not seconds) else _shown(dt.timedelta(seconds=seconds))


def _refuse_guesses(text: str, shown: str) -> None:
    """Refuse what the parser would guess: which number is the year, the month or the zone.

    Raises:
        ValueError: the text leaves it open.
    """
    if not _YEAR.search(text) or (text.isdigit() and len(text) not in (8, 12, 14)):
        raise ValueError(f"'{shown}' is not a time with a year of four digits")
    found = _DAY_OR_MONTH.search(text)
    if found and max(int(found[1]), int(found[2])) <= 12 and found[1] != found[2]:
        raise ValueError(f"'{shown}' is not a certain day: day and month cannot be told apart")
    last = re.search(r"\s([A-Za-z]+)$", text)
    if last and last[1].lower() in _SKIPPED_WORDS:
        raise ValueError(f"'{last[1]}' is not a time zone that is known here; write an offset such as +0100")


def _zone_named(name: str, moment: dt.datetime, local: dt.tzinfo) -> dt.tzinfo:
    if found := _OFFSET.fullmatch(name):
        return _offset_zone(found)
    if name.upper() in _SUPPLEMENT:
        return dt.timezone(dt.timedelta(hours=_SUPPLEMENT[name.upper()]))
    if own := _meanings_in(local, moment.year).get(name.upper()):
        return dt.timezone(own)
    if "/" in name or name.upper() in ("UTC", "GMT"):
        return _region(name)
    return _abbreviated(name, moment.year)


def _region(name: str) -> dt.tzinfo:
    if name.upper() in ("UTC", "GMT"):
        return dt.UTC
    known = {each.lower(): each for each in available_timezones()}
    if name.lower() not in known:
        raise ValueError(f"'{name}' is not a time zone that is known here; write an offset such as +0100")
    return ZoneInfo(known[name.lower()])


def _abbreviated(name: str, year: int) -> dt.tzinfo:
    offsets = _all_meanings(year).get(name.upper(), frozenset())
    if len(offsets) == 1:
        (offset,) = offsets
        return dt.timezone(offset)
    if not offsets:
        raise ValueError(f"'{name}' is not a time zone that is known here; write an offset such as +0100")
    shown = " or ".join(_shown(offset) for offset in sorted(offsets))
    raise ValueError(f"the time zone '{name}' means {shown}; write the offset, or name the region with --zone")


def _offset_zone(found: re.Match[str]) -> dt.tzinfo:
    minutes = 60 * int(found["hours"]) + int(found["minutes"] or 0)
    if minutes > _MOST_HOURS * 60:
        raise ValueError(f"'{found[0]}' is not a time zone: offsets end at {_MOST_HOURS} hours")
    return dt.timezone(dt.timedelta(minutes=-minutes if found["sign"] == "-" else minutes))


def _meanings_in(zone: dt.tzinfo, year: int) -> dict[str, dt.timedelta]:
    """Return the abbreviations that ``zone`` uses in ``year``, with their offsets from UTC."""
    if year not in _YEARS:
        return {}
    days = [dt.datetime(year, month, 15, tzinfo=zone) for month in (1, 4, 7, 10)]
    return {(day.tzname() or "").upper(): day.utcoffset() or dt.timedelta() for day in days}


@cache
def _all_meanings(year: int) -> dict[str, frozenset[dt.timedelta]]:
    """Return every abbreviation that a region of the world uses in ``year``, with all of its offsets."""
    found: dict[str, set[dt.timedelta]] = {}
    for name in sorted(available_timezones()):
        for short, offset in _meanings_in(ZoneInfo(name), year).items():
            found.setdefault(short, set()).add(offset)
    return {short: frozenset(offsets) for short, offsets in found.items() if short.isalpha()}


def _shown(offset: dt.timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


# ---- the files beside a notebook

TIMESTAMP = "timestamp.txt"
LATENESS = "lateness.txt"
"""The file beside a notebook with the word ``unknown``: the platform calls it late and does not tell by how much."""

_MOST_BYTES = 1000
_REMEDY = "Write the time there, as 2026-11-23 12:00 UTC"


class Stamp(msgspec.Struct, frozen=True):
    """The time stamp of one submission.

    Attributes:
        at: the moment when it was handed in, in UTC without a zone; None if that is not known.
        unknown: whether the platform calls it late without telling by how much.
        fault: the reason why the stamp cannot be read, and what to do; empty if it can.
    """

    at: dt.datetime | None = None
    unknown: bool = False
    fault: str = ""


def read_stamp(course: Course, student: str, assignment: str) -> Stamp:
    """Return the stamp of a submission; one that is not a time is a fault of that submission alone."""
    folder = course.submitted / student / assignment
    try:
        moment = read_timestamp(course, student, assignment)
    except GradebookError as error:
        return Stamp(fault=str(error))
    if moment is not None:
        return Stamp(at=moment)
    if (folder / TIMESTAMP).exists():
        return Stamp(fault=f"{folder / TIMESTAMP} is empty. {_REMEDY}, or remove it.")
    try:
        return Stamp(unknown=b"unknown" in stamp_content(folder / LATENESS).lower().split())
    except FileNotFoundError:
        return Stamp()
    except OSError as error:
        return Stamp(
            fault=f"{folder / LATENESS} cannot be read: {error}. Remove it, or write the word unknown into it."
        )


def read_timestamp(course: Course, student: str, assignment: str) -> dt.datetime | None:
    """Return when a submission was handed in, in UTC without a zone, by its ``timestamp.txt``; None if it has no text.

    Raises:
        GradebookError: the file does not hold a time.
    """
    return timestamp_in(course.submitted / student / assignment / TIMESTAMP, ZoneInfo(course.config.time_zone))


def is_late_by_unknown_time(course: Course, student: str, assignment: str) -> bool:
    """Return whether a submission is late by a platform's word alone, which does not tell by how much."""
    return read_stamp(course, student, assignment).unknown


def stamp_bytes(folder: Path) -> bytes:
    """Return the content of both files in ``folder``, to see whether they changed; a fault is content, too."""
    found = []
    for name in (TIMESTAMP, LATENESS):
        try:
            found.append(stamp_content(folder / name))
        except FileNotFoundError:
            found.append(b"")
        except OSError as error:
            found.append(str(error).encode())
    return b"\0".join(found)


def timestamp_in(path: Path, here: dt.tzinfo) -> dt.datetime | None:
    """Return the time in the file at ``path``, as :func:`read_timestamp`; ``here`` is the course's time zone."""
    try:
        text = stamp_content(path).decode("utf-8-sig").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GradebookError(f"{path} cannot be read: {error.strerror or error}. {_REMEDY}.") from error
    except UnicodeDecodeError as error:
        raise GradebookError(f"{path} contains bytes that are not text, instead of a time. {_REMEDY}.") from error
    try:
        return stamped(text, here) if text else None
    except ValueError as error:
        raise GradebookError(f"{path} does not contain a time: {error}. {_REMEDY}.") from error


def stamp_content(path: Path) -> bytes:
    """Return the bytes of a small regular file; a link or a pipe is neither followed nor waited for."""
    try:
        descriptor = open_handed_in(path)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise OSError("it is not a file but a link") from error
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            raise OSError("it is not a file with a time in it, or too large for one")
        return stream.read(_MOST_BYTES)


def stamped(text: str, here: dt.tzinfo = dt.UTC) -> dt.datetime:
    """Return the moment that ``text`` names, in UTC without a zone; without one it is UTC, as in nbgrader.

    Args:
        text: a moment such as ``2026-11-23 12:00 UTC``, or with ``+01:00``, ``CET`` or ``Europe/Berlin``.
        here: the course's time zone, which settles an abbreviation that several zones use.

    Raises:
        ValueError: it is not a time, or its day or zone is not certain.
    """
    return read_moment(text, dt.UTC, here).replace(tzinfo=None)

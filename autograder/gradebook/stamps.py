"""Time stamps of submissions: ``timestamp.txt`` as nbgrader and people write it, read without ever guessing a zone.

nbgrader's own reader drops a zone that it does not know, takes ``+0100`` for a hundred seconds, and ends the run for
everybody over a text that is not a time. This one understands a stamp or tells why it does not.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import re
import stat
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import dateutil.parser  # type: ignore[import-untyped]
import msgspec

from autograder.course import Course
from autograder.errors import GradebookError
from autograder.submission.opening import open_handed_in

__all__ = [
    "LATENESS",
    "TIMESTAMP",
    "Stamp",
    "is_late_by_unknown_time",
    "read_stamp",
    "read_timestamp",
    "stamp_bytes",
    "stamped",
    "timestamp_in",
]

TIMESTAMP = "timestamp.txt"
LATENESS = "lateness.txt"
"""The file beside a notebook with the word ``unknown``: the platform calls it late and does not tell by how much."""

_MOST_BYTES = 1000
_YEARS = range(2000, 3000)  # Zero times of archives and computers, 1970 and 1980, lie outside, and so do 1 and 9999.
_REMEDY = "Write the time there, as 2026-11-23 12:00 UTC"
_LARGEST_OFFSET = 14 * 60 * 60
_REGION = re.compile(r"\b[A-Za-z]+(?:/[A-Za-z0-9_+\-]+)+(?<![+\-])")
_YEAR = re.compile(r"(?<!\d)(?:\d{4}(?!\d)|\d{8}(?!\d)|\d{8}T|\d{12}(?!\d)|\d{14}(?!\d))")
_DAY_OR_MONTH = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-]\d{4}")
_SKIPPED_WORDS = {"m", "t", "at", "on", "and", "ad", "of", "st", "nd", "rd", "th"}  # by dateutil, without a word
_UTC = {"utc", "gmt", "z"}
# Abbreviations in use for one offset only, in hours from UTC.
_ABBREVIATIONS = {
    "wet": 0, "west": 1, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "met": 1, "mest": 2, "eet": 2, "eest": 3, "msk": 3,
    "edt": -4, "mdt": -6, "pdt": -7, "hst": -10, "akst": -9, "akdt": -8, "jst": 9, "kst": 9, "hkt": 8, "sgt": 8,
    "aest": 10, "aedt": 11, "acst": 9.5, "acdt": 10.5, "awst": 8, "nzst": 12, "nzdt": 13, "sast": 2, "eat": 3, "wib": 7,
    "pkt": 5, "npt": 5.75,
}  # fmt: skip
_AMBIGUOUS = {"est", "cst", "cdt", "mst", "pst", "bst", "ist", "ast", "gst", "adt", "amt", "sst", "ect", "wst", "wat"}


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
        return Stamp(unknown=b"unknown" in _content(folder / LATENESS).lower().split())
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
            found.append(_content(folder / name))
        except FileNotFoundError:
            found.append(b"")
        except OSError as error:
            found.append(str(error).encode())
    return b"\0".join(found)


def timestamp_in(path: Path, here: dt.tzinfo) -> dt.datetime | None:
    """Return the time in the file at ``path``, as :func:`read_timestamp`; ``here`` is the course's time zone."""
    try:
        text = _content(path).decode("utf-8-sig").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GradebookError(f"{path} cannot be read: {error.strerror or error}. {_REMEDY}.") from error
    except UnicodeDecodeError as error:
        raise GradebookError(f"{path} does not hold a time but bytes that are not text. {_REMEDY}.") from error
    try:
        return stamped(text, here) if text else None
    except ValueError as error:
        raise GradebookError(f"{path} does not hold a time but '{text[:40]}'{error}. {_REMEDY}.") from error


def _content(path: Path) -> bytes:
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
        ValueError: it is not a time, or its day or zone is not certain; the message continues a sentence.
    """
    bare, region = _region(_plain(text))
    _refuse_guesses(bare)
    # Parsed twice over different days: what the text leaves open would come from the default.
    defaults = [dt.datetime(4, number, number) for number in (1, 2)]  # noqa: DTZ001 -- the text may bring a zone
    moments = [_parsed(bare, default, here) for default in defaults]
    if moments[0].date() != moments[1].date():
        raise ValueError(", which names no day")
    moment = moments[0]
    if moment.year not in _YEARS:
        raise ValueError(f", and nobody hands in in the year {moment.year}")
    if region is not None and moment.tzinfo is not None:
        raise ValueError(", which names two time zones")
    zone = region or moment.tzinfo or dt.UTC
    return moment.replace(tzinfo=zone).astimezone(dt.UTC).replace(tzinfo=None)


def _plain(text: str) -> str:
    """Return the text in capitals, as the parser knows zones, and with ``UTC+1`` as the offset that everybody means."""
    text = re.sub(r"(?<!/)\b(?:UTC|GMT)\s*(?=[+-]\d)", "", text.upper())
    return text if re.search(r"[+-]\d\d:?\d\d\s*\(", text) else re.sub(r"[()\[\]]", " ", text).strip()


def _region(text: str) -> tuple[str, ZoneInfo | None]:
    """Return the text without a zone such as ``Europe/Berlin``, and that zone."""
    found = _REGION.search(text)
    if found is None:
        return text, None
    known = {each.lower(): each for each in available_timezones()}
    if found[0].lower() not in known:
        raise ValueError(f", and {found[0]} is not a time zone")
    return f"{text[: found.start()]} {text[found.end() :]}".strip(" ()[]"), ZoneInfo(known[found[0].lower()])


def _refuse_guesses(text: str) -> None:
    """Refuse what the parser would guess: which number is the year, the month or the zone.

    Raises:
        ValueError: the text leaves it open.
    """
    if not _YEAR.search(text) or (text.isdigit() and len(text) not in (8, 12, 14)):
        raise ValueError(", without a year of four digits" if re.search(r"\d", text) else "")
    found = _DAY_OR_MONTH.search(text)
    if found and max(int(found[1]), int(found[2])) <= 12 and found[1] != found[2]:
        raise ValueError(", in which day and month cannot be told apart")
    last = re.search(r"\s([A-Za-z]+)[)\]]?$", text)
    if last and last[1].lower() in _SKIPPED_WORDS:
        raise ValueError(f", and {last[1]} is not a time zone")


def _parsed(text: str, default: dt.datetime, here: dt.tzinfo) -> dt.datetime:
    local: list[str] = []

    def zone(name: str | None, offset: int | None) -> dt.tzinfo | None:
        if offset is not None:
            return _offset(name, offset)
        if name is not None and name.lower() in _AMBIGUOUS:
            local.append(name)
            return None
        return None if name is None else _named(name)

    try:
        moment: dt.datetime = dateutil.parser.parse(text, default=default, tzinfos=zone)
    except (dateutil.parser.ParserError, OverflowError, TypeError, RecursionError, AttributeError) as error:
        raise ValueError("") from error
    if not local:
        return moment
    if moment.replace(tzinfo=here).tzname() != local[0]:
        raise ValueError(f", and {local[0]} stands for several time zones")
    return moment.replace(tzinfo=here)


def _offset(name: str | None, seconds: int) -> dt.tzinfo:
    if abs(seconds) > _LARGEST_OFFSET:
        raise ValueError(", whose offset from UTC is too large")
    if (
        name is not None
        and name.lower() not in _UTC | _AMBIGUOUS
        and _named(name).utcoffset(None) != dt.timedelta(0, seconds)
    ):
        raise ValueError(f", whose offset is not that of {name}")
    return dt.timezone(dt.timedelta(seconds=seconds))


def _named(name: str) -> dt.tzinfo:
    key = name.lower()
    if key in _UTC:
        return dt.UTC
    if key not in _ABBREVIATIONS:
        raise ValueError(f", and {name} is not a time zone that is understood")
    return dt.timezone(dt.timedelta(hours=_ABBREVIATIONS[key]))

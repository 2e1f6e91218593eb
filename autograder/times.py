"""Moments as platforms and people write them: every time zone is understood or refused, none is dropped."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import dateutil.parser  # type: ignore[import-untyped]

from autograder.errors import CourseError

__all__ = ["read_moment", "time_zone"]

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[ T_-]+(?P<hour>\d{1,2})[:-](?P<minute>\d{2})"
    r"(?:[:-](?P<second>\d{2})(?:[.,](?P<part>\d+))?)?"
    r"\s*(?P<zone>(?!\s|[AaPp]\.?[Mm]\.?$).*)"
)
_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?", re.IGNORECASE)
_ZONE_AT_END = re.compile(r"\s(?P<zone>[A-Za-z]{3,5}|(?:UTC|GMT)?[+-]\d{1,2}:?\d{0,2}|[A-Z]\w+(?:/[\w+-]+)+)$")
_SUPPLEMENT = {"Z": 0, "UT": 0, "MET": 1, "MEST": 2}  # Hours; no zone of today has these names.
_HALVES_OF_A_DAY = {"AM", "PM", "A.M.", "P.M."}
_EARLIEST_YEAR, _LATEST_YEAR = 1990, 2200


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


def read_moment(text: str, zone: dt.tzinfo = dt.UTC) -> dt.datetime:
    """Return the moment that ``text`` names, in UTC.

    Args:
        text: a date and a time of day, and perhaps a zone: an offset, a name such as Europe/London, or an abbreviation.
        zone: the zone of a time that names none; it also decides between the meanings of an abbreviation.

    Raises:
        ValueError: it is not a moment, or its zone has no or several meanings; the message is for people.
    """
    text = " ".join(text.split())[:100]
    try:
        moment, name = _split(text)
        moment = moment.replace(tzinfo=_zone_named(name, moment, zone)) if name else _with_zone(moment, zone)
        moment = moment.astimezone(dt.UTC)
    except (OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"'{text}' is not a time") from error
    if not _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR:
        raise ValueError(f"'{text}' is not a time at which anybody hands in")
    return moment


def _with_zone(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _split(text: str) -> tuple[dt.datetime, str]:
    """Return the time of day and date, and the name of the zone if there is one."""
    if found := _ISO.fullmatch(text):
        part = (found["part"] or "0")[:6].ljust(6, "0")
        clock = f"{found['hour']:0>2}:{found['minute']}:{found['second'] or '00'}.{part}"
        try:
            return dt.datetime.fromisoformat(f"{found['date']} {clock}"), found["zone"]
        except ValueError as error:
            raise ValueError(f"'{text}' is not a time") from error
    found_zone = _ZONE_AT_END.search(text)
    if found_zone and found_zone["zone"].upper() not in _HALVES_OF_A_DAY and not found_zone["zone"].isdigit():
        return _in_words(text[: found_zone.start()]), found_zone["zone"]
    return _in_words(text), ""


def _in_words(text: str) -> dt.datetime:
    """Return a moment written with words. A missing part would be taken from today, so it is refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # dateutil drops a zone that it does not know, and only warns.
            first, second = (
                dateutil.parser.parse(text, default=dt.datetime(year, month, day, hour, 7 * hour))  # noqa: DTZ001
                for year, month, day, hour in ((2001, 1, 1, 1), (2003, 3, 3, 2))
            )
    except (ValueError, TypeError, AttributeError, Warning) as error:
        raise ValueError(f"'{text}' is not a time") from error
    if first != second:
        raise ValueError(f"'{text}' is not a whole time: it needs a date and a time of day")
    return dt.datetime.combine(first.date(), first.timetz())


def _zone_named(name: str, moment: dt.datetime, zone: dt.tzinfo) -> dt.tzinfo:
    if found := _OFFSET.fullmatch(name):
        return _offset_zone(found)
    if name.upper() in _SUPPLEMENT:
        return dt.timezone(dt.timedelta(hours=_SUPPLEMENT[name.upper()]))
    if own := _meanings_in(zone, moment.year).get(name.upper()):
        return dt.timezone(own)
    if "/" in name or name.upper() in ("UTC", "GMT"):
        return _region(name)
    return _abbreviated(name, moment.year)


def _region(name: str) -> dt.tzinfo:
    try:
        return ZoneInfo(name.upper() if "/" not in name else name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"'{name}' is not a time zone that is known here; write an offset such as +0100") from error


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
    if minutes > 14 * 60:
        raise ValueError(f"'{found[0]}' is not a time zone: offsets end at 14 hours")
    return dt.timezone(dt.timedelta(minutes=-minutes if found["sign"] == "-" else minutes))


def _meanings_in(zone: dt.tzinfo, year: int) -> dict[str, dt.timedelta]:
    """Return the abbreviations that ``zone`` uses in ``year``, with their offsets from UTC."""
    if not _EARLIEST_YEAR <= year <= _LATEST_YEAR:
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

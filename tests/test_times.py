"""Every time zone is understood or refused with a message; none is dropped."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import CourseError
from autograder.gradebook.stamps import read_moment, time_zone


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02 12:30:00.000000 UTC", "2026-03-02 12:30"),
        ("2026-03-02 12:30:00.000000 CET", "2026-03-02 11:30"),
        ("2026-07-02 12:30 CEST", "2026-07-02 10:30"),
        ("2026-03-02 12:30:00 EST", "2026-03-02 17:30"),
        ("2026-03-02 12:30:00 AEDT", "2026-03-02 01:30"),
        ("2026-03-02 12:30:00 Europe/Berlin", "2026-03-02 11:30"),
        ("2026-03-02 12:30:00 America/Argentina/Ushuaia", "2026-03-02 15:30"),
        ("2026-03-02 12:30:00 Etc/GMT+5", "2026-03-02 17:30"),
        ("2026-03-02 12:30 +0545", "2026-03-02 06:45"),
        ("2026-03-02 12:30 UTC+1", "2026-03-02 11:30"),
        ("2026-03-02T12:30:00-08:00", "2026-03-02 20:30"),
        ("2026-03-02 12:30:00.5 Z", "2026-03-02 12:30:00.5"),
        ("2026-03-02T12:30:00Z", "2026-03-02 12:30"),
        ("2026-03-02-12-30-00", "2026-03-02 12:30"),
        ("2026-03-02 11:30 PM", "2026-03-02 23:30"),
        ("Monday, 2 March 2026, 10:00 AM", "2026-03-02 10:00"),
        ("Mar 1, 2026 11:59 PM EST", "2026-03-02 04:59"),
    ],
)
def test_moments_are_read(text: str, expected: str) -> None:
    assert read_moment(text) == utc(expected)


NOT_MOMENTS = (
    "",
    "yesterday",
    "12",
    "2026-03-02",
    "March 2026",
    "2026-02-30 10:00",
    "2026-03-02 25:00",
    "0001-01-01 00:00 +1400",
    "9999-12-31 23:59 -1400",
    "1970-01-01 00:00",
    "9" * 5000,
    "2026-03-02 12:00 +9900",
    "2026-03-02 12:00 noon",
    "2026-03-02 12:00 x/../../etc",
)


@pytest.mark.parametrize("text", NOT_MOMENTS)
def test_what_is_not_a_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        read_moment(text)


@pytest.mark.parametrize(("name", "meanings"), [("IST", ["+0530", "+0200", "+0100"]), ("PST", ["-0800", "+0800"])])
def test_an_abbreviation_with_several_meanings_is_refused_and_they_are_named(name: str, meanings: list[str]) -> None:
    with pytest.raises(ValueError) as caught:
        read_moment(f"2026-03-02 12:30 {name}")
    assert all(meaning in str(caught.value) for meaning in meanings)


def test_the_zone_that_is_given_decides_between_meanings() -> None:
    assert read_moment("2026-03-02 12:30 PST", ZoneInfo("America/Los_Angeles")) == utc("2026-03-02 20:30")
    assert read_moment("2026-03-02 12:30", ZoneInfo("Asia/Manila")) == utc("2026-03-02 04:30")


def outcome(text: str) -> dt.datetime | str:
    try:
        return read_moment(text)
    except ValueError as error:
        return "refused: several meanings" if " or " in str(error) else f"refused: {error}"


@pytest.mark.parametrize("name", sorted(each for each in available_timezones() if "/" in each)[::7])
@pytest.mark.parametrize("month", [1, 7])
def test_no_zone_in_the_world_is_dropped(name: str, month: int) -> None:
    """What Python itself writes for a zone is read as the same moment, or refused; never as another one."""
    moment = dt.datetime(2026, month, 15, 12, 30, tzinfo=ZoneInfo(name))
    assert read_moment(f"{moment:%Y-%m-%d %H:%M:%S.%f} {name}") == moment
    assert read_moment(f"{moment:%Y-%m-%d %H:%M:%S.%f %z}") == moment
    assert outcome(f"{moment:%Y-%m-%d %H:%M:%S.%f %Z}") in (moment, "refused: several meanings")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = outcome(text)
    assert isinstance(found, str) or found.tzinfo is dt.UTC


def test_zones_are_named_or_refused() -> None:
    assert time_zone("+0530").utcoffset(None) == dt.timedelta(hours=5, minutes=30)
    for name in ("Mars/Phobos", "../etc/passwd", ""):
        with pytest.raises(CourseError, match="Europe/London"):
            time_zone(name)

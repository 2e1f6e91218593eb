"""A time stamp is understood in its zone, or refused with a reason; nothing in it is dropped or guessed."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.course import Course
from autograder.gradebook.stamps import Stamp, read_stamp, stamp_bytes, stamped


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23 12:00:00.000000 UTC",
        "2026-11-23 12:00",
        "2026-11-23T12:00:00Z",
        "2026-11-23T13:00:00+01:00",
        "2026-11-23 13:00 +0100",
        "2026-11-23 13:00:00.000 +01",
        "2026-11-23 13:00 UTC+1",
        "2026-11-23 11:00 GMT-01:00",
        "2026-11-23 13:00 CET",
        "2026-11-23 13:00 cet",
        "2026-11-23 13:00:00 (CET)",
        "2026-11-23 13:00 MEZ",
        "2026-11-23 13:00 Europe/Berlin",
        "2026-11-23 13:00 europe/berlin",
        "2026-11-23 07:00 America/New_York",
        "2026-11-23 17:30 Asia/Kolkata",
        "2026-11-23 07:00 Etc/GMT+5",
        "2026-11-23 1:00 PM CET",
        "Mon Nov 23 13:00:00 CET 2026",
        "Mon, 23 Nov 2026 13:00:00 +0100",
        "Mon, 23 Nov 2026 13:00:00 +0100 (CET)",
        "November 23, 2026 12:00",
        "23.11.2026 13:00 CET",
        "20261123T120000Z",
        "2026-11-23 22:00 AEST",
        "2026-11-23 07:00 EST",
        "2026-11-23 13:00 +01:00 Europe/Berlin",
    ],
)
def test_a_stamp_is_understood_in_its_zone(text: str) -> None:
    assert stamped(text).strftime("%Y-%m-%d %H:%M") == "2026-11-23 12:00"


def test_an_abbreviation_is_taken_at_its_word_in_summer() -> None:
    assert stamped("2026-07-23 14:00 CEST").hour == 12
    assert stamped("2026-07-23 14:00 Europe/Berlin").hour == 12
    assert stamped("2026-07-23 14:00 CET").hour == 13


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-23 12:00 IST", "'IST' means"),
        ("2026-11-23 12:00 XYZ", "'XYZ' is not a time zone"),
        ("2026-11-23 12:00 Europe/Atlantis", "is not a time zone"),
        ("2026-11-23 12:00 T", "'T' is not a time zone"),
        ("23 November 2026 12:00 T", "'T' is not a time zone"),
        ("23 November 2026 12:00 CET+2", "two time zones"),
        ("2026-11-23 12:00 +9900", "offsets end at 14 hours"),
        ("23 November 2026 12:00 +9900", "offsets end at 14 hours"),
        ("2026-11-23 12:00 +02:00 Europe/Berlin", "two time zones"),
        ("Mon, 23 Nov 2026 13:00:00 +0200 (CET)", "two time zones"),
        ("02/03/2026 12:00", "day and month cannot be told apart"),
        ("26-11-23 12:00", "year of four digits"),
        ("1764000000", "year of four digits"),
        ("12:00", "year of four digits"),
        ("2026 12:00", "needs a date"),
        ("2026-11-23", "a time of day"),
        ("0001-01-01 00:00 UTC", "at which anybody hands in"),
        ("9999-12-31 23:59:59 +0100", "at which anybody hands in"),
        ("1970-01-01 00:00 UTC", "at which anybody hands in"),
        ("2026-02-30 12:00", "not a time"),
        ("2026-11-23 25:00", "not a time"),
        ("yesterday evening", "not a time"),
        ("\x00\x01", "not a time"),
        ("9" * 900, "year of four digits"),
        ("(" * 900, "not a time"),
    ],
)
def test_what_is_not_certain_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        stamped(text)


def test_the_courses_time_zone_settles_an_abbreviation() -> None:
    new_york = ZoneInfo("America/New_York")
    assert stamped("2026-11-23 12:00 PST", ZoneInfo("America/Los_Angeles")).hour == 20
    assert stamped("2026-11-23 12:00", ZoneInfo("America/Los_Angeles")).hour == 12  # nbgrader's stamps are in UTC.
    with pytest.raises(ValueError, match="'PST' means"):
        stamped("2026-11-23 12:00 PST", new_york)


@pytest.fixture
def folder(course: Course) -> Path:
    found = course.submitted / "anna" / "00-tiny-topic"
    found.mkdir(parents=True)
    return found


def stamp_of(course: Course) -> Stamp:
    return read_stamp(course, "anna", "00-tiny-topic")


@pytest.mark.parametrize("content", [b"", b" \n", b"soon", b"\xff\xfe\x00", b"2026" * 1000, b"9999-12-31 00:00 UTC"])
def test_a_stamp_that_is_not_a_time_is_a_fault_with_a_way_out(course: Course, folder: Path, content: bytes) -> None:
    (folder / "timestamp.txt").write_bytes(content)
    found = stamp_of(course)
    assert found.at is None
    assert "timestamp.txt" in found.fault
    assert "2026-11-23 12:00 UTC" in found.fault


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_not_a_file_is_a_fault_and_is_not_waited_for(course: Course, folder: Path, kind: str) -> None:
    path = folder / "timestamp.txt"
    {"link": lambda: path.symlink_to("/etc/hostname"), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[kind]()
    assert stamp_of(course).fault
    assert stamp_bytes(folder)


def test_a_submission_may_be_late_by_an_unknown_time(course: Course, folder: Path) -> None:
    assert stamp_of(course) == Stamp()
    (folder / "lateness.txt").write_text("unknown\n")
    assert stamp_of(course) == Stamp(unknown=True)
    (folder / "timestamp.txt").write_text("2026-11-23 12:00 UTC")
    assert not stamp_of(course).unknown


def test_a_change_of_either_file_is_noticed(folder: Path) -> None:
    seen = [stamp_bytes(folder)]
    (folder / "lateness.txt").write_text("unknown")
    seen.append(stamp_bytes(folder))
    (folder / "timestamp.txt").write_text("2026-11-23")
    seen.append(stamp_bytes(folder))
    assert len(set(seen)) == 3

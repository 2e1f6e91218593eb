"""Moodle's grading worksheet, which tells who is behind a participant's number, and when they handed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from autograder.collecting.submitters import Submitter
from autograder.errors import CourseError
from autograder.roster import Clue
from autograder.roster_files import read_rows
from autograder.times import read_moment

__all__ = ["read_worksheet", "told_by_worksheet"]

Row = Mapping[str, str]


def read_worksheet(path: Path) -> dict[str, Row]:
    """Return the rows of a grading worksheet, by the participant's number.

    Raises:
        CourseError: it cannot be read, or is not a grading worksheet.
    """
    rows: dict[str, Row] = {row["participant"]: row for _, row in read_rows(path) if row.get("participant")}
    if not rows:
        raise CourseError(
            f"{path} is not a grading worksheet: it has no column 'Identifier' with numbers of participants. "
            "Download it in Moodle beside the submissions."
        )
    return rows


def told_by_worksheet(sender: Submitter, rows: Mapping[str, Row], zone: dt.tzinfo) -> Submitter:
    """Return ``sender`` with the address and the time that the worksheet has for the number."""
    row = rows.get(sender.identity)
    if row is None:
        return sender
    name = f"{row.get('first_name', '')} {row.get('last_name', '')}".strip()
    known: list[Clue] = [("email", row.get("email", "")), ("sid", row.get("sid", "")), ("name", name)]
    keys = tuple(clue for clue in known if clue[1])
    fallback = row["id"] if keys else sender.fallback
    sender = replace(sender, keys=keys or sender.keys, anonymous=sender.anonymous and not keys, fallback=fallback)
    moment = row.get("submitted", "")
    if not any(sign.isdigit() for sign in moment):  # A dash, or nothing: not handed in, or not told.
        return sender
    try:
        return replace(sender, at=read_moment(moment, zone), zoneless=True)
    except ValueError as error:
        return replace(sender, fault=f"{error}. Download the worksheet with Moodle's language set to English")

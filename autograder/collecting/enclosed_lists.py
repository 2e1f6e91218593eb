"""The lists that platforms enclose with a download, and the students behind its senders.

Moodle's grading worksheet tells who is behind a participant's number. Gradescope's manifest tells who handed in each
submission of an export. Both tell when. :class:`Owners` finds the id of each student; two people never become one.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from autograder.collecting.submitters import Submitter
from autograder.errors import CourseError, UnreadableSubmission
from autograder.gradebook.stamps import read_moment
from autograder.roster import FILE_NAME, Clue, Roster, look_alikes, read_rows

__all__ = ["MANIFEST", "Owners", "read_manifest", "read_plain_yaml", "read_worksheet", "told_by_worksheet"]


# ---- Moodle's worksheet

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


# ---- Gradescope's manifest

MANIFEST = "submission_metadata.yml"
_DEEPEST, _MOST_EVENTS = 60, 20_000_000
_NOTHING = {"", "~", "null", "Null", "NULL"}


def read_manifest(content: bytes) -> dict[str, tuple[Submitter, ...]]:
    """Return the submitters of each submission, by the name of its folder; a group has several, an inactive one none.

    Raises:
        UnreadableSubmission: it is not YAML, or has no submissions in it.
    """
    try:
        table = read_plain_yaml(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableSubmission(
            f"{MANIFEST} cannot be read: {line[:100]}. Export it from Gradescope again."
        ) from error
    if not isinstance(table, dict):
        raise UnreadableSubmission(f"{MANIFEST} names no submissions. Export it from Gradescope again.")
    return {name: tuple(_people(entry)) for name, entry in table.items() if isinstance(entry, dict)}


def read_plain_yaml(content: bytes) -> Any:
    """Return ``content`` as dictionaries, lists and text: no tag makes an object, and an alias repeats what it names.

    Raises:
        ValueError: it is nested too deeply, or too long.
        yaml.YAMLError: it is not YAML.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    built: list[Any] = []
    frames: list[list[Any]] = []  # The open lists and mappings; a mapping is a list of keys and values until it ends.
    anchors: dict[str, Any] = {}
    for number, event in enumerate(yaml.parse(content, Loader=loader)):
        if number > _MOST_EVENTS or len(frames) > _DEEPEST:
            raise ValueError("it is longer, or nested more deeply, than any export")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            frames.append([])
            continue
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            values = frames.pop()
            value: Any = _mapping(values) if isinstance(event, yaml.MappingEndEvent) else values
        elif isinstance(event, yaml.ScalarEvent):
            value = "" if event.style is None and event.value in _NOTHING else event.value
            if event.anchor:
                anchors[event.anchor] = value
        elif isinstance(event, yaml.AliasEvent):
            value = anchors.get(event.anchor or "", "")
        else:
            continue
        (frames[-1] if frames else built).append(value)
    return built[0] if built else None


def _mapping(values: list[Any]) -> dict[str, Any]:
    pairs = zip(values[::2], values[1::2], strict=False)
    return {key: value for key, value in pairs if isinstance(key, str)}


def _people(entry: Mapping[str, Any]) -> Iterator[Submitter]:
    people = entry.get(":submitters")
    at, fault = _moment(entry.get(":created_at"))
    for person in people if isinstance(people, list) else []:
        if isinstance(person, dict):
            yield _submitter(person, at, fault)


def _submitter(person: Mapping[str, Any], at: dt.datetime | None, fault: str) -> Submitter:
    sid, email, name = (_text(person.get(key)) for key in (":sid", ":email", ":name"))
    return Submitter(
        "gradescope",
        identity=sid or email or name,
        keys=(("sid", sid), ("id", sid), ("email", email), ("id", email), ("name", name)),
        fallback=sid or email.partition("@")[0],
        at=at,
        fault=fault,
    )


def _text(value: object) -> str:
    return value.strip()[:200] if isinstance(value, str) else ""


def _moment(value: object) -> tuple[dt.datetime | None, str]:
    if isinstance(value, dict):  # Rails writes a time as an object with the time in UTC and the zone.
        value = f"{_text(value.get('utc')).removesuffix('Z')} UTC"
    if not _text(value):
        return None, ""
    try:
        return read_moment(_text(value)), ""
    except ValueError as error:
        return None, str(error)


# ---- the students behind the senders

_UNSAFE = re.compile(r"[^\w.@-]+")


class Owners:
    """The students behind the senders of one download.

    Attributes:
        roster: the members of the class; may be empty.
    """

    def __init__(self, roster: Roster, senders: Iterable[Submitter], present: Iterable[str]) -> None:
        """Look at all senders at once: only then is it seen that two of them would be one student.

        Args:
            roster: the members of the class; may be empty.
            senders: all who handed in, as the platform tells of them.
            present: the students who have handed in something before.
        """
        self.roster = roster
        self._listed = {student.id for student in roster.students}
        self._claims: dict[str, dict[str, str]] = defaultdict(dict)
        self._sure: dict[str, set[str]] = defaultdict(set)
        everyone = list(senders)
        self._shared = _shared_fallbacks(everyone) if not roster else set()
        for sender in everyone:
            student = self._one(sender)
            if student:
                self._claims[student][sender.identity] = sender.name
                if roster.candidates([key for key in sender.keys if key[0] != "name"]) == (student,):
                    self._sure[student].add(sender.identity)
        self._alike = {each: names for names in look_alikes([*present, *self._claims]) for each in names}

    def students(self, sender: Submitter) -> tuple[str, ...]:
        """Return the ids of those for whom ``sender`` handed in: one, or all members of a group.

        Raises:
            UnreadableSubmission: nobody, or not one person alone, is meant; the message is the reason.
        """
        if self._is_group(sender):
            return self.roster.members(sender.group)
        found = self._found(sender)
        if len(found) > 1:
            raise UnreadableSubmission(
                f"'{sender.name}' may be {' or '.join(found)}. Give each of them a number or an address that tells "
                f"them apart in {FILE_NAME}."
            )
        student = self._one(sender)
        if not student:
            raise UnreadableSubmission(self._unknown(sender))
        self._check_alone(student, sender)
        self._check_look_alikes(student)
        return (student,)

    def _is_group(self, sender: Submitter) -> bool:
        """Return whether the whole of a name is a group's, and not a person's."""
        members = self.roster.members(sender.group)
        return bool(members) and not self.roster.candidates([("name", sender.group)])

    def _found(self, sender: Submitter) -> tuple[str, ...]:
        found = self.roster.candidates(sender.keys, sender.hints)
        names = [value.partition("-") for kind, value in sender.keys if kind == "name"]
        if not found:  # Moodle puts the group before the name; it is one only if the roster has it.
            persons: list[Clue] = [("name", person) for group, _, person in names if self.roster.members(group)]
            found = self.roster.candidates(persons, sender.hints)
        return found

    def _one(self, sender: Submitter) -> str:
        """Return the one student's id; empty if nobody is known, or if it is a group's."""
        found = self._found(sender)
        if len(found) == 1 and not self._is_group(sender):
            return found[0]
        if found or self._is_group(sender) or (self.roster and not sender.anonymous):
            return ""
        name = sender.fallback
        if name and name in self._shared and sender.identity != name:
            name = f"{name}-{sender.identity}"
        return _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).strip("-.")[:100]

    def _check_alone(self, student: str, sender: Submitter) -> None:
        """Refuse a student that several people would be, but the one whose number or address the roster has."""
        claims = self._claims[student]
        if len(claims) < 2 or self._sure[student] == {sender.identity}:
            return
        shown = " and ".join(_shown(identity, name) for identity, name in sorted(claims.items()))
        raise UnreadableSubmission(
            f"{shown} would both be the student '{student}', and nobody's work may replace another's. If they are two "
            f"people, give each a line in {FILE_NAME} with a number or an address; else collect one of them."
        )

    def _check_look_alikes(self, student: str) -> None:
        others = [each for each in self._alike.get(student, ()) if each != student]
        if others and student not in self._listed:
            raise UnreadableSubmission(
                f"'{student}' and '{others[0]}' differ only in case or Unicode form ({student!a}, "
                f"{others[0]!a}). Rename one of them, or list the students in {FILE_NAME}."
            )

    def _unknown(self, sender: Submitter) -> str:
        if not self.roster:
            return (
                "its name does not tell whose it is. Put it into a folder called after the student, and collect that."
            )
        if sender.platform == "github":
            way_out = f"Write the login into the student's row of {FILE_NAME}, in a column called github."
        else:
            way_out = self._half(sender) or f"Add the student to {FILE_NAME}."
        return f"nobody in the roster is '{sender.name}'. {way_out}"

    def _half(self, sender: Submitter) -> str:
        """Return advice about a name whose part after a dash is somebody's: it may be a group, or a double name."""
        for kind, value in sender.keys:
            group, dash, person = value.partition("-")
            if kind == "name" and dash and (found := self.roster.candidates([("name", person)])):
                return (
                    f"If '{group}' is the group of {found[0]}, write it into the column group of {FILE_NAME}; if it is "
                    "part of a name, add the student."
                )
        return ""


def _shared_fallbacks(senders: Iterable[Submitter]) -> set[str]:
    """Return the names without a roster that several people bear."""
    by_name: dict[str, set[str]] = defaultdict(set)
    for sender in senders:
        by_name[sender.fallback].add(sender.identity)
    return {name for name, identities in by_name.items() if len(identities) > 1}


def _shown(identity: str, name: str) -> str:
    text = f"'{name}'" if identity in name else f"'{name}' ({identity})"
    return text if text.isascii() else f"{text} [{ascii(identity)[1:-1]}]"

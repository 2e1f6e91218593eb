"""The owner of a downloaded file, by the names that learning platforms give to files and folders.

Only the text before the first sign that a student can choose is read: each expression begins at the root.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from autograder.gradebook.stamps import read_moment
from autograder.roster import Clue

__all__ = ["NAMINGS", "Naming", "Submitter", "pattern_sender"]


@dataclass(frozen=True)
class Submitter:
    """The person or group that handed something in, as the platform tells.

    Attributes:
        platform: its short name, such as canvas.
        identity: what tells the person apart from others in the same download.
        keys: words that may name the person in a roster, the surest first.
        hints: words that choose among several whom the keys fit, and name nobody by itself.
        fallback: a student id to use without a roster; empty if the platform gives none that lasts.
        group: the group that handed it in, if the platform tells.
        anonymous: whether the platform hides who it is; ``fallback`` is then its name for the student.
        late: whether the platform marked it as late.
        at: the time at which it was handed in, if the platform tells.
        zoneless: whether that time came without a zone.
        attempt: the platform's number for what was handed in; higher is later.
        revision: its number among the platform's files of one name, from 0.
        assignment: the assignment that the platform names; may be empty.
        fault: the reason that what the platform tells cannot be used; empty if it can.
        by_file_name: whether only the name of a file tells, which a student may have chosen.
    """

    platform: str
    identity: str
    keys: tuple[Clue, ...] = ()
    hints: tuple[Clue, ...] = ()
    fallback: str = ""
    group: str = ""
    anonymous: bool = False
    late: bool = False
    at: dt.datetime | None = None
    zoneless: bool = False
    attempt: int = 0
    revision: int = 0
    assignment: str = ""
    fault: str = ""
    by_file_name: bool = False

    @property
    def name(self) -> str:
        """The person's name in a message."""
        return " / ".join(dict.fromkeys(value for _, value in (*self.keys, *self.hints) if value)) or self.identity


Read = Callable[[re.Match[str], dt.tzinfo], Submitter]


@dataclass(frozen=True)
class Naming:
    """The names that a platform gives to what is in a download.

    Attributes:
        platform: its short name, such as canvas.
        title: its name for people.
        entry: fits, from the root on, the path of whatever a student handed in.
        read: makes the sender of a path that fits.
        own: fits what the platform itself adds at the root.
    """

    platform: str
    title: str
    entry: re.Pattern[str]
    read: Read
    own: re.Pattern[str] | None = None


_REVISION = re.compile(r"-(\d{1,4})(?:--[^/]*)?(?:\.[A-Za-z0-9]+)*$")


def _canvas(found: re.Match[str], zone: dt.tzinfo) -> Submitter:
    name, user = found["name"], found["user"]
    anonymous = name == "anon"
    return Submitter(
        "canvas",
        identity=user,
        keys=() if anonymous else (("number", user), ("name", name)),
        fallback=f"{name}-{user}",
        group="" if anonymous else name,
        anonymous=anonymous,
        late=bool(found["late"]),
        attempt=int(found["attachment"] or 0),
        revision=int(revision[1]) if (revision := _REVISION.search(found[0])) else 0,
    )


_PARTICIPANT = re.compile(
    r"(participante?|teilnehmer(/in|in|_in)?|partecipante|deelnemer|deltaker|deltagare|osallistuja)( \d+)?",
    re.IGNORECASE,
)
_GROUP_LIKE = re.compile(r"\d|group|team|grupp|groupe|grupo|équipe|equip|section|class|tutori|lab\b", re.IGNORECASE)


def _moodle(found: re.Match[str], zone: dt.tzinfo) -> Submitter:
    """Return the submitter. Moodle's number counts participants anew in each assignment, so only the name lasts."""
    name, number = " ".join(found["name"].split()), found["participant"]
    group, person = _group_and_person(name)
    if _PARTICIPANT.fullmatch(person):
        hidden: tuple[Clue, ...] = (("participant", number),)
        return Submitter("moodle", number, hidden, fallback=f"participant-{number}", group=group, anonymous=True)
    keys: tuple[Clue, ...] = (("name", name), ("name", person)) if group else (("name", name),)
    return Submitter(
        "moodle",
        identity=number,
        keys=keys,
        hints=(("participant", number), ("number", number), ("sid", number)),
        fallback="-".join(person.lower().split()),
        group="" if group else name,
    )


def _group_and_person(name: str) -> tuple[str, str]:
    """Split off the group that Moodle puts before a name; the possible first half of a double name is left."""
    group, dash, person = name.partition("-")
    if dash and person.strip() and _GROUP_LIKE.search(group):
        return group.strip(), person.strip()
    return "", name


def _blackboard(found: re.Match[str], zone: dt.tzinfo) -> Submitter:
    user = found["user"]
    return _timed(Submitter("blackboard", user, (("id", user), ("sid", user)), fallback=user), found["at"], zone)


def _brightspace(found: re.Match[str], zone: dt.tzinfo) -> Submitter:
    name = found["name"].strip()
    clock = found["clock"].zfill(4)
    moment = f"{found['date']} {clock[:2]}:{clock[2:]} {found['half'] or ''}".strip()
    sender = Submitter(
        "brightspace",
        identity=found["number"],
        keys=(("name", name),),
        hints=(("number", found["number"]), ("sid", found["number"])),
        fallback="-".join(name.lower().split()),
    )
    return _timed(sender, moment, zone)


def _classroom(found: re.Match[str], zone: dt.tzinfo) -> Submitter:
    name = found["name"].strip()
    keys: tuple[Clue, ...] = (("name", name), ("email", name))
    return Submitter("google", name, keys, fallback="-".join(name.lower().split()), by_file_name=True)


def _ilias(found: re.Match[str], zone: dt.tzinfo) -> Submitter:
    last, first, login = found["name"].split("_", 2)
    keys: tuple[Clue, ...] = (("id", login), ("number", found["number"]))
    return Submitter("ilias", found["number"], keys, hints=(("name", f"{first} {last}"),), fallback=login)


def _exchange(found: re.Match[str], zone: dt.tzinfo) -> Submitter:
    student = found["student"]
    sender = Submitter("nbgrader", student, (("any", student),), fallback=student, assignment=found["assignment"])
    return _timed(sender, found["at"], zone)


def _timed(sender: Submitter, text: str, zone: dt.tzinfo) -> Submitter:
    """Return ``sender`` with the time that a platform tells."""
    try:
        return replace(sender, at=read_moment(text, zone), zoneless=_is_zoneless(text))
    except ValueError as error:
        return replace(sender, fault=str(error))


def _is_zoneless(text: str) -> bool:
    """Return whether a time that can be read names no zone: then it depends on where it is read."""
    try:
        return read_moment(text, dt.UTC) != read_moment(text, dt.timezone(dt.timedelta(hours=1)))
    except ValueError:  # An abbreviation with several meanings.
        return False


NAMINGS = (
    Naming(
        "moodle",
        "Moodle",
        re.compile(r"(?P<name>[^/]+?)_(?P<participant>\d+)_assignsubmission_(?:file|onlinetext|[a-z]+)(?:_|/|$)"),
        _moodle,
    ),
    Naming(
        "canvas",
        "Canvas",
        re.compile(
            r"(?P<name>[^_/]+)_(?!\d{4}_\d\d_\d\dT)(?P<late>LATE_)?(?P<user>\d+|(?<=^anon_)[A-Za-z0-9]{5}|(?<=^anon_LATE_)[A-Za-z0-9]{5})"
            r"_(?:(?P<attachment>\d+)_[^/]+|(?:text|link|url)\.html)$"
        ),
        _canvas,
    ),
    Naming(
        "blackboard",
        "Blackboard",
        re.compile(
            r"(?P<title>[^/]+?)_(?P<user>[^_/]+)_attempt_(?P<at>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_[^/]+|\.txt)$"
        ),
        _blackboard,
    ),
    Naming(
        "brightspace",
        "Brightspace",
        re.compile(
            r"(?P<number>\d+)-\d+ ?- ?(?P<name>[^/]+?) ?- ?"
            r"(?P<date>\w{3,12} \d{1,2},? \d{4}|\d{1,2} \w{3,12},? \d{4}),? "
            r"(?P<clock>\d{3,4})(?: ?(?P<half>[AaPp][Mm]))?/"
        ),
        _brightspace,
        re.compile(r"index\.html$"),
    ),
    Naming("ilias", "ILIAS", re.compile(r"(?!multi_feedback)(?P<name>[^_/]+_[^_/]+_[^/]+)_(?P<number>\d+)/"), _ilias),
    Naming(
        "nbgrader",
        "nbgrader's exchange",
        re.compile(
            r"(?P<student>[^+/]+)\+(?P<assignment>[^+/]+)\+"
            r"(?P<at>\d{4}-\d\d-\d\d[^+/]*?(?:\+\d\d:?\d\d)?)(?:\+(?!\d\d:?\d\d[+/])[^/]*)?/"
        ),
        _exchange,
    ),
    Naming("google", "Google Classroom", re.compile(r"(?P<name>[^/]+?) - [^/]+$"), _classroom),
)
_GROUPS: Mapping[str, str] = {
    "student": "any", "student_id": "any", "email": "email", "sid": "sid", "number": "number", "name": "name"
}  # fmt: skip


def pattern_sender(found: re.Match[str], zone: dt.tzinfo) -> Submitter:
    """Return the sender that a pattern's named groups tell: those of nbgrader's zip_collect, and a few more."""
    values = {name: (value or "").strip() for name, value in found.groupdict().items()}
    full = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
    keys = [(kind, values[name]) for name, kind in _GROUPS.items() if values.get(name)] + (
        [("name", full)] if full else []
    )
    identity = "+".join(value for _, value in keys) or values.get("group", "")
    sender = Submitter(
        "pattern",
        identity,
        tuple(keys),  # type: ignore[arg-type]
        fallback=keys[0][1] if keys else "",
        group=values.get("group", ""),
        late=bool(values.get("late")),
        assignment=values.get("assignment") or values.get("assignment_id") or values.get("file_id", ""),
    )
    return _timed(sender, values["timestamp"], zone) if values.get("timestamp") else sender

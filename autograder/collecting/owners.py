"""The ids of the students whom a platform tells of; two people never become one."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from autograder.collecting.submitters import Submitter
from autograder.errors import UnreadableSubmission
from autograder.roster import FILE_NAME, Clue, Roster, look_alikes

__all__ = ["Owners"]

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

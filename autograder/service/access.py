"""The identity of visitors: personal signed links, the sessions that they open, and what a form must bring along."""

from __future__ import annotations

import csv
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, TextIO

from itsdangerous import BadData, URLSafeSerializer

from autograder.atomic_files import private_folder
from autograder.course import Course
from autograder.errors import ServiceError
from autograder.roster import FILE_NAME, Roster, Student
from autograder.secrets import Secret
from autograder.service.attempts import AttemptStore

__all__ = ["Access", "Role", "Visitor", "can_be_an_id", "plain_file_name", "roster_of", "write_links"]

Role = Literal["student", "staff"]
_FORBIDDEN = set("/\\+\0")
DAY = 24 * 60 * 60
SESSION_SECONDS = 24 * 60 * 60


class Visitor(NamedTuple):
    """A person who has shown who they are.

    Attributes:
        role: the role, student or staff.
        person: a student's id, or the name of one of the staff.
        session: the name of the session.
        until: the time when it ends, in seconds since 1970.
    """

    role: Role
    person: str
    session: str
    until: float

    @property
    def is_staff(self) -> bool:
        """True if they may see everybody's work."""
        return self.role == "staff"


class Access:
    """A signer of one course's links and sessions, with a key of its own that never leaves the course's folder.

    Args:
        course: the course.
        store: the store that keeps how often a person's links were revoked.
    """

    def __init__(self, course: Course, store: AttemptStore) -> None:
        self._store = store
        private_folder(course.results)
        self._secret = Secret.load_or_make(course.results / "service-key")

    def link(self, role: Role, person: str, seconds: float) -> str:
        """Return a token that lets its holder in as ``person`` for so many seconds."""
        return self._sign("link", [role, person, self._store.generation(role, person), int(time.time() + seconds)])

    def holder(self, token: str) -> tuple[Role, str, float]:
        """Return the role and name that a link stands for, and when it ends.

        Raises:
            ServiceError: it is not a link, has expired, or was revoked.
        """
        return self._valid(self._read("link", token), "Ask your teaching assistant for a new link.")

    def session(self, role: Role, person: str, until: float) -> str:
        """Return the value of a cookie that is a session of ``person``; it ends with the link, or after a day."""
        ends = int(min(until, time.time() + SESSION_SECONDS))
        values = [role, person, self._store.generation(role, person), ends, secrets.token_urlsafe(12)]
        return self._sign("session", values)

    def visitor(self, cookie: str) -> Visitor | None:
        """Return the visitor whose session a cookie is; None if it is not a session, or has ended."""
        try:
            values = self._read("session", cookie)
            role, person, until = self._valid(values, "")
        except ServiceError:
            return None
        return Visitor(role, person, str(values[4]), until)

    def form_token(self, visitor: Visitor) -> str:
        """Return the token that a form of this session must bring along."""
        return self._secret.derive("form", visitor.session).hex()[:32]

    def is_form_token(self, visitor: Visitor, token: str) -> bool:
        """Return whether a form brought the token that it must."""
        return hmac.compare_digest(token.encode(), self.form_token(visitor).encode())

    def _signer(self, purpose: str) -> URLSafeSerializer:
        key, salt = self._secret.derive("service", purpose), f"autograder {purpose}"
        return URLSafeSerializer(key, salt=salt, signer_kwargs={"digest_method": hashlib.sha256})

    def _sign(self, purpose: str, values: list[object]) -> str:
        return str(self._signer(purpose).dumps(values))

    def _read(self, purpose: str, token: str) -> list[Any]:
        try:
            values = self._signer(purpose).loads(token[:2000])
        except (BadData, ValueError, RecursionError) as error:
            raise ServiceError("This is not a link of this course. Copy the whole of it from the message.") from error
        return list(values)

    def _valid(self, values: list[Any], remedy: str) -> tuple[Role, str, float]:
        role, person, generation, until = values[:4]
        if time.time() >= until:
            raise ServiceError(f"This link has expired. {remedy}")
        if generation != self._store.generation(role, person):
            raise ServiceError(f"This link was replaced. {remedy}")
        return role, person, float(until)


def can_be_an_id(name: str) -> bool:
    """Return whether a name can be a student's id, and so a folder."""
    return bool(name) and name.isprintable() and len(name) < 128 and name[0] != "." and not _FORBIDDEN & set(name)


def plain_file_name(name: str) -> str:
    """Return a file's name as it can be shown and sent: letters, digits and a few signs."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._- ") else "_" for sign in name)
    return plain.rpartition("/")[2].strip(". ")[-100:] or "notebook.ipynb"


def roster_of(course: Course) -> dict[str, Student]:
    """Return the students of students.csv by id; empty where there is no such file."""
    path = course.root / FILE_NAME
    return {student.id: student for student in Roster.read(path).students} if path.is_file() else {}


def write_links(access: Access, people: Iterable[Student], address: str, days: float, stream: TextIO) -> int:
    """Write a row for each student with a personal link, for a mail merge. Return how many.

    Args:
        address: the address under which the service is reached, such as ``https://course.example.org``.
        days: the number of days for which the links are good.
    """
    rows = csv.writer(stream)
    rows.writerow(["id", "first_name", "last_name", "email", "link"])
    written = 0
    for each in people:
        link = f"{address.rstrip('/')}/enter/{access.link('student', each.id, days * DAY)}"
        cells = (each.id, each.first_name, each.last_name, each.email)
        rows.writerow([*(_no_formula(cell) for cell in cells), link])
        written += 1
    return written


def _no_formula(cell: str) -> str:
    """Return a cell that a spreadsheet takes for text."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell

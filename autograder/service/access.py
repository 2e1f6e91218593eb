"""Access to the service: who comes in, and the guard that every request passes.

Visitors come in by personal signed links, which open sessions; a form must bring its session's token along. The guard
bounds the size, rate and number of requests, refuses those from another site's page, and sets the headers of answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import hashlib
import hmac
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, TextIO
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autograder.course import Course
from autograder.errors import MachineryError, ServiceError
from autograder.files import private_folder
from autograder.leaderboard.render.columns import safe_cell
from autograder.roster import FILE_NAME, Roster, Student
from autograder.secrets import Secret
from autograder.service.attempts import AttemptStore

__all__ = [
    "Access",
    "Guard",
    "Limiter",
    "Role",
    "Together",
    "Visitor",
    "can_be_an_id",
    "is_from_elsewhere",
    "plain_file_name",
    "roster_of",
    "write_links",
]

# ---- who comes in

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
            raise ServiceError("This is not a link to this course. Copy the whole link from the message.") from error
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
        rows.writerow([*(safe_cell(cell) for cell in cells), link])
        written += 1
    return written


# ---- what every request passes

_MULTIPART_BYTES = 64 * 1024
"""The number of bytes that a form may have around a file, or without one."""

_READ_AWAY_SECONDS = 10.0
_PIECE_BYTES, _PIECE_SECONDS = 64 * 1024, 30.0
"""A piece of an answer, and how long a browser may take for it; what is not taken fills the service's memory."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Limiter:
    """A limiter that lets each client make so many requests a second, and a number of them at once.

    Args:
        rate: the number of requests a second in the long run.
        burst: the number of requests at once.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, client: str) -> bool:
        """Return whether ``client`` may make a request now."""
        now = time.monotonic()
        left, since = self._left.get(client, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        if len(self._left) > 10_000:  # Who has waited long enough is a newcomer anyway.
            full = self._burst / self._rate
            self._left = {name: each for name, each in self._left.items() if now - each[1] < full}
        self._left[client] = (left - 1, now) if left >= 1 else (left, now)
        return left >= 1


class Together:
    """A count of what runs at the same time, for each person and in all."""

    def __init__(self, each: int, everybody: int) -> None:
        self._each, self._everybody = each, everybody
        self._now: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """The number in all."""
        return self._now.total()

    @contextmanager
    def one_more(self, person: str) -> Iterator[bool]:
        """Count one more while inside; give False where that is one too many."""
        allowed = self._now[person] < self._each and self._now.total() < self._everybody
        self._now[person] += allowed
        try:
            yield allowed
        finally:
            self._now[person] -= allowed
            if not self._now[person]:
                del self._now[person]


def is_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Return whether a request that changes something comes from another site's page.

    Browsers tell so themselves; one that does not yet do so names the page's origin.
    """
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")


class Guard:
    """A guard before an application.

    Args:
        application: the application that is guarded.
        upload_bytes: the largest file.
        visitor: the visitor whose session a cookie is, or None.
        cookie: the name of the cookie that holds a session.
        secure: True if browsers reach it by HTTPS.
    """

    def __init__(
        self,
        application: ASGIApp,
        upload_bytes: int,
        visitor: Callable[[str], Visitor | None],
        cookie: str,
        *,
        secure: bool,
    ) -> None:
        self._application = application
        self._visitor, self._cookie = visitor, cookie
        self._bound = upload_bytes + _MULTIPART_BYTES
        self._headers = {**_HEADERS, **({"strict-transport-security": "max-age=31536000"} if secure else {})}
        self._limiter = Limiter(rate=20.0, burst=200.0)
        # At once: a signed-in person's requests, a stranger's address's, and refused ones that are read to their end.
        self._persons, self._strangers, self._reading = Together(16, 2200), Together(100, 400), Together(4, 50)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if "server" in headers:
                    del headers["server"]
            await _sent_in_pieces(message, send)

        visitor, client = self._client(scope)
        with (self._persons if visitor else self._strangers).one_more(client) as allowed:
            refusal = self._refusal(scope, client) if allowed else _too_many()
            if refusal and allowed:
                with self._reading.one_more(client) as reads:
                    await self._read_away(receive) if reads else None
            await (refusal or self._application)(scope, receive, headed)

    async def _read_away(self, receive: Receive) -> None:
        """Read what a refused request still sends, up to twice the largest file and for ten seconds.

        A proxy that cannot go on sending reports a fault of the service instead of passing the refusal on.
        """
        left = 2 * self._bound
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READ_AWAY_SECONDS):
                while left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    if not message.get("more_body"):
                        return

    def _refusal(self, scope: Scope, client: str) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if not self._limiter.allows(client):
            return _too_many()
        if scope["method"] in ("GET", "HEAD"):
            return None
        if is_from_elsewhere(headers):
            return PlainTextResponse("This came from another site's page.", 403)
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not length.isascii() or not length.isdigit():
            return PlainTextResponse("Say how long it is.", 411)
        # Only a file comes in parts; all that comes another way is taken apart at once, while everybody waits.
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        bound = self._bound if kind == "multipart/form-data" else _MULTIPART_BYTES
        if int(length[:20]) > bound:
            most = f"{bound >> 20} MiB" if bound >> 20 else f"{bound >> 10} KiB"
            return PlainTextResponse(f"Too large: {most} are the most.", 413, {"connection": "close"})
        return None

    def _client(self, scope: Scope) -> tuple[Visitor | None, str]:
        """Return who asks, and the key of a person's own allowance; whoever is nobody shares that of their address.

        Not of a cookie as it came: whoever made up another one each time would never wait.
        """
        with contextlib.suppress(MachineryError):  # Whoever asks for a page is told of that.
            if visitor := self._visitor(cookie_parser(Headers(scope=scope).get("cookie", "")).get(self._cookie, "")):
                return visitor, f"{visitor.role} {visitor.person}"
        return None, f"from {scope['client'][0] if scope.get('client') else ''}"


def _too_many() -> PlainTextResponse:
    return PlainTextResponse("Too many requests. Wait a little.", 429, {"retry-after": "5"})


async def _sent_in_pieces(message: Message, send: Send) -> None:
    """Send a message, a long body in pieces, each of which waits until the one before it was taken.

    Raises:
        TimeoutError: nobody takes it.
    """
    body = message.get("body", b"")
    for at in range(0, max(len(body), 1), _PIECE_BYTES):
        more = message.get("more_body", False) or at + _PIECE_BYTES < len(body)
        piece = {**message, "body": body[at : at + _PIECE_BYTES], "more_body": more} if len(body) else message
        async with asyncio.timeout(_PIECE_SECONDS):
            await send(piece)

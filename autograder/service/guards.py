"""The guards that every request passes: bounds on size, rate and number, its origin, and headers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "Limiter", "Together", "is_from_elsewhere"]

_MULTIPART_BYTES = 64 * 1024
"""The number of bytes that a form may have around a file."""

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
        secure: True if browsers reach it by HTTPS.
    """

    def __init__(self, application: ASGIApp, upload_bytes: int, *, secure: bool) -> None:
        self._application = application
        self._bound = upload_bytes + _MULTIPART_BYTES
        self._headers = {**_HEADERS, **({"strict-transport-security": "max-age=31536000"} if secure else {})}
        self._limiter = Limiter(rate=20.0, burst=200.0)

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
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._application)(scope, receive, headed)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if not self._limiter.allows(_client(scope, headers)):
            return PlainTextResponse("Too many requests. Wait a little.", 429, {"retry-after": "5"})
        if scope["method"] in ("GET", "HEAD"):
            return None
        if is_from_elsewhere(headers):
            return PlainTextResponse("This came from another site's page.", 403)
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not length.isascii() or not length.isdigit():
            return PlainTextResponse("Say how long it is.", 411)
        if int(length[:20]) > self._bound:
            return PlainTextResponse(f"Too large: {self._bound >> 20} MiB are the most.", 413, {"connection": "close"})
        return None


def _client(scope: Scope, headers: Mapping[str, str]) -> str:
    """Return the key of a session's own allowance; whoever has none shares that of their address."""
    address = scope["client"][0] if scope.get("client") else ""
    return f"{address} {headers.get('cookie', '')[:600]}"

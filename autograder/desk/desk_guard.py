"""The guards of the desk: a token in the address, a cookie, and headers that forbid scripts."""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LoopbackGuard", "PageGuard", "new_token"]

_MOST_BYTES = 256 * 1024
_COOKIE = "desk-session"
_HOSTS = {"127.0.0.1", "localhost", "[::1]"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(24)


class PageGuard:
    """A guard that refuses what another site's page sends, and what is too large, and gives each answer its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        await (_refusal(scope) or self._app)(scope, receive, headed)


def _refusal(scope: Scope) -> PlainTextResponse | None:
    if scope["method"] in ("GET", "HEAD"):
        return None
    headers = Headers(scope=scope)
    if scope["method"] != "POST":
        return PlainTextResponse("Only forms are taken here.", 405)
    if not _from_here(headers):
        return PlainTextResponse("This did not come from a page of the desk. Load the page again.", 403)
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()) or int(length[:20]) > _MOST_BYTES:
        return PlainTextResponse(f"A form of at most {_MOST_BYTES >> 10} KiB is taken.", 413)
    return None


def _from_here(headers: Headers) -> bool:
    """Return whether a form came from a page of the desk: browsers tell, and no page can make them tell it falsely."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin is not None and urlsplit(origin).netloc == headers.get("host", "")


class LoopbackGuard:
    """A guard that lets in whoever has opened the printed address once, on this machine.

    Args:
        app: the application that is guarded.
        token: the token that the address carries.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token, self._session = app, token, new_token()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, exchange the token for a cookie, or refuse."""
        answer = self._answer(scope) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _answer(self, scope: Scope) -> PlainTextResponse | RedirectResponse | None:
        headers = Headers(scope=scope)
        if headers.get("host", "").rpartition(":")[0] not in _HOSTS:  # Another name may be one that was turned to here.
            return PlainTextResponse("The desk answers on this machine alone, by the address that it printed.", 421)
        asked = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = asked.pop("token", [""])[0]
        if hmac.compare_digest(given.encode(), self._token.encode()):
            rest = urlencode(asked, doseq=True)
            answer = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), 303)
            answer.set_cookie(_COOKIE, self._session, httponly=True, samesite="strict")
            answer.headers["referrer-policy"] = "no-referrer"
            return answer
        cookie = cookie_parser(headers.get("cookie", "")).get(_COOKIE, "")
        if hmac.compare_digest(cookie.encode(), self._session.encode()):
            return None
        return PlainTextResponse("Open the address that `autograder desk` printed; it carries the key.", 403)

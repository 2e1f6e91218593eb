"""The web application: addresses, who may see what is behind them, and the forms that change something."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from autograder.errors import AutograderError, ServiceError
from autograder.leaderboard.publishing import CHALLENGE
from autograder.service.access import SESSION_SECONDS, Access, Guard, Together, Visitor, plain_file_name, roster_of
from autograder.service.actions import Actions, Events, desk_routes
from autograder.service.attempts import AttemptStore, HandIn
from autograder.service.exchange import Exchange
from autograder.service.grading_loop import GradingLoop
from autograder.service.pages import Pages, enters, render
from autograder.service.policy import policy_of
from autograder.service.rehearsals import Rehearsals
from autograder.service.told import StaffQuestions

if TYPE_CHECKING:
    from autograder.service.hub import Hub

__all__ = ["Site"]

COOKIE = "autograder-session"
_FEEDBACK_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
_BOARD_POLICY = "sandbox allow-scripts; frame-ancestors 'none'"
_BROKEN = "The service cannot do this at the moment, and nothing was changed. Try again in a few minutes."
_UPLOAD_SECONDS = 120.0

log = logging.getLogger(__name__)


class Site:
    """The pages of a course.

    Args:
        store: the store of attempts.
        loop: the loop that grades them; started and stopped with the application.
        access: the identity of visitors.
        prefix: the prefix of all addresses; begins and ends with a slash.
        secure: True if browsers reach it by HTTPS.
        hub: the JupyterHub that manages it; None where personal links let people in.
    """

    def __init__(
        self,
        store: AttemptStore,
        loop: GradingLoop,
        access: Access,
        *,
        prefix: str = "/",
        secure: bool = False,
        hub: Hub | None = None,
    ) -> None:
        self._store, self._loop, self._access = store, loop, access
        self._prefix, self._secure, self._hub = prefix, secure, hub
        questions = StaffQuestions(store)
        self._rehearsals = Rehearsals(lambda: loop.course, store, lambda: loop.is_quiet, loop.missing_ok)
        self._actions = Actions(store, loop, self._rehearsals, questions)
        self._pages = Pages(store, loop, prefix, self._rehearsals, questions)
        loop.exchange = Exchange(store, self._pages.feedback, self._pages.shown)
        self._desk_routes = desk_routes(loop.course, self._visitor)
        self._uploads, self._streams = Together(2, 200), Events(self._pages, store, loop)

    def application(self) -> Guard:
        """Return the whole as an ASGI application."""
        routes: list[BaseRoute] = [
            Route("/", self._home),
            Route("/enter/{token}", self._enter, methods=["GET", "POST"]),
            Route("/leave", self._leave, methods=["POST"]),
            Route("/oauth_callback", self._come_back),
            Route("/assignments/{name}", self._assignment),
            Route("/assignments/{name}/ask", self._ask, methods=["POST"]),
            Route("/assignments/{name}/upload", self._upload, methods=["POST"]),
            Route("/assignments/{name}/rehearse", partial(self._upload, only_try=True), methods=["POST"]),
            Route("/questions/{name}/answer", self._answer, methods=["POST"]),
            Route("/attempts/{name}", self._feedback),
            Route("/attempts/{name}/notebook", self._notebook),
            Route("/attempts/{name}/{action:str}", self._act, methods=["POST"]),
            Route("/boards/{file}", self._board),
            Route("/events/{name}", self._events),
            Route("/staff", self._staff),
            Route("/health", self._health),
            Mount("/static", StaticFiles(directory=Path(__file__).with_name("static"))),
            *self._desk_routes,
        ]
        handlers: dict[Any, Any] = {HTTPException: self._refused, AutograderError: self._said_no}
        inner = Starlette(routes=routes, exception_handlers=handlers)
        whole = Starlette(routes=[Mount(self._prefix.rstrip("/"), inner)], lifespan=self._running)
        upload = self._loop.course.config.serve.upload_mb << 20
        return Guard(whole, upload, self._access.visitor, COOKIE, secure=self._secure)

    @asynccontextmanager
    async def _running(self, _: Starlette) -> AsyncIterator[None]:
        self._loop.start()
        self._rehearsals.start()
        try:
            yield
        finally:
            await run_in_threadpool(self._rehearsals.stop)
            await run_in_threadpool(self._loop.stop)

    # Who it is.

    def _visitor(self, request: Request) -> Visitor | None:
        return self._access.visitor(request.cookies.get(COOKIE, ""))

    def _known(self, request: Request) -> Visitor:
        """Return the visitor; send anybody else the way to become one."""
        if visitor := self._visitor(request):
            return visitor
        if self._hub is not None:
            raise HTTPException(307, headers=self._hub.login_headers(request.url.path))
        raise HTTPException(401)

    @asynccontextmanager
    async def _form(self, request: Request, visitor: Visitor, files: int = 0) -> AsyncIterator[FormData]:
        """Give the form that came; refuse one that a page of the service in this session did not send."""
        try:
            async with asyncio.timeout(_UPLOAD_SECONDS):
                form = await request.form(max_files=files, max_fields=5)
        except (TimeoutError, ClientDisconnect) as error:
            raise HTTPException(408, "It took too long to arrive. Hand it in again.") from error
        try:
            token = form.get("form", "")
            if not isinstance(token, str) or not self._access.is_form_token(visitor, token):
                raise HTTPException(403, "This form is too old. Load the page again, and try again.")
            yield form
        finally:
            await form.close()

    def _page(self, request: Request, template: str, code: int = 200, **values: Any) -> HTMLResponse:
        visitor = self._visitor(request)
        common = {
            "prefix": self._prefix,
            "course": self._loop.course.config.title or self._loop.course.id,
            "visitor": visitor,
            "form": self._access.form_token(visitor) if visitor else "",
            "failure": self._loop.failure if visitor and visitor.is_staff else "",
        }
        return HTMLResponse(render(template, **common, **values), code)

    def _refused(self, request: Request, error: HTTPException) -> Response:
        if error.status_code == 307:
            return Response(status_code=307, headers=dict(error.headers or {}))
        said = {401: "", 404: "There is no such page, or it is not yours."}.get(error.status_code, error.detail)
        return self._page(request, "refused", error.status_code, status=error.status_code, said=said)

    def _said_no(self, request: Request, error: AutograderError) -> Response:
        if isinstance(error, ServiceError):
            return self._page(request, "refused", 400, status=400, said=str(error))
        log.error("%s: %s", request.url.path, error)  # It may name files of this machine.
        return self._page(request, "refused", 503, status=503, said=_BROKEN)

    # Coming and going.

    async def _enter(self, request: Request) -> Response:
        role, person, until = self._access.holder(request.path_params["token"])
        if request.method == "GET":  # A link that a mail program looks at opens no session.
            names = roster_of(self._loop.course).get(person)
            full = " ".join(filter(None, [names.first_name, names.last_name])) if names else ""
            return self._page(request, "enter", person=person, full=full)
        response = RedirectResponse(self._prefix, 303)
        self._let_in(response, self._access.session(role, person, until))
        return response

    def _let_in(self, response: Response, session: str) -> None:
        response.set_cookie(
            COOKIE,
            session,
            max_age=SESSION_SECONDS,
            path=self._prefix,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    async def _come_back(self, request: Request) -> Response:
        """Take in a browser that comes back from JupyterHub, with a code."""
        if self._hub is None:
            raise HTTPException(404)
        role, person, where = await self._hub.who(request, self._loop.course)
        response = RedirectResponse(where, 303)
        self._let_in(response, self._access.session(role, person, time.time() + self._hub.seconds))
        self._hub.forget_state(response)
        return response

    async def _leave(self, request: Request) -> Response:
        async with self._form(request, self._known(request)):
            response = self._page(request, "refused", status=200, said="You have signed out.")
        response.delete_cookie(COOKIE, path=self._prefix)
        return response

    # What a student sees.

    def _home(self, request: Request) -> Response:
        visitor = self._known(request)
        if visitor.is_staff:
            return RedirectResponse(f"{self._prefix}staff", 303)
        found = self._pages.assignments(visitor.person, dt.datetime.now(dt.UTC))
        return self._page(request, "home", assignments=found, announcements=self._loop.course.config.announcements)

    def _assignment(self, request: Request) -> Response:
        visitor, name = self._known(request), request.path_params["name"]
        assignment = self._pages.assignment(name)
        if assignment is None:
            raise HTTPException(404)
        student = self._whose(request, visitor)
        attempts, policy = self._store.of_student(student, name), policy_of(self._loop.course, name)
        now, deadline = dt.datetime.now(dt.UTC), policy.deadline(student)
        return self._page(
            request,
            "assignment",
            name=name,
            title=assignment.title,
            student=student,
            own=not visitor.is_staff,
            due=policy.told(deadline) if deadline else "",
            past=deadline is not None and now > deadline,
            closes=policy.told(policy.closes) if policy.closes else "",
            counts=policy.counts,
            left=policy.left_today(attempts, now),
            refusal=policy.refusal(student, attempts, now),
            attempts=self._pages.attempts(student, name, attempts)[::-1],
            rows=self._pages.rows(student, name),
            shown=policy.shown(student, now),
            ticket=f"{time.time_ns():x}",
            members=policy.members(student),
            questions=self._pages.asked(student, name),
            enters=enters(assignment),
            rehearsals=self._pages.rehearsals(student, name)[::-1],
            rehearsals_per_day=self._loop.course.config.serve.rehearsals_per_day,
            told=policy.told,
            megabytes=self._loop.course.config.serve.upload_mb,
        )

    def _whose(self, request: Request, visitor: Visitor) -> str:
        """Return the student whose page it is: a student's own; for staff, the one that they ask for."""
        if not visitor.is_staff:
            return visitor.person
        if not (student := request.query_params.get("student", "")):
            raise HTTPException(404)
        return student

    async def _upload(self, request: Request, only_try: bool = False) -> Response:
        """Take a file that is handed in, or one that is only to be rehearsed."""
        visitor, name = self._known(request), request.path_params["name"]
        with self._uploads.one_more(visitor.person) as allowed:
            if not allowed:
                raise HTTPException(429, "Another upload of yours is still running.")
            async with self._form(request, visitor, files=1) as form:
                self._check_place(name, only_try)
                file = form.get("notebook")
                content = await file.read() if isinstance(file, UploadFile) else b""
                if len(content) > self._loop.course.config.serve.upload_mb << 20:
                    raise HTTPException(413, "The file is too large. Clear its outputs, save it, and hand it in again.")
                plain = plain_file_name(file.filename or "") if isinstance(file, UploadFile) else ""
                take = partial(self._actions.take, visitor, name, content, plain, str(form.get("ticket", "")))
                await run_in_threadpool(take, only_try=only_try)
        return RedirectResponse(f"{self._prefix}assignments/{name}{'#rehearsal' * only_try}", 303)

    def _check_place(self, name: str, only_try: bool) -> None:
        assignment = self._pages.assignment(name)
        if assignment is None or (only_try and not enters(assignment)):
            raise HTTPException(404)

    async def _ask(self, request: Request) -> Response:
        visitor, name = self._known(request), request.path_params["name"]
        async with self._form(request, visitor) as form:
            self._check_place(name, False)
            await run_in_threadpool(self._actions.ask, visitor, name, str(form.get("text", "")))
        return RedirectResponse(f"{self._prefix}assignments/{name}#questions", 303)

    async def _answer(self, request: Request) -> Response:
        visitor = self._known(request)
        if not visitor.is_staff:
            raise HTTPException(404)
        async with self._form(request, visitor) as form:
            text = str(form.get("text", ""))
            await run_in_threadpool(self._actions.answer, visitor, request.path_params["name"], text)
        return RedirectResponse(f"{self._prefix}staff", 303)

    def _own(self, request: Request, visitor: Visitor) -> HandIn:
        """Return the attempt that an address names, if the visitor may see it; others' are treated as missing."""
        student = None if visitor.is_staff else visitor.person
        attempt = self._store.attempt(request.path_params["name"], student)
        if attempt is None:
            raise HTTPException(404)
        return attempt

    def _feedback(self, request: Request) -> Response:
        visitor = self._known(request)
        attempt = self._own(request, visitor)
        page = self._pages.feedback(attempt, "full" if visitor.is_staff else "")
        if page is None:
            return self._page(request, "refused", status=200, said=self._pages.why_no_feedback(attempt))
        back, words = f"{self._prefix}assignments/{attempt.assignment}", "Back to your attempts"
        if visitor.is_staff:
            back, words = f"{back}?{urlencode({'student': attempt.student})}", f"Back to {attempt.student}'s attempts"
        return HTMLResponse(_with_a_way_back(page, back, words), headers={"content-security-policy": _FEEDBACK_POLICY})

    def _notebook(self, request: Request) -> Response:
        attempt = self._own(request, self._known(request))
        name = f'attachment; filename="{plain_file_name(attempt.file)}"'
        headers = {
            "content-disposition": name,
            "content-security-policy": "default-src 'none'; sandbox",
            "content-length": str(self._store.size(attempt)),
        }
        return StreamingResponse(self._store.pieces(attempt), media_type="application/octet-stream", headers=headers)

    async def _act(self, request: Request) -> Response:
        visitor = self._known(request)
        async with self._form(request, visitor):
            attempt = await run_in_threadpool(self._own, request, visitor)
            if not await run_in_threadpool(self._actions.act, visitor, attempt, request.path_params["action"]):
                raise HTTPException(404)
        back = "staff" if visitor.is_staff else f"assignments/{attempt.assignment}"
        return RedirectResponse(f"{self._prefix}{back}", 303)

    def _board(self, request: Request) -> Response:
        visitor = self._known(request)
        stem, _, form = request.path_params["file"].rpartition(".")
        course = self._loop.course
        path = course.root / "leaderboard" / f"{stem}.{form}"
        if stem not in {*course.assignments(), "course", CHALLENGE} or not path.is_file():
            raise HTTPException(404)
        if form != "html":
            return Response(path.read_bytes(), media_type="text/csv" if form == "csv" else "application/json")
        words = "Back to the staff page" if visitor.is_staff else "Back to your assignments"
        page = _with_a_way_back(path.read_text(encoding="utf-8"), self._prefix, words)
        return HTMLResponse(page, headers={"content-security-policy": _BOARD_POLICY})

    # What changes meanwhile.

    async def _events(self, request: Request) -> Response:
        visitor, name = self._known(request), request.path_params["name"]
        if visitor.is_staff or self._pages.assignment(name) is None:
            raise HTTPException(404)
        told = self._streams.of_student(visitor.person, name, lambda: self._visitor(request) is not None)
        return StreamingResponse(told, media_type="text/event-stream")

    # Staff.

    def _staff(self, request: Request) -> Response:
        if not self._known(request).is_staff:
            raise HTTPException(404)
        student, assignment = (request.query_params.get(name, "") for name in ("student", "assignment"))
        if student and self._pages.assignment(assignment) is not None:
            return RedirectResponse(f"{self._prefix}assignments/{assignment}?{urlencode({'student': student})}", 303)
        values = self._pages.staff(dt.datetime.now(dt.UTC))
        return self._page(request, "staff", desk=bool(self._desk_routes), **values)

    def _health(self, _: Request) -> Response:
        return PlainTextResponse("not grading\n", 503) if self._loop.failure else PlainTextResponse("ok\n")


def _with_a_way_back(page: str, address: str, words: str) -> str:
    """Return a page, which elsewhere is a file by itself, with a link above its header that leads back."""
    link = f'<nav class="back" aria-label="Way back"><a href="{escape(address)}">{escape(words)}</a></nav>'
    return page.replace("<header", f"{link}\n<header", 1)

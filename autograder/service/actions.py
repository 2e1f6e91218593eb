"""Everything that people do in the service besides reading pages.

They hand in, choose, rehearse, ask and answer; each refusal is a sentence for whoever tried. A page that stays open is
told meanwhile how its student's attempts stand, and where they are on the boards. Staff open the grading desk.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from autograder.course import Course
from autograder.errors import ServiceError
from autograder.service.access import Together, Visitor
from autograder.service.attempts import AttemptStore, HandIn
from autograder.service.grading_loop import GradingLoop
from autograder.service.pages import Pages
from autograder.service.policy import policy_of
from autograder.service.rehearsals import Rehearsals
from autograder.service.told import StaffQuestions

__all__ = ["Actions", "Events", "desk_routes"]


# ---- changes


class Actions:
    """The intake of a course.

    Args:
        store: the store of attempts.
        loop: the loop that grades them.
        rehearsals: the rehearsals of entries to the challenge.
        questions: the questions to the staff.
    """

    def __init__(
        self, store: AttemptStore, loop: GradingLoop, rehearsals: Rehearsals, questions: StaffQuestions
    ) -> None:
        self._store, self._loop, self._rehearsals, self._questions = store, loop, rehearsals, questions

    def take(
        self, visitor: Visitor, assignment: str, content: bytes, file: str, ticket: str, *, only_try: bool
    ) -> None:
        """Take a file: as an attempt, or only to rehearse it.

        Raises:
            ServiceError: it is refused; the message is for the visitor.
        """
        if visitor.is_staff:
            raise ServiceError("Staff have no attempts. Use `autograder practice` to try a notebook.")
        if not content:
            raise ServiceError("There is no file, or it is empty. Choose your notebook.")
        now = dt.datetime.now(dt.UTC)
        if only_try:
            self._rehearsals.take(visitor.person, assignment, content, file, now)
        else:
            self._hand_in(visitor.person, assignment, content, file, ticket, now)

    def _hand_in(self, student: str, assignment: str, content: bytes, file: str, ticket: str, now: dt.datetime) -> None:
        policy = policy_of(self._loop.course, assignment)
        self._store.hand_in(
            student,
            assignment,
            content,
            file=file,
            at=now,
            ticket=ticket[:100],
            refusal=partial(policy.refusal, student, now=now),
            members=policy.members(student),
        )
        self._loop.wake()

    def act(self, visitor: Visitor, attempt: HandIn, action: str) -> bool:
        """Do with an attempt what a form asks for; return False if there is no such action for the visitor.

        Raises:
            ServiceError: it is refused; the message is for the visitor.
        """
        if action == "try-again" and visitor.is_staff:
            self._store.try_again(attempt.name)
        elif action == "choose" and not visitor.is_staff:
            self._choose(visitor, attempt)
        elif action == "again" and not visitor.is_staff:
            content, now = self._store.content(attempt), dt.datetime.now(dt.UTC)
            self._hand_in(visitor.person, attempt.assignment, content, attempt.file, "", now)
        else:
            return False
        self._loop.wake()
        return True

    def _choose(self, visitor: Visitor, attempt: HandIn) -> None:
        policy = policy_of(self._loop.course, attempt.assignment)
        if policy.counts != "chosen":
            raise ServiceError("In this course students do not choose which attempt counts.")
        if policy.closes and dt.datetime.now(dt.UTC) >= policy.closes:
            raise ServiceError("This assignment is closed: the attempt that counts can no longer be changed.")
        self._store.choose(visitor.person, attempt.assignment, attempt.name)

    def ask(self, visitor: Visitor, assignment: str, text: str) -> None:
        """Put a student's question to the staff.

        Raises:
            ServiceError: it is refused; the message is for the visitor.
        """
        if visitor.is_staff:
            raise ServiceError("Staff answer questions here and cannot ask any.")
        self._questions.ask(visitor.person, assignment, text, dt.datetime.now(dt.UTC))

    def answer(self, visitor: Visitor, name: str, text: str) -> None:
        """Answer a question.

        Raises:
            ServiceError: it is refused; the message is for the visitor.
        """
        self._questions.answer(name, visitor.person, text, dt.datetime.now(dt.UTC))


# ---- events

_LOOK_SECONDS, _PLACE_SECONDS = 0.3, 2.0
_BOARD_SECONDS = 1 / 30
"""The pause between two looks at the boards, for each stream that is open: a full class does not look all at once."""
_BEAT_SECONDS = 15.0


class Events:
    """The streams of server-sent events of a course.

    Args:
        pages: the content of the pages.
        store: the store of attempts.
        loop: the loop that grades them.
    """

    def __init__(self, pages: Pages, store: AttemptStore, loop: GradingLoop) -> None:
        self._pages, self._store, self._loop = pages, store, loop
        self._streams = Together(4, 2000)

    async def of_student(self, student: str, assignment: str, is_in: Callable[[], bool]) -> AsyncIterator[str]:
        """Yield the state of a student's attempts, and their rows on boards, whenever one changes.

        Args:
            student, assignment: whose, and at what.
            is_in: a function that tells whether the session lasts still; asked now and then.
        """
        with self._streams.one_more(student) as allowed:
            own, said, looked, beat = -1, "", 0.0, time.monotonic()
            published, rows, ranked = -1, "", 0.0
            while allowed:
                now = time.monotonic()
                waits = '"waiting"' in said and now - looked > _PLACE_SECONDS
                if waits or own != self._store.touched[student]:
                    own, looked = self._store.touched[student], now
                    told = await run_in_threadpool(self._pages.snapshot, student, assignment)
                    if told != said:
                        said, beat = told, now
                        yield f"data: {said}\n\n"
                if published != self._loop.published and now - ranked > _BOARD_SECONDS * self._streams.total:
                    published, ranked = self._loop.published, now
                    told = await run_in_threadpool(self._pages.standing, student, assignment)
                    if told != rows:
                        rows = told
                        yield f"event: boards\ndata: {rows}\n\n"
                if now - beat > _BEAT_SECONDS:
                    beat, allowed = now, is_in()
                    yield ": still here\n\n"
                await asyncio.sleep(_LOOK_SECONDS)


# ---- the grading desk


def desk_routes(course: Course, visitor_of: Callable[[Request], Visitor | None]) -> list[BaseRoute]:
    """Return the grading desk's pages, which are there for staff alone; none where it is not installed.

    Args:
        course: the course.
        visitor_of: a function that tells who makes a request.
    """
    try:
        desk = importlib.import_module("autograder.desk").application(course)
    except (ModuleNotFoundError, AttributeError):
        return []

    async def for_staff(scope: Scope, receive: Receive, send: Send) -> None:
        visitor = visitor_of(Request(scope)) if scope["type"] == "http" else None
        if visitor is None or not visitor.is_staff:
            await PlainTextResponse("There is no such page.", 404)(scope, receive, send)
        else:
            # Without our router: the desk finds its addresses among its own.
            own = {key: value for key, value in scope.items() if key not in ("router", "app_root_path")}
            back = f"{own['root_path'].removesuffix('/desk')}/staff"
            await desk({**own, "autograder.person": visitor.person, "autograder.back": back}, receive, send)

    return [Mount("/desk", for_staff)]

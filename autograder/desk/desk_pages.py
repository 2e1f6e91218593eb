"""The desk's pages: one written question at a time, the marking scheme beside one student's answer."""

from __future__ import annotations

import getpass
import hashlib
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import jinja2
import msgspec
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from autograder.course import Course
from autograder.desk.desk_guard import PageGuard
from autograder.desk.questions import (
    Alike,
    Answers,
    Question,
    agreement,
    alike,
    answer_html,
    questions_of,
    scheme_html,
    start_items,
)
from autograder.errors import AuthoringError, AutograderError, GradebookError
from autograder.gradebook.mark_rows import ChangedMeanwhile, RubricItem, WrittenMark
from autograder.gradebook.rendering import course_html
from autograder.gradebook.sanitising import as_plain_text
from autograder.gradebook.written_marks import WrittenMarks

__all__ = ["DeskPages"]

_HERE = Path(__file__).parent
_LONGEST_COMMENT, _LONGEST_ITEM, _LONGEST_NAME = 5000, 300, 60
_GRADER = "desk-grader"


class QuestionProgress(msgspec.Struct, frozen=True):
    """The progress of a question: answers handed in, and those that wait for a person."""

    question: Question
    answers: int
    open: int
    second: int


class DeskPages:
    """The pages of one course."""

    def __init__(self, course: Course) -> None:
        self._course, self._answers, self._opening = course, Answers(course), threading.Lock()

    def application(self) -> Starlette:
        """Return the pages as an ASGI application."""
        one = "/{assignment}/{question}"
        routes = [
            Route("/", self._page(self._home), name="home"),
            Route("/grader", self._page(self._name_grader), methods=["POST"], name="grader"),
            Mount("/static", StaticFiles(directory=_HERE / "static"), name="static"),
            Route(one, self._page(self._first), name="question"),
            Route(f"{one}/alike", self._page(self._alike), name="alike"),
            Route(f"{one}/alike", self._page(self._mark_alike), methods=["POST"]),
            Route(f"{one}/agreement", self._page(self._agreement), name="agreement"),
            Route(f"{one}/rubric", self._page(self._rubric), methods=["POST"], name="rubric"),
            Route(f"{one}/comments", self._page(self._comments), methods=["POST"], name="comments"),
            Route(f"{one}/{{key}}", self._page(self._answer), name="answer"),
            Route(f"{one}/{{key}}", self._page(self._mark), methods=["POST"]),
        ]
        return Starlette(routes=routes, middleware=[Middleware(PageGuard)])

    # What every page needs.

    @cached_property
    def _open_marks(self) -> WrittenMarks:
        return WrittenMarks.of(self._course)

    @property
    def _marks(self) -> WrittenMarks:
        with self._opening:
            return self._open_marks

    def _page(self, answer: Callable[[Request, FormData], Response]) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that reads the form, works in a thread, and shows what went wrong on a page of its own."""

        async def endpoint(request: Request) -> Response:
            form = await request.form(max_files=0, max_fields=1000) if request.method == "POST" else FormData()
            try:
                return await run_in_threadpool(partial(answer, request, form))
            except ChangedMeanwhile as error:
                return self._shown(request, "trouble.html.j2", 409, said=str(error))
            except AuthoringError as error:
                return self._shown(request, "trouble.html.j2", 404, said=str(error))
            except AutograderError as error:
                return self._shown(request, "trouble.html.j2", 422, said=str(error))

        return endpoint

    def _shown(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        text = self._environment.get_template(template).render(
            url=lambda name, **path: str(request.url_for(name, **path).path),
            course=self._course.config.title or self._course.id,
            grader=self._grader(request),
            named=bool(request.scope.get("autograder.person")),
            back=request.scope.get("autograder.back", ""),
            **values,
        )
        return HTMLResponse(text.encode("utf-8", errors="replace"), status)

    @cached_property
    def _environment(self) -> jinja2.Environment:
        loader = jinja2.FileSystemLoader(_HERE / "templates")
        environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        environment.filters["number"] = lambda value: f"{round(value, 2):g}"
        environment.filters["plain"] = lambda text: as_plain_text(text, _LONGEST_COMMENT)
        return environment

    def _grader(self, request: Request) -> str:
        """Return who marks: the name from the mounting application, else that in the cookie, else the account's."""
        name = request.scope.get("autograder.person") or unquote(request.cookies.get(_GRADER, ""))
        return as_plain_text(str(name), _LONGEST_NAME).strip() or getpass.getuser()

    def _question(self, request: Request) -> Question:
        unit, name = request.path_params["assignment"].replace("~", "/"), request.path_params["question"]
        for question in questions_of(self._course, unit):
            if question.name == name:
                return question
        raise AuthoringError(f"{unit} has no question called '{name}'.")

    def _marks_of(self, question: Question) -> list[WrittenMark]:
        """Return the marks in an order that tells nothing about who is who, and is the same at every visit."""
        found = self._marks.marks(question.unit, question.name, question.comment_on)
        return sorted(found, key=lambda mark: hashlib.sha256(f"{question.name} {mark.key}".encode()).digest())

    def _text_of(self, question: Question, mark: WrittenMark) -> Markup:
        answers = self._answers.of(question.assignment, [mark.student])[mark.student]
        return answer_html(question, answers.get(question.answered_in))

    def _common(self, question: Question) -> dict[str, Any]:
        name = question.unit
        return {
            "question": question,
            "asked": course_html(question.text),
            "scheme": scheme_html(question),
            "rubric": self._marks.rubric(name, question.name, start_items(question)),
            "saved": self._marks.saved_comments(name, question.name),
        }

    # Pages.

    def _home(self, request: Request, _: FormData) -> Response:
        found: list[QuestionProgress] = []
        troubles: list[str] = []
        for name in self._course.assignments():
            try:
                found += [self._progress(question) for question in questions_of(self._course, name)]
            except AutograderError as error:  # One assignment's trouble is never another's.
                troubles.append(f"{name}: {error}")
        handed_in = [each for each in found if each.answers]
        return self._shown(request, "home.html.j2", questions=handed_in, troubles=troubles)

    def _progress(self, question: Question) -> QuestionProgress:
        marks = self._marks.marks(question.unit, question.name, question.comment_on)
        counted = sum(mark.open for mark in marks), sum(mark.second is not None for mark in marks)
        return QuestionProgress(question, len(marks), *counted)

    def _name_grader(self, request: Request, form: FormData) -> Response:
        name = as_plain_text(str(form.get("grader", "")), _LONGEST_NAME).strip()
        answer = RedirectResponse(request.url_for("home").path, 303)
        if name:
            home = request.url_for("home").path
            answer.set_cookie(_GRADER, quote(name), httponly=True, samesite="strict", path=home)
        return answer

    def _first(self, request: Request, _: FormData) -> Response:
        """Redirect to the first answer that waits, or to the first at all."""
        question, second = self._question(request), "second" in request.query_params
        marks = self._marks_of(question)
        if not marks:
            raise GradebookError(f"Nobody's {question.assignment.name} is in the gradebook. Grade it first.")
        waiting = [mark for mark in marks if (mark.second is None if second else mark.open)]
        return self._to_answer(request, question, (waiting or marks)[0].key, second=second)

    def _to_answer(self, request: Request, question: Question, key: str, *, second: bool) -> Response:
        path = request.url_for("answer", **question.path, key=key).path
        return RedirectResponse(path + ("?second" if second else ""), 303)

    def _answer(self, request: Request, _: FormData) -> Response:
        return self._marking(request, self._question(request), request.path_params["key"])

    def _marking(
        self,
        request: Request,
        question: Question,
        key: str,
        typed: Mapping[str, Any] | None = None,
        status: int = 200,
        said: str = "",
    ) -> Response:
        """Return the page on which one answer is marked.

        Args:
            request, question, key: the request, and the question and key of the answer.
            typed: the grader's choices and text, where they could not be written: they must not be lost.
            status: the HTTP status.
            said: the reason why it could not be written.
        """
        marks, second = self._marks_of(question), "second" in request.query_params
        keys = [mark.key for mark in marks]
        if key not in keys:
            raise HTTPException(404, "There is no such answer.")
        place = keys.index(key)
        mark = marks[place]
        shown = typed or (_second_state(mark) if second else _state(mark))
        waits = [each.key for each in marks if (each.second is None if second else each.open)]
        return self._shown(
            request,
            "marking.html.j2",
            status,
            **self._common(question),
            mark=mark,
            shown=shown,
            second=second,
            said=said,
            conflict=status == 409,
            answer=self._text_of(question, mark),
            place=place + 1,
            count=len(marks),
            waiting=len(waits),
            before=keys[place - 1] if place else "",
            after=keys[place + 1] if place + 1 < len(keys) else "",
        )

    def _mark(self, request: Request, form: FormData) -> Response:
        question, key = self._question(request), request.path_params["key"]
        second = "second" in request.query_params
        typed = {"items": form.getlist("item"), "comment": form.get("comment", ""), "points": form.get("points", "")}
        try:
            self._write(request, question, form, second=second)
        except GradebookError as error:
            status = 409 if isinstance(error, ChangedMeanwhile) else 422
            return self._marking(request, question, key, typed, status, str(error))
        return self._to_answer(request, question, self._target(question, key, form, second=second), second=second)

    def _write(self, request: Request, question: Question, form: FormData, *, second: bool) -> None:
        key, seen, grader = request.path_params["key"], str(form.get("seen", "")), self._grader(request)
        if form.get("act") == "withdraw":
            self._marks.withdraw(key, seen, grader, question.comment_on)
            return
        items, comment, points = _chosen(form)
        if second:
            self._marks.give_second(key, items, grader, points)
            return
        self._marks.give(key, seen, items, comment, grader, points, question.comment_on)
        if form.get("keep"):
            self._marks.save_comment(question.unit, question.name, comment)

    def _target(self, question: Question, key: str, form: FormData, *, second: bool) -> str:
        """Return where to go next: where the form tells, else to the next one that waits; nowhere from a slip."""
        marks = self._marks_of(question)
        keys = [mark.key for mark in marks]
        wanted = key if form.get("act") == "withdraw" else str(form.get("to", ""))
        if wanted in keys:
            return wanted
        place = keys.index(key)
        later = [*marks[place + 1 :], *marks[:place]]
        return next((mark.key for mark in later if (mark.second is None if second else mark.open)), key)

    def _rubric(self, request: Request, form: FormData) -> Response:
        """Add, change or remove an item; what it applied to before follows."""
        question = self._question(request)
        item = RubricItem(
            text=as_plain_text(str(form.get("text", "")), _LONGEST_ITEM).strip(),
            points=_number(form.get("points"), "points") or 0.0,
            part=as_plain_text(str(form.get("part", "")), 32).strip(),
            id=str(form.get("id", "")),
            version=int(_number(form.get("version"), "version") or 0),
        )
        if not item.text and form.get("act") != "remove":
            raise GradebookError("An item needs a text, such as “names the bias, too”. Go back and write one.")
        if item.id:
            self._marks.change_item(item, remove=form.get("act") == "remove")
        else:
            self._marks.add_item(question.unit, question.name, item)
        return self._to_answer(request, question, str(form.get("back", "")), second=False)

    def _comments(self, request: Request, form: FormData) -> Response:
        question = self._question(request)
        self._marks.forget_comment(str(form.get("id", "")))
        return self._to_answer(request, question, str(form.get("back", "")), second=False)

    def _alike(self, request: Request, _: FormData) -> Response:
        question = self._question(request)
        marks = {mark.key: mark for mark in self._marks_of(question)}
        texts = self._answers.of(question.assignment, [mark.student for mark in marks.values()])
        written = {
            key: texts[mark.student][question.answered_in].source
            for key, mark in marks.items()
            if question.answered_in in texts[mark.student]
            and texts[mark.student][question.answered_in].source.strip() != question.handed_out.strip()
        }

        def shown(group: Alike) -> dict[str, Any]:
            forms = list(dict.fromkeys(written[key].strip() for key in group.keys))
            first = {form: next(key for key in group.keys if written[key].strip() == form) for form in forms}
            return {
                "group": group,
                "marks": [marks[key] for key in group.keys],
                "forms": [
                    {
                        "text": self._text_of(question, marks[first[form]]),
                        "keys": [key for key in group.keys if written[key].strip() == form],
                    }
                    for form in forms
                ],
            }

        groups = [shown(group) for group in alike(written)]
        return self._shown(request, "alike.html.j2", **self._common(question), groups=groups)

    def _mark_alike(self, request: Request, form: FormData) -> Response:
        """Give all that were chosen the same mark; one that somebody else has marked meanwhile is left and named."""
        question = self._question(request)
        items, comment, points = _chosen(form)
        left = 0
        chosen = [str(each).partition(":") for each in form.getlist("answer")]
        for key, _, seen in chosen:
            try:
                self._marks.give(key, seen, items, comment, self._grader(request), points, question.comment_on)
            except ChangedMeanwhile:
                left += 1
        if form.get("keep"):
            self._marks.save_comment(question.unit, question.name, comment)
        if not chosen:
            raise GradebookError("No answer was chosen. Go back and tick those that the mark is for.")
        if left:
            raise ChangedMeanwhile(
                f"{len(chosen) - left} of {len(chosen)} were marked. Somebody else has marked the other {left} since "
                "you opened the page; they were left as they are."
            )
        path = request.url_for("alike", **question.path).path
        return RedirectResponse(path, 303)

    def _agreement(self, request: Request, _: FormData) -> Response:
        question = self._question(request)
        marks = [mark for mark in self._marks_of(question) if mark.second is not None and mark.points is not None]
        firsts = [float(mark.points or 0.0) for mark in marks]
        found = agreement(firsts, [mark.second.points for mark in marks if mark.second])
        apart = [mark for mark in marks if mark.second and mark.second.points != mark.points]
        apart.sort(key=lambda mark: -abs((mark.second.points if mark.second else 0.0) - (mark.points or 0.0)))
        return self._shown(request, "agreement.html.j2", question=question, found=found, apart=apart)


def _state(mark: WrittenMark) -> dict[str, Any]:
    points = None if mark.followed else mark.manual
    return {"items": mark.items, "comment": mark.comment, "points": points}


def _second_state(mark: WrittenMark) -> dict[str, Any]:
    """Return the form for a second grader, who sees nothing of the first mark."""
    return {"items": mark.second.items if mark.second else (), "comment": "", "points": None}


def _chosen(form: FormData) -> tuple[tuple[str, ...], str, float | None]:
    """Return the items, the comment and the points of a form; None where the items decide."""
    comment = str(form.get("comment", "")).replace("\r\n", "\n").strip()
    if len(comment) > _LONGEST_COMMENT:
        raise GradebookError(f"The comment has {len(comment)} characters; {_LONGEST_COMMENT} are the most. Shorten it.")
    items, points = tuple(str(each) for each in form.getlist("item")), _number(form.get("points"), "points")
    if not items and points is None:
        raise GradebookError("Nothing was chosen, so nothing was written. Choose an item, or press 0 for no points.")
    return items, comment, points


def _number(value: object, what: str) -> float | None:
    text = str(value or "").strip().replace(",", ".")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise GradebookError(f"'{text[:20]}' is not a number of {what}. Write one, such as 1.5.") from error
    if not -1000 <= number <= 1000:
        raise GradebookError(f"{text[:20]} is too large a number of {what}. Write another.")
    return number

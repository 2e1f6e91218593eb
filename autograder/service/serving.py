"""The service as a process: its lock, its workers, its server; and the links that let people in."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from rich.console import Console
from uvicorn.protocols.http.h11_impl import H11Protocol

from autograder.course import Course
from autograder.engine.executor import Executor, LocalWorkers, default_workers
from autograder.engine.worker import options_of
from autograder.errors import ServiceError
from autograder.files import private_folder, write_atomically
from autograder.service.access import Access, roster_of, write_links
from autograder.service.attempts import AttemptStore
from autograder.service.grading_loop import GradingLoop
from autograder.service.policy import served
from autograder.service.web import Site
from autograder.terminal import show

__all__ = ["revoke_links", "run_service", "site_of", "staff_link", "student_links"]

DAY = 24 * 60 * 60
_SPARE = 2
_OF_THE_TERMINAL = "terminal"
_MOST_CONNECTIONS, _OTHER_FILES = 2900, 400


def run_service(
    course: Course,
    host: str,
    port: int,
    url: str = "",
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    missing_ok: Sequence[str] = (),
) -> None:
    """Serve a course until the process is told to end.

    Args:
        host, port: the address to listen on; a JupyterHub that started this process decides it itself.
        url: the address under which browsers reach it; empty for just there.
        workers: the number of attempts begun at once.
        scheduler: a Dask scheduler to grade on.
        missing_ok: layers of the sandbox that may be missing, by name.

    Raises:
        ServiceError: another process serves the course.
    """
    with _alone(course):
        managed = "JUPYTERHUB_SERVICE_PREFIX" in os.environ
        if managed:
            parts = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
            host, port = parts.hostname or host, parts.port or port
        url = url or f"http://{host}:{port}"
        site, loop = site_of(course, url, managed, workers, scheduler, missing_ok)
        if not managed:
            _say(course, url)
        config = uvicorn.Config(
            site,
            http=_connections(),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=3000,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=3,
            forwarded_allow_ips="127.0.0.1",
        )
        uvicorn.Server(config).run()
        loop.stop()


def _connections() -> type[H11Protocol]:
    """Return a protocol of which there are never so many that nobody else is answered, or that no file can be opened.

    A connection too many takes the place of the oldest that waits for a request, so that open ones cost their owner
    alone.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = max(soft, min(hard, 2 * _MOST_CONNECTIONS)) if hard != resource.RLIM_INFINITY else 2 * _MOST_CONNECTIONS
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    most = min(_MOST_CONNECTIONS, max(files - _OTHER_FILES, files // 2))

    opened: dict[H11Protocol, None] = {}

    class Connection(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            opened[self] = None
            if len(opened) > most:
                oldest = next(each for each in opened if each.cycle is None or each.cycle.response_complete)
                del opened[oldest]
                oldest.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            opened.pop(self, None)
            super().connection_lost(exc)

    return Connection


def site_of(
    course: Course,
    url: str,
    managed: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    missing_ok: Sequence[str] = (),
) -> tuple[Any, GradingLoop]:
    """Return the application, and the loop that starts and stops with it; arguments as for :func:`run_service`."""
    hub, parts = None, urlsplit(url)
    prefix, secure = f"/{parts.path.strip('/')}/".replace("//", "/"), parts.scheme == "https"
    if managed:
        from autograder.service.hub import Hub

        hub = Hub(secure=secure)
        prefix = hub.prefix
    store = AttemptStore(course.results / "service.db")
    active = workers or default_workers()
    make = partial(_executor, course, active, scheduler, missing_ok)
    loop = GradingLoop(course, store, make, active=active, spare=_SPARE, missing_ok=missing_ok)
    site = Site(store, loop, Access(course, store), prefix=prefix, secure=secure, hub=hub)
    return site.application(), loop


def _executor(course: Course, active: int, scheduler: str | None, missing_ok: Sequence[str]) -> Executor:
    options = options_of(course, missing_ok)
    if scheduler:
        from autograder.engine.api import ClusterWorkers

        return ClusterWorkers(scheduler, options)
    return LocalWorkers(active + _SPARE, options)


@contextmanager
def _alone(course: Course) -> Iterator[None]:
    """Hold the course's lock: two services would give the same attempt to two workers."""
    private_folder(course.results)
    with (course.results / "service.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ServiceError(
                f"Another `autograder serve` serves {course.root}. Stop that one first, or use its page."
            ) from error
        yield


def _say(course: Course, url: str) -> None:
    screen = Console()
    screen.print(f"Serving {course.config.title or course.id}. Open:", style="bold", highlight=False)
    # A link is a key: into a terminal it may be written, into a log not.
    own = staff_link(course, _OF_THE_TERMINAL, url, 1.0) if screen.is_terminal else "with autograder links --staff NAME"
    for what, where in (("students", "with a link of: autograder links"), ("staff", own)):
        screen.print(f"  {what:<9} {where}", highlight=False, soft_wrap=True)
    if others := sorted({*course.assignments()} - {*served(course)}):
        several = ", ".join(others)
        show(screen, f"Not handed in here, since they have several notebooks: {several}. Use autograder grade.")
    screen.print("Ctrl-C ends it; what was handed in stays, and is graded after the next start.", highlight=False)


def staff_link(course: Course, name: str, url: str, days: float) -> str:
    """Return a link that lets its holder in as staff."""
    store = AttemptStore(course.results / "service.db")
    return f"{url.rstrip('/')}/enter/{Access(course, store).link('staff', name, days * DAY)}"


def student_links(course: Course, students: Sequence[str] | None, url: str, days: float, path: Path) -> str:
    """Write the students' links to a file that nobody else can read. Return a line for people.

    Raises:
        ServiceError: there is no roster, or a student is not in it.
    """
    people = roster_of(course)
    if not people:
        raise ServiceError(f"There is no students.csv in {course.root}. Write one: links are for the people in it.")
    if unknown := [name for name in students or () if name not in people]:
        raise ServiceError(f"students.csv does not contain {', '.join(unknown)}. Check the name.")
    access = Access(course, AttemptStore(course.results / "service.db"))
    chosen = [people[name] for name in students or people]
    text = io.StringIO()
    written = write_links(access, chosen, url, days, text)
    write_atomically(path, text.getvalue().encode())
    return f"{path}: {written} personal links, good for {days:g} days. Whoever has one can hand in for that student."


def revoke_links(course: Course, name: str) -> str:
    """End all links and sessions of a student or of one of the staff. Return a line for people."""
    store = AttemptStore(course.results / "service.db")
    for role in ("student", "staff"):
        store.revoke(role, name)
    if name in roster_of(course):
        return f"All links and sessions of {name} have ended. `autograder links --student {name}` makes a new one."
    return f"All links and sessions of {name} have ended. No student has this id; check it."

"""Commands that let a class hand in: the service, and the links that let students in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.course import Course
from autograder.trial_commands import CourseOption

__all__ = ["links", "serve"]

_ADDRESS = "http://127.0.0.1:8321"


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8321,
    url: Annotated[str, typer.Option(help="Address for browsers, if it is a different one.")] = "",
    workers: Annotated[int | None, typer.Option(min=1, help="Attempts graded at once (default: one per core).")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask scheduler, tcp://HOST:PORT.")] = None,
    missing_ok: Annotated[list[str] | None, typer.Option(help="Grade without this layer of the sandbox.")] = None,
    course: CourseOption = None,
) -> None:
    """Accept submissions, grade them at once and show students their feedback, until Ctrl-C."""
    from autograder.service.serving import run_service

    found = Course.find(course)
    for remark in found.remarks():
        typer.echo(remark, err=True)
    run_service(found, host, port, url, workers=workers, scheduler=scheduler, missing_ok=missing_ok or ())


def links(
    url: Annotated[str, typer.Option(help="Address of the service for browsers.")] = _ADDRESS,
    days: Annotated[float, typer.Option(min=0.01, max=1000, help="How many days the links are valid.")] = 180.0,
    students: Annotated[list[str] | None, typer.Option("--student", help="Only this student (repeatable).")] = None,
    staff: Annotated[str, typer.Option(help="Instead, print a link for the staff member of this name.")] = "",
    revoke: Annotated[str, typer.Option(help="End all links and sessions of this student, or of --staff.")] = "",
    output: Annotated[Path | None, typer.Option(help="The file to write (default: links.csv).")] = None,
    course: CourseOption = None,
) -> None:
    """Write each student's personal link to the service into a CSV file for a mail merge."""
    from autograder.service.serving import revoke_links, staff_link, student_links

    found = Course.find(course)
    if revoke:
        typer.echo(revoke_links(found, revoke))
    elif staff:
        typer.echo(staff_link(found, staff, url, days))
    else:
        typer.echo(student_links(found, students, url, days, output or found.root / "links.csv"))

"""Commands for people who read submissions: likeness among submissions, and the desk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.course import Course
from autograder.errors import AutograderError
from autograder.trial_commands import CourseOption

__all__ = ["desk", "similarity"]


def desk(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 0,
    course: CourseOption = None,
) -> None:
    """Grade written answers question by question in a browser; writes nbgrader's own points and comments."""
    from autograder.desk.desk_server import serve_desk

    serve_desk(Course.find(course), port, typer.echo)


def similarity(
    assignment: Annotated[str, typer.Argument(help="Assignment, such as 02-feature-maps.")],
    also: Annotated[
        list[Path] | None, typer.Option(help="A folder with submissions of an earlier term (repeatable).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The page to write (default: similarity-ASSIGNMENT.html).")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Instead, plant copies in a made-up class and count how many are found.")
    ] = False,
    students: Annotated[int, typer.Option(min=70, help="Students in the made-up class.")] = 300,
    course: CourseOption = None,
) -> None:
    """Show which submissions resemble each other more than chance explains; accuses nobody and changes no grade."""
    found = Course.find(course)
    if measure:
        _measure(found, assignment, students)
        return
    from autograder.similarity.class_similarity import compare_class
    from autograder.similarity.similarity_page import write_similarity

    compared = compare_class(found, assignment, also or ())
    for line in compared.lines():
        typer.echo(line)
    typer.echo(write_similarity(found, compared, output))
    raise typer.Exit(3 if compared.left_out else 0)


def _measure(course: Course, name: str, students: int) -> None:
    try:
        from autograder.bench.planted_copies import measure_detection
    except ModuleNotFoundError as error:
        if error.name != "autograder.bench":
            raise
        raise AutograderError(
            "The measurement is in the repository, not in the installed package. Clone it."
        ) from error
    from autograder.authoring.assignment import load_assignment

    for line in measure_detection(load_assignment(course, name), students).lines():
        typer.echo(line)

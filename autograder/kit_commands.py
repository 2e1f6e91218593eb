"""Commands that make the kit for a class, and grade one notebook for practice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.course import Course
from autograder.trial_commands import CourseOption

__all__ = ["handout", "practice"]


def handout(
    names: Annotated[list[str] | None, typer.Argument(help="Assignments (default: those that are open).")] = None,
    output: Annotated[
        Path | None, typer.Option(help="A folder, or a file that ends in .zip (default: handout/ID.zip).")
    ] = None,
    branch: Annotated[str, typer.Option(help="Commit it to this branch of the course's Git repository instead.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also assignments that open later.")] = False,
    course: CourseOption = None,
) -> None:
    """Make the kit for a class: released notebooks, their tools and data, and nothing that gives an answer away."""
    from autograder.handout.giving import give_out

    for line in give_out(Course.find(course), names, output=output, branch=branch, everything=everything):
        typer.echo(line)


def practice(
    notebook: Annotated[Path, typer.Argument(help="A notebook, finished or not.")],
    watch: Annotated[bool, typer.Option("--watch", help="Grade it again at every save, until Ctrl-C.")] = False,
    missing_ok: Annotated[list[str] | None, typer.Option(help="Grade without this layer of the sandbox.")] = None,
    course: CourseOption = None,
) -> None:
    """Grade one notebook as the class is graded, with hidden checks, on inputs of its own; writes nothing."""
    from autograder.practice.practice_session import practise

    done = practise(Course.find(course), notebook, watch=watch, missing_ok=tuple(missing_ok or ()))
    raise typer.Exit(0 if done is None or done.complete else 1)

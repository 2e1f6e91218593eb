"""Commands that try the grader itself: the machine's isolation, a sample class, and the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from autograder.course import Course
from autograder.errors import AutograderError, CourseError

__all__ = ["CourseOption", "JsonOption", "bench", "demo", "doctor"]

CourseOption = Annotated[Path | None, typer.Option("--course", help="Folder of the course (default: from here up).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def doctor(json: JsonOption = False) -> None:
    """Say which layers of isolation this machine offers, whether nbgrader here uses them, and where releases differ."""
    from autograder.authoring.drift import remarks_on_release
    from autograder.isolation.capabilities import print_layers

    for remark in remarks_on_release():
        typer.echo(remark, err=True)
    raise typer.Exit(max(print_layers(Console(), as_json=json), _say_of_nbgrader()))


def _say_of_nbgrader() -> int:
    """Say on stderr if nbgrader is not isolated in the course that this is run in, if any; 1 if so."""
    from autograder.gradebook.unisolated import nbgrader_remark

    try:
        remark = nbgrader_remark(Course.find())
    except CourseError:
        return 0
    if remark:
        typer.echo(remark, err=True)
    return 1 if remark else 0


def demo(
    folder: Annotated[Path, typer.Option(help="Where the sample course is made.")] = Path("demo"),
    workers: Annotated[int | None, typer.Option(help="Worker processes (default: one per core).")] = None,
) -> None:
    """Make a sample class, grade it, rank it, and say what to open."""
    from autograder.demo.demonstration import run_demo

    raise typer.Exit(run_demo(Course.find(), folder, workers=workers))


def bench(
    class_size: Annotated[int, typer.Option(help="Submissions per round.")] = 100,
    rounds: Annotated[int, typer.Option(help="Rounds; medians are reported. 0: add to an earlier run.")] = 3,
    scale: Annotated[int, typer.Option(help="Submissions to the first assignment in the long run; 0: none.")] = 1000,
    others: Annotated[int, typer.Option(help="Submissions to each other assignment in the long run.")] = 200,
    notebooks: Annotated[bool, typer.Option(help="Time every solved notebook, too.")] = True,
    quick: Annotated[bool, typer.Option("--quick", help="A small run that only shows that it works.")] = False,
    course: CourseOption = None,
) -> None:
    """Time this grader, nbgrader's stock autograde and the floor side by side."""
    try:
        from autograder.bench.benchmark import run_bench
    except ModuleNotFoundError as error:
        if error.name != "autograder.bench":
            raise
        raise AutograderError("The benchmark is in the repository, not in the installed package. Clone it.") from error

    found = Course.find(course)
    status = run_bench(
        found,
        class_size=class_size,
        rounds=rounds,
        scale=scale,
        others=others,
        notebooks=notebooks,
        quick=quick,
    )
    raise typer.Exit(status)

"""Commands that try the grader itself: a sample class, and the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.course import Course
from autograder.errors import AutograderError

__all__ = ["CourseOption", "bench", "demo"]

CourseOption = Annotated[Path | None, typer.Option("--course", help="Folder of the course (default: from here up).")]


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

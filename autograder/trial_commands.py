"""Commands that try the grader itself: the machine's isolation, a sample class, and the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from autograder.course import Course
from autograder.errors import AutograderError, CourseError

__all__ = ["CourseOption", "JsonOption", "adopt", "bench", "demo", "doctor"]

CourseOption = Annotated[
    Path | None, typer.Option("--course", help="Folder of the course (default: this one or one above).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def doctor(json: JsonOption = False) -> None:
    """Show which layers of isolation this machine has, whether nbgrader here uses them, and where releases differ."""
    from autograder.authoring.drift import remarks_on_release
    from autograder.isolation.capabilities import print_layers

    for remark in remarks_on_release():
        typer.echo(remark, err=True)
    raise typer.Exit(max(print_layers(Console(), as_json=json), _say_of_nbgrader()))


def _say_of_nbgrader() -> int:
    """Warn on stderr if nbgrader is not isolated in the course of this folder, if there is one; 1 if so."""
    from autograder.gradebook.unisolated import nbgrader_remark

    try:
        remark = nbgrader_remark(Course.find())
    except CourseError:
        return 0
    if remark:
        typer.echo(remark, err=True)
    return 1 if remark else 0


def adopt(
    folder: Annotated[Path, typer.Argument(help="An nbgrader course: the folder with nbgrader_config.py.")],
    no_together: Annotated[
        bool, typer.Option("--no-together", help="Leave checks that need the student's own process to a person.")
    ] = False,
    together: Annotated[bool, typer.Option("--together", help="Undo --no-together.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also try checks that did not change.")] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also let nbgrader grade the solution, the blank and wrong notebooks.")
    ] = False,
    missing_ok: Annotated[list[str] | None, typer.Option(help="Grade without this layer of the sandbox.")] = None,
    json: JsonOption = False,
) -> None:
    """Take over an nbgrader course unchanged, and show for each check how it will be graded."""
    import tempfile

    import msgspec

    from autograder.adopting.adoption import adopt_course

    chosen = False if no_together else True if together else None
    missing = missing_ok or ()
    report = adopt_course(
        folder,
        together=chosen,
        again=again,
        missing_ok=missing,
        say=lambda unit: typer.echo(f"Trying {unit} …", err=True),
    )
    if json:
        typer.echo(msgspec.json.encode({**msgspec.to_builtins(report), "points": report.points}).decode())
    for line in report.lines() if not json else ():
        typer.echo(line)
    if compare:
        from autograder.adopting.beside_nbgrader import compare_with_nbgrader

        with tempfile.TemporaryDirectory(prefix="compared-") as name:
            for line in compare_with_nbgrader(Course.find(folder), Path(name), missing).lines():
                typer.echo(line)
    raise typer.Exit(3 if report.needs_a_look else 0)


def demo(
    folder: Annotated[Path, typer.Option(help="Folder for the sample course.")] = Path("demo"),
    workers: Annotated[int | None, typer.Option(help="Worker processes (default: one per core).")] = None,
) -> None:
    """Make a sample class, grade it, rank it, and show what to open."""
    from autograder.demo.demonstration import run_demo

    raise typer.Exit(run_demo(Course.find(), folder, workers=workers))


def bench(
    class_size: Annotated[int, typer.Option(help="Submissions per round.")] = 100,
    rounds: Annotated[int, typer.Option(help="Rounds, of which medians are reported; 0 adds to an earlier run.")] = 3,
    scale: Annotated[int, typer.Option(help="Submissions to the first assignment in the long run; 0: none.")] = 1000,
    others: Annotated[int, typer.Option(help="Submissions to each other assignment in the long run.")] = 200,
    notebooks: Annotated[bool, typer.Option(help="Also time every solved notebook.")] = True,
    quick: Annotated[bool, typer.Option("--quick", help="A small run, only to see that it works.")] = False,
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

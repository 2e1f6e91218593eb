"""The commands for adopting a course, giving out kits, reading submissions, running the service and trying the grader.

:mod:`autograder.cli` adds them to its own. Each imports what it needs only when it runs.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from autograder.course import Course
from autograder.errors import AutograderError, CourseError
from autograder.student_cli import PlainGroup
from autograder.terminal import echo

__all__ = [
    "CourseOption",
    "InOrder",
    "JsonOption",
    "RosterOption",
    "WorkersOption",
    "adopt",
    "bench",
    "demo",
    "desk",
    "doctor",
    "file_to_read",
    "file_to_write",
    "folder_to_read",
    "folder_to_write",
    "handout",
    "links",
    "practice",
    "serve",
    "similarity",
]

file_to_read = partial(typer.Option, exists=True, dir_okay=False)
file_to_write = partial(typer.Option, dir_okay=False)
folder_to_read = partial(typer.Option, exists=True, file_okay=False)
folder_to_write = partial(typer.Option, file_okay=False)
RosterOption = Annotated[Path | None, file_to_read(help="Class list (default: students.csv).")]
CourseOption = Annotated[
    Path | None,
    folder_to_read("--course", help="Folder of the course (default: this one or one above)."),
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Worker processes (default: one per core).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


_ORDER = [
    "check",
    "practice",
    "collect",
    "status",
    "grade",
    "desk",
    "feedback",
    "regrade",
    "leaderboard",
    "export",
    "report",
    "similarity",
    "serve",
    "links",
    "doctor",
    "new-course",
    "new-assignment",
    "build",
    "answers",
    "audit",
    "handout",
    "adopt",
    "demo",
    "bench",
]


class InOrder(PlainGroup):
    """The commands by audience, and for each audience in the order of a term."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        return sorted(
            super().list_commands(ctx), key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)
        )


# ---- for taking up and trying the grader


def doctor(json: JsonOption = False) -> None:
    """Show which layers of isolation this machine has, whether nbgrader here uses them, and where releases differ."""
    from autograder.authoring.differences import remarks_on_release
    from autograder.isolation.capabilities import print_layers

    for remark in remarks_on_release():
        echo(remark, err=True)
    raise typer.Exit(max(print_layers(Console(), as_json=json), _say_of_nbgrader()))


def _say_of_nbgrader() -> int:
    """Warn on stderr if nbgrader is not isolated in the course of this folder, if there is one; 1 if so."""
    from autograder.gradebook.unisolated import nbgrader_remark

    try:
        remark = nbgrader_remark(Course.find())
    except CourseError:
        return 0
    if remark:
        echo(remark, err=True)
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
        say=lambda unit: echo(f"Trying {unit} …", err=True),
    )
    if json:
        typer.echo(msgspec.json.encode({**msgspec.to_builtins(report), "points": report.points}).decode())
    for line in report.lines() if not json else ():
        echo(line)
    if compare:
        from autograder.adopting.beside_nbgrader import compare_with_nbgrader

        with tempfile.TemporaryDirectory(prefix="compared-") as name:
            for line in compare_with_nbgrader(Course.find(folder), Path(name), missing).lines():
                typer.echo(line)
    raise typer.Exit(3 if report.needs_a_look else 0)


def demo(
    folder: Annotated[Path, folder_to_write(help="Folder for the sample course.")] = Path("demo"),
    workers: WorkersOption = None,
) -> None:
    """Make a sample class, grade it, rank it, and show what to open."""
    from autograder.demo.demonstration import run_demo

    raise typer.Exit(run_demo(Course.find(), folder, workers=workers))


def bench(
    class_size: Annotated[int, typer.Option(min=1, help="Submissions per round.")] = 100,
    rounds: Annotated[
        int, typer.Option(min=0, help="Rounds, of which medians are reported; 0 adds to an earlier run.")
    ] = 3,
    scale: Annotated[
        int, typer.Option(min=0, help="Submissions to the first assignment in the long run; 0: none.")
    ] = 1000,
    others: Annotated[int, typer.Option(min=0, help="Submissions to each other assignment in the long run.")] = 200,
    no_notebooks: Annotated[
        bool, typer.Option("--no-notebooks", help="Do not time every solved notebook too.")
    ] = False,
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
        notebooks=not no_notebooks,
        quick=quick,
    )
    raise typer.Exit(status)


# ---- for a class


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
    from autograder.handout.kit import give_out

    for line in give_out(Course.find(course), names, output=output, branch=branch, everything=everything):
        echo(line)


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


# ---- for reading submissions


def desk(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 0,
    course: CourseOption = None,
) -> None:
    """Grade written answers question by question in a browser; writes nbgrader's own points and comments."""
    from autograder.desk.desk_server import serve_desk

    serve_desk(Course.find(course), port, echo)


def similarity(
    assignment: Annotated[str, typer.Argument(help="Assignment, such as 02-feature-maps.")],
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="<dir>", help="A folder with submissions of an earlier term (repeatable)."),
    ] = None,
    output: Annotated[Path | None, file_to_write(help="The page to write (default: one in the course).")] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Instead, plant copies in a made-up class and count how many are found.")
    ] = False,
    students: Annotated[int, typer.Option(min=100, help="Students in the made-up class.")] = 300,
    course: CourseOption = None,
) -> None:
    """Show which submissions resemble each other more than chance explains; accuses nobody and changes no grade."""
    found = Course.find(course)
    if measure:
        _measure(found, assignment, students)
        return
    from autograder.authoring.adopted import units_of
    from autograder.similarity.class_similarity import compare_class, write_similarity

    units = units_of(found, assignment)
    if output and len(units) > 1:
        raise AutograderError(f"{assignment} has {len(units)} notebooks, a page each. Name one: {', '.join(units)}.")
    left_out = 0
    for unit in units:
        compared = compare_class(found, unit, also or ())
        left_out += len(compared.left_out)
        for line in compared.lines():
            echo(line)
        echo(write_similarity(found, compared, output))
    raise typer.Exit(3 if left_out else 0)


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
        echo(line)


# ---- for the service

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
        echo(remark, err=True)
    run_service(found, host, port, url, workers=workers, scheduler=scheduler, missing_ok=missing_ok or ())


def links(
    url: Annotated[
        str, typer.Option(help="Address of the service for browsers (default: port 8321 here).", show_default=False)
    ] = _ADDRESS,
    days: Annotated[float, typer.Option(min=0.01, max=1000, help="How many days the links are valid.")] = 180.0,
    students: Annotated[list[str] | None, typer.Option("--student", help="Only this student (repeatable).")] = None,
    staff: Annotated[str, typer.Option(help="Instead, print a link for the staff member of this name.")] = "",
    revoke: Annotated[str, typer.Option(help="End all links and sessions of this student, or of --staff.")] = "",
    output: Annotated[Path | None, file_to_write(help="The file to write (default: links.csv).")] = None,
    course: CourseOption = None,
) -> None:
    """Write each student's personal link to the service into a CSV file for a mail merge."""
    from autograder.service.serving import revoke_links, staff_link, student_links

    if not url.startswith(("https://", "http://")):
        raise AutograderError(f"'{url}' is not an address for browsers. Begin it with https:// or http://")
    found = Course.find(course)
    if revoke:
        echo(revoke_links(found, revoke))
    elif staff:
        echo(staff_link(found, staff, url, days))
    else:
        echo(student_links(found, students, url, days, output or found.root / "links.csv"))

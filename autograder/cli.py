"""The command line: parses and delegates. README.md or docs/ describes every command."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from autograder import commands
from autograder.commands import CourseOption, InOrder, JsonOption, RosterOption, WorkersOption
from autograder.course import Course
from autograder.errors import AutograderError, extra_for
from autograder.student_cli import PlainCommand, VersionOption, check
from autograder.terminal import echo, show

__all__ = ["app", "main"]

app = typer.Typer(
    name="autograder", cls=InOrder, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
for_students = partial(app.command, cls=PlainCommand, rich_help_panel="For students")
for_assistants = partial(app.command, cls=PlainCommand, rich_help_panel="For teaching assistants")
for_authors = partial(app.command, cls=PlainCommand, rich_help_panel="For authors and instructors")
to_look_at = partial(app.command, cls=PlainCommand, rich_help_panel="To see it work, and how fast")

file_to_read, file_to_write = commands.file_to_read, commands.file_to_write
folder_to_read, folder_to_write = commands.folder_to_read, commands.folder_to_write
NamesArgument = Annotated[list[str] | None, typer.Argument(help="Assignments (default: all).")]


@app.callback()
def _options(version: VersionOption = False) -> None:
    """A course on convolutional networks: build its notebooks, grade in isolation, rank."""


def _graded_course(folder: Path | None) -> Course:
    """The course of a command that uses due dates; prints remarks about its configuration first."""
    from autograder.gradebook.unisolated import nbgrader_remark

    course = Course.find(folder)
    for remark in filter(None, [*course.remarks(), nbgrader_remark(course)]):
        echo(remark, err=True)
    return course


@for_authors()
def build(names: NamesArgument = None, course: CourseOption = None) -> None:
    """Derive the source and the released notebooks from the authors' files."""
    from autograder.authoring.build import build_course

    written = build_course(Course.find(course), names)
    for path in written:
        echo(path)
    if not written:
        echo("Every notebook is up to date with its source.")


for_authors()(commands.handout)


@for_authors()
def new_assignment(
    name: Annotated[str, typer.Argument(help="Two digits and the topic, such as 08-attention.")],
    title: Annotated[str, typer.Option(help="Title that people see (default: the topic).")] = "",
    course: CourseOption = None,
) -> None:
    """Write a small, complete assignment to start from; it passes the audit."""
    from autograder.authoring import skeleton

    for path in skeleton.new_assignment(Course.find(course), name, title):
        echo(path)


@for_authors()
def answers(
    name: Annotated[str, typer.Argument(help="An assignment, such as 04-backprop.")],
    exercise: Annotated[str, typer.Argument(help="One exercise of it (default: all).")] = "",
    write: Annotated[bool, typer.Option("--write", help="Write whole functions below .autograder/answers/.")] = False,
    course: CourseOption = None,
) -> None:
    """Print the misconceptions of an assignment, each as its difference from the solution."""
    from autograder.authoring import differences
    from autograder.authoring.assignment import load_assignment

    found = Course.find(course)
    assignment = load_assignment(found, name)
    if write:
        for path in differences.write_answers(assignment, found.results / "answers" / name, exercise):
            echo(path)
        return
    for text in differences.differences(assignment, exercise):
        typer.echo(f"{text}\n")


@for_authors()
def new_course(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Folder of the new course; existing files are kept.")],
    title: Annotated[str, typer.Option(help="Title that people see (default: the folder's name).")] = "",
    assignment: Annotated[str, typer.Option(help="Name of the first assignment.")] = "01-first-steps",
) -> None:
    """Make a folder a course of your own: course.toml, nbgrader_config.py, an empty roster, a first assignment."""
    from autograder.authoring import skeleton

    written = skeleton.new_course(folder, title, assignment)
    for path in written:
        echo(path)
    echo(f"Next: cd {folder}, then autograder audit --all" if written else f"{folder} has all of it already.")


@for_assistants()
def grade(
    assignments: Annotated[list[str], typer.Argument(help="Assignments, such as 01-convolution.")],
    students: Annotated[list[str] | None, typer.Option("--student", help="Only this student (repeatable).")] = None,
    workers: WorkersOption = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask scheduler, tcp://HOST:PORT.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Grade again even if a result is stored.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write changed grades without asking.")] = False,
    missing_ok: Annotated[list[str] | None, typer.Option(help="Grade without this layer of the sandbox.")] = None,
    course: CourseOption = None,
) -> None:
    """Grade all submissions to one or more assignments in isolation; unchanged ones are not graded again."""
    from autograder.engine.api import grade_assignments

    reports = grade_assignments(
        _graded_course(course),
        assignments,
        students=students,
        workers=workers,
        scheduler=scheduler,
        again=again,
        yes=yes,
        missing_ok=missing_ok or (),
    )
    raise typer.Exit(max(report.exit_code for report in reports))


for_students()(check)  # The same as in the student's kit.


for_students()(commands.practice)


@for_assistants()
def collect(
    source: Annotated[Path, typer.Argument(help="The folder or ZIP that you downloaded.")],
    assignment: Annotated[
        str | None, typer.Option(help="Which assignment it is (default: found from each file).")
    ] = None,
    roster: RosterOption = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of a platform that gives none, such as Europe/London (default: UTC).")
    ] = None,
    platform: Annotated[str, typer.Option(help="Platform it is from (default: recognised by its root).")] = "",
    pattern: Annotated[
        str, typer.Option(help="For other downloads: a regular expression with groups such as (?P<student>...).")
    ] = "",
    worksheet: Annotated[
        Path | None, file_to_read(help="Moodle's grading worksheet: who has which number, and when they handed in.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    course: CourseOption = None,
) -> None:
    """Put submissions from a learning platform or nbgrader's exchange under submitted/; earlier ones are kept."""
    from autograder.collecting.collection import collect_downloads
    from autograder.gradebook.stamps import time_zone

    found = collect_downloads(
        _graded_course(course),
        source,
        assignment=assignment,
        roster=roster,
        zone=time_zone(zone) if zone else None,
        platform=platform,
        pattern=pattern,
        worksheet=worksheet,
        dry_run=dry_run,
    )
    for line in found.lines():
        echo(line)
    raise typer.Exit(3 if found.needs_a_look else 0)


@for_assistants()
def regrade(
    student: Annotated[str, typer.Argument(help="Student's id.")],
    assignment: Annotated[str, typer.Argument(help="Assignment, such as 01-convolution.")],
    reason: Annotated[str, typer.Option(help="Why it is graded again; kept in the log.")],
    yes: Annotated[bool, typer.Option("--yes", help="Write the changes without asking.")] = False,
    course: CourseOption = None,
) -> None:
    """Answer a request: grade one submission again, show the difference, keep the reason, update the boards."""
    from autograder.reporting.regrade_request import regrade_submission, regraded_units

    found = _graded_course(course)
    units = regraded_units(found, student, assignment)
    done = [regrade_submission(found, student, unit, reason, yes=yes) for unit in units]
    raise typer.Exit(0 if all(done) else 3)


@for_assistants()
def feedback(
    assignment: Annotated[str, typer.Argument(help="Assignment, such as 01-convolution.")],
    students: Annotated[list[str] | None, typer.Option("--student", help="Only this student (repeatable).")] = None,
    course: CourseOption = None,
) -> None:
    """Write the students' pages again, with points and comments that a person gave since; grades nothing."""
    from autograder.authoring.adopted import units_of
    from autograder.reporting.feedback_return import return_feedback

    found = _graded_course(course)
    returned = [return_feedback(found, each, students) for each in units_of(found, assignment)]
    for line in [line for each in returned for line in each.lines()]:
        echo(line)
    raise typer.Exit(max(each.exit_code for each in returned))


@for_assistants()
def report(
    names: NamesArgument = None,
    output: Annotated[Path | None, file_to_write(help="The page to write (default: report.html).")] = None,
    course: CourseOption = None,
) -> None:
    """Write one page about the class: scores by exercise, misconceptions, checks that all or none passed."""
    from autograder.reporting.class_report import write_report
    from autograder.service.told import tries_at

    found = Course.find(course)
    echo(write_report(found, names, output, tries=partial(tries_at, found)))


@for_assistants()
def export(
    platform: Annotated[str, typer.Argument(help="canvas, moodle or csv; with --feedback also nbgrader.")],
    output: Annotated[Path | None, file_to_write(help="The file to write (default: grades-PLATFORM.csv).")] = None,
    names: Annotated[list[str] | None, typer.Option("--assignment", help="Only this one (repeatable).")] = None,
    roster: RosterOption = None,
    into: Annotated[
        Path | None, file_to_read(help="The gradebook file that the platform exported, to fill in.")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--column", help="ASSIGNMENT=TITLE: the column for an assignment (repeatable).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace different values in that file.")] = False,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Pack the pages of feedback into a ZIP instead.")
    ] = False,
    course: CourseOption = None,
) -> None:
    """Write grades for import into Canvas or Moodle, or as plain CSV; or pack the pages of feedback for upload."""
    from autograder.reporting.lms_export import export_grades
    from autograder.reporting.platform_files import pack_feedback

    found = Course.find(course)
    if feedback:
        for name in names or found.assignments():
            for line in pack_feedback(found, platform, name, output).lines():
                echo(line)
        return
    exported = export_grades(
        found, platform, output, assignments=names, roster=roster, into=into, columns=columns, overwrite=overwrite
    )
    for line in exported.lines():
        echo(line)


@for_assistants()
def status(
    names: NamesArgument = None,
    roster: RosterOption = None,
    json: JsonOption = False,
    course: CourseOption = None,
) -> None:
    """List who handed in nothing, who is late, and what is unreadable, not graded or still to be graded by a person."""
    from autograder.reporting.status import status as reporting_status

    found = reporting_status(Course.find(course), names, roster)
    if json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for each in found:
        for line in each.lines():
            echo(line)


@for_authors()
def audit(
    names: NamesArgument = None,
    everything: Annotated[bool, typer.Option("--all", help="Every assignment.")] = False,
    workers: WorkersOption = None,
    attacks: Annotated[bool, typer.Option("--attacks", help="Also run the attack catalogue (takes minutes).")] = False,
    catalogue: Annotated[Path | None, folder_to_read(help="Folder of attacks (default: the package's).")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also grade what did not change since the last audit.")
    ] = False,
    mutants: Annotated[bool, typer.Option("--mutants", help="Also grade mechanical changes of right answers.")] = False,
    confusion: Annotated[bool, typer.Option("--confusion", help="Also measure how well mistakes are named.")] = False,
    sample: Annotated[int | None, typer.Option(min=1, help="Try only this many mutants per exercise.")] = None,
    json: JsonOption = False,
    course: CourseOption = None,
) -> None:
    """Test the tests: misconceptions caught and named, alternatives accepted, nothing leaked."""
    from autograder.audit.course_audit import run_audit

    found = Course.find(course)
    chosen = found.assignments() if everything or not names else names
    wanted = attacks or catalogue is not None
    status = run_audit(
        found,
        chosen,
        workers=workers,
        as_json=json,
        attacks=wanted,
        catalogue=catalogue,
        again=again,
        mutants=mutants or sample is not None,
        sample=sample,
        confusion=confusion,
    )
    raise typer.Exit(status)


@for_assistants()
def leaderboard(
    assignment: Annotated[str | None, typer.Argument(help="Assignment, or challenge (default: the course).")] = None,
    formats: Annotated[list[str] | None, typer.Option("--format", help="terminal, html, csv or json.")] = None,
    output: Annotated[Path | None, folder_to_write(help="Folder for the files.")] = None,
    reason: Annotated[str, typer.Option(help="Why the board is published again; kept in the log.")] = "",
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Close the board; in the challenge, score the private half.")
    ] = False,
    watching: Annotated[bool, typer.Option("--watch", help="Rebuild as grades arrive, until Ctrl-C.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Show what would change, and write nothing.")] = False,
    what_if: Annotated[Path | None, file_to_read(help="A file with other prizes: show who would win.")] = None,
    verify: Annotated[str | None, typer.Option(help="Check the log against its published head.")] = None,
    gradescope: Annotated[Path | None, folder_to_write(help="Folder for Gradescope's results.json files.")] = None,
    course: CourseOption = None,
) -> None:
    """Rank submissions under pseudonyms, with shared ties and prizes; as terminal text, HTML, CSV and JSON."""
    from autograder.leaderboard import command
    from autograder.leaderboard.command import watch
    from autograder.leaderboard.publishing import publish_boards

    found, chosen = Course.find(course), formats or ["terminal", "html", "csv", "json"]
    if what_if is not None:
        command.try_prizes(found, assignment, what_if)
    elif preview:
        command.preview(found, assignment)
    elif verify is not None:
        command.verify(found, assignment, verify)
    elif gradescope is not None:
        command.export_gradescope(found, assignment, gradescope)
    elif watching:
        watch(found, assignment, chosen, output)
    else:
        publish_boards(found, assignment, chosen, output, reason=reason, freeze=freeze)


for_assistants()(commands.desk)
for_assistants()(commands.similarity)
for_assistants()(commands.serve)
for_assistants()(commands.links)
for_assistants()(commands.doctor)
for_authors()(commands.adopt)
to_look_at()(commands.demo)
to_look_at()(commands.bench)

_ABOUT_STUDENTS = {
    "collect", "demo", "desk", "export", "feedback", "grade", "links", "regrade", "report", "serve", "similarity"
}  # fmt: skip
"""Commands whose files no other account on the machine may read."""


def main() -> None:
    """Run the command line; a user's error, or an extra that is not installed, is one message and exit code 2."""
    # No Python that this one starts imports from the folder that it is started in, where a student's pickle.py may lie.
    os.environ["PYTHONSAFEPATH"] = "1"
    if _ABOUT_STUDENTS & set(sys.argv[1:2]):
        os.umask(0o077)
    try:
        app()
    except AutograderError as error:
        _stop(str(error))
    except ModuleNotFoundError as error:
        if not (said := extra_for(error)):
            raise
        _stop(said)


def _stop(said: str) -> NoReturn:
    show(Console(stderr=True), f"autograder: {said}", "red")
    sys.exit(2)

"""The command line of the student's kit: ``autograder check`` without anything that needs the course's sources."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from autograder import __version__
from autograder.errors import AutograderError
from autograder.terminal import echo, show

__all__ = ["PlainCommand", "PlainGroup", "VersionOption", "app", "check", "main"]


class PlainCommand(TyperCommand):
    """A command whose help shows no type beside a flag, since ``--yes`` takes no value, and no type of Python's."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, flags without a type, and options that may be repeated with that of one value."""
        return _plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group of commands whose help shows no type beside a flag."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, flags without a type, and options that may be repeated with that of one value."""
        return _plain(super().get_params(ctx))


def _plain(params: list[Any]) -> list[Any]:
    for each in params:
        if getattr(each, "is_bool_flag", False):
            each.metavar = ""
        elif getattr(each, "multiple", False) and each.metavar is None:
            each.metavar = "<str>"
    return params


app = typer.Typer(
    name="autograder", cls=PlainGroup, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"autograder {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
]


@app.callback()
def _options(version: VersionOption = False) -> None:
    """The students' part of a course on convolutional networks: check your notebook before you hand it in."""


@app.command(cls=PlainCommand)
def check(
    notebook: Annotated[Path, typer.Argument(help="Your notebook.")],
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds that one cell may take (default: as in grading).")
    ] = None,
    demos: Annotated[bool, typer.Option("--demos", help="Also run cells that only show something.")] = False,
    entry: Annotated[
        bool, typer.Option("--entry", help="Instead, rehearse the whole challenge entry under its real limits.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check your own notebook before you hand it in: points by exercise, and what is still open."""
    from autograder.selfcheck.examine import check_notebook, print_report

    if entry:
        raise typer.Exit(_rehearse(notebook, json))
    report = check_notebook(notebook, seconds=seconds, demos=demos)
    if json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        print_report(report, Console())
    raise typer.Exit(0 if report.done else 1)


def _rehearse(notebook: Path, json: bool) -> int:
    """Rehearse an entry to the challenge and print the result; the exit status.

    Raises:
        AutograderError: this is the students' kit, which has no sandbox.
    """
    try:  # By name, so that the kit, which is what this module imports, does not hold the grader.
        rehearsal = importlib.import_module("autograder.practice.rehearsal")
    except ModuleNotFoundError as error:
        raise AutograderError(
            "A rehearsal runs in the grader's sandbox, which the students' kit lacks. Use a clone of the course."
        ) from error
    found = rehearsal.rehearse_entry(notebook)
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        echo("\n".join(rehearsal.rehearsal_lines(found)))
    return 0 if found.entry.valid else 1


def main() -> None:
    """Run the command line; a user's error is one message and exit code 2."""
    try:
        app()
    except AutograderError as error:
        show(Console(stderr=True), f"autograder: {error}", "red")
        sys.exit(2)

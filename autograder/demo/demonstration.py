"""The demonstration: a sample class made, graded and ranked, and lines on where everything is."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.authoring.build import build_course
from autograder.course import Course
from autograder.demo.class_maker import MISCONCEPTION, UNREADABLE, SampleSubmission, hand_in, make_sample_class
from autograder.engine.api import grade_class
from autograder.engine.grading_report import ClassReport, SubmissionReport
from autograder.terminal import show

__all__ = ["run_demo"]

ASSIGNMENT = "01-convolution"
_DUE = dt.datetime(2026, 3, 2, 23, 59, tzinfo=dt.UTC)
_CONFIGURATION = """\
# A sample course, made by: autograder demo. It may be removed at any time; the demonstration makes it again.
id = "demo"
title = "A sample class"
fixed_secret = "demonstration"

[directories]
source = "{source}"
release = "{release}"
data = "{data}"
hidden_data = "{hidden_data}"

[grading]
check_seconds = 10
late_penalty_per_day = 0.1

[assignments.{assignment}]
due = {due}

[[prizes]]
rank = 1
award = "automatic A+"

[[prizes]]
ranks = [2, 3]
award = "grade bump"
"""


def run_demo(course: Course, folder: Path, workers: int | None = None, console: Console | None = None) -> int:
    """Make a sample class in ``folder``, grade it, rank it, and show what to open.

    Args:
        course: the course whose assignment the class answers.
        folder: the folder of the sample course; what is there is kept and graded again only where it changed.
        workers: the number of processes; default one per core.
        console: the console to print on.

    Returns:
        0 if all went as it should: everything is graded but the two files that cannot be read.
    """
    started = time.perf_counter()
    screen = console or Console()
    build_course(course, [ASSIGNMENT])
    sample = _make_course(course, folder)
    assignment = load_assignment(sample, ASSIGNMENT)
    handed = make_sample_class(assignment)
    for one in handed:
        hand_in(one, sample.submitted, assignment, _DUE)
    _write_if_changed(sample.root / "students.csv", "\n".join(["id", *sorted({one.student for one in handed}), ""]))
    screen.print(f"A sample class of {len(handed)} has handed in {ASSIGNMENT}. Grading it in isolation:")
    report = grade_class(sample, ASSIGNMENT, workers=workers, yes=True)
    board = _publish(sample, screen)
    screen.print(_results(handed, report, assignment))
    _say_where(sample, assignment, handed, board, screen)
    counts = Counter(each.kind for each in report.submissions)
    show(
        screen,
        f"{counts['graded']} graded now, {counts['stored']} known from an earlier run, "
        f"{counts['unreadable']} unreadable on purpose; {time.perf_counter() - started:.1f} s in all.",
    )
    return 0 if _as_intended(handed, report) else 1


def _make_course(course: Course, folder: Path) -> Course:
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    text = _CONFIGURATION.format(
        source=os.path.relpath(course.source, root),
        release=os.path.relpath(course.release, root),
        data=os.path.relpath(course.data, root),
        hidden_data=os.path.relpath(course.hidden_data, root),
        assignment=ASSIGNMENT,
        due=_DUE.isoformat().replace("+00:00", "Z"),
    )
    _write_if_changed(root / "course.toml", text)
    original = course.root / "nbgrader_config.py"
    if original.is_file():  # nbgrader and the formgrader then work in the sample course as in the real one.
        _write_if_changed(root / "nbgrader_config.py", original.read_text(encoding="utf-8"))
    return Course.find(root)


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _results(handed: list[SampleSubmission], report: ClassReport, assignment: Assignment) -> Table:
    """Return a row for each submission, and one for all those with a misconception."""
    table = Table("Student", "What was handed in", "Points", title=f"Of {assignment.auto_points:g} points by checks")
    found = {each.student: each for each in report.submissions}
    mistaken = [one for one in handed if one.story.startswith(MISCONCEPTION)]
    for one in handed:
        if one not in mistaken:
            table.add_row(one.student, one.story, _points(found.get(one.student)))
    points = [each.points for one in mistaken if (each := found.get(one.student)) and each.points is not None]
    if points:
        caught = sum(each < assignment.auto_points for each in points)
        story = f"one misconception each; {caught} of {len(mistaken)} lost points by it"
        table.add_row(f"{len(mistaken)} more", story, f"{min(points):g} to {max(points):g}")
    return table


def _points(report: SubmissionReport | None) -> str:
    if report is None:
        return "not graded"
    return report.kind if report.points is None else f"{report.points:g}"


def _publish(sample: Course, screen: Console) -> Path:
    from autograder.leaderboard.publishing import publish_boards

    publish_boards(sample, ASSIGNMENT, console=screen)
    return sample.root / "leaderboard" / f"{ASSIGNMENT}.html"


def _say_where(
    sample: Course, assignment: Assignment, handed: list[SampleSubmission], board: Path, screen: Console
) -> None:
    mistaken = next((one.student for one in handed if one.story.startswith(MISCONCEPTION)), handed[0].student)
    page = sample.feedback / mistaken / assignment.name / f"{assignment.notebook}.html"
    folder = _shown(sample.root)
    lines = [
        ("leaderboard", _shown(board)),
        ("feedback", f"{_shown(page)} (one page for each student)"),
        ("graded notebooks", f"{_shown(sample.autograded)}/"),
        ("gradebook", f"{_shown(sample.root / 'gradebook.db')} (nbgrader's)"),
        ("handing in", f"cd {folder} && autograder links && autograder serve, which grades uploads at once"),
        ("formgrader", f"cd {folder} && jupyter lab --ServerApp.root_dir=., then Nbgrader, Formgrader in the menu"),
    ]
    screen.print("\nOpen next:", style="bold")
    for name, where in lines:
        screen.print(f"  {name:<17} {where}", highlight=False, soft_wrap=True)


def _shown(path: Path) -> str:
    """Return ``path`` from here if it is below, else whole."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _as_intended(handed: list[SampleSubmission], report: ClassReport) -> bool:
    unreadable = {one.student for one in handed if one.story.startswith(UNREADABLE)}
    looks = {each.student for each in report.needing_a_look}
    attacks = {one.student for one in handed if one.story.startswith("attack")}
    won = [each.student for each in report.submissions if each.student in attacks and each.points]
    return looks == unreadable and not won and not report.interrupted

"""The public functions of the engine: each grades a class, or several assignments in turn, with one call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from rich.console import Console

from autograder.authoring.adopted import lay_out_files, units_of
from autograder.course import Course
from autograder.engine.assignment_cache import load_cached_assignment
from autograder.engine.class_run import ClassRun, Confirm, MakeExecutor
from autograder.engine.difference import StudentChange, difference_table
from autograder.engine.executor import Executor
from autograder.engine.grading_report import ClassReport
from autograder.engine.local import LocalWorkers
from autograder.engine.messages import options_of
from autograder.engine.pool import Pool
from autograder.engine.progress import Progress, progress_for

__all__ = ["ask", "grade_assignments", "grade_class"]


def grade_class(
    course: Course,
    assignment_name: str,
    *,
    students: Sequence[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    again: bool = False,
    yes: bool = False,
    missing_ok: Sequence[str] = (),
    progress: Progress | None = None,
    confirm: Confirm | None = None,
    make_executor: MakeExecutor | None = None,
) -> ClassReport:
    """Grade the submissions to an assignment and write gradebook, graded notebooks and feedback.

    The result of a submission is looked up if it is known. The changes of a regrade are shown before they are written.

    Args:
        course: the course of the submissions.
        assignment_name: the assignment's name, such as ``01-convolution``.
        students: the students to grade; default everyone.
        workers: the number of processes on this machine; default one per core.
        scheduler: a Dask scheduler to use instead, ``tcp://HOST:PORT``.
        again: grade submissions that have a stored result, too.
        yes: write the changes of a regrade without asking.
        missing_ok: layers of the sandbox that may be missing, by name.
        progress: shows how the run goes; default a live line, or plain lines where there is no terminal.
        confirm: asks whether to write the changes of a regrade; default a question on the terminal.
        make_executor: makes the workers, instead of ``workers`` and ``scheduler``.

    Returns:
        The report; its ``exit_code`` is 0 if all is graded, 3 if something needs a look.

    Raises:
        AuthoringError: there is no such assignment.
        LayerMissing: the sandbox cannot be built on this machine.
        GradebookError: the gradebook cannot be used; results are stored, nothing is lost.
    """

    chosen = progress or progress_for(assignment_name)
    run: ClassRun = ClassRun(
        course,
        assignment_name,
        make_executor=make_executor or (lambda: _workers(course, workers, scheduler, missing_ok, run.needs_torch())),
        confirm=confirm or ((lambda *_: True) if yes else ask),
        progress=chosen,
        again=again,
        missing_ok=missing_ok,
    )
    report = run.grade(students)
    for line in [*report.lines(), *_forgeable(course, assignment_name)]:
        chosen.say(line)
    return report


def _forgeable(course: Course, name: str) -> list[str]:
    """Return a line on the checks of an adopted course that run in the student's own process, or nothing."""
    if not course.adopted:
        return []
    checks = [cell for cell in load_cached_assignment(course, name).checks if cell.level == "together"]
    points, names = sum(cell.points for cell in checks), ", ".join(cell.grade_id for cell in checks)
    return [f"{name}: {points:g} points are graded together, which can be forged: {names}."] if checks else []


def grade_assignments(
    course: Course,
    names: Sequence[str],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    missing_ok: Sequence[str] = (),
    **settings: Any,
) -> list[ClassReport]:
    """Grade several assignments, one after the other, with the same workers; stop after one that is interrupted.

    Args:
        names: the names of the assignments.
        workers, scheduler, missing_ok, settings: as for :func:`grade_class`.

    Raises:
        As :func:`grade_class` does; the grades from before the error are written.
    """
    reports: list[ClassReport] = []
    if course.adopted:
        lay_out_files(course)
    units = [each for name in names for each in units_of(course, name)]
    with Pool(partial(_workers, course, workers, scheduler, missing_ok)) as pool:
        for name in units:
            reports.append(grade_class(course, name, make_executor=pool.lend, **settings))
            if reports[-1].interrupted:
                break
    return reports


def _workers(
    course: Course, workers: int | None, scheduler: str | None, missing_ok: Sequence[str], torch: bool = True
) -> Executor:
    options = options_of(course, missing_ok, torch)
    if scheduler:
        from autograder.engine.cluster import ClusterWorkers

        return ClusterWorkers(scheduler, options)
    return LocalWorkers(workers, options)


def ask(assignment: str, changes: Sequence[StudentChange]) -> bool:
    """Show what a regrade changes and ask whether to write it; without a terminal to ask at, the answer is no."""
    console = Console(stderr=True)
    console.print(difference_table(changes, assignment))
    if not sys.stdin.isatty():
        return False
    return console.input(f"Write these changes for {len(changes)} students? [y/N] ").strip().lower() in ("y", "yes")

"""The benchmark: its rounds, the page docs/benchmarks.md, and the picture of the long run.

Contenders are interleaved round by round, so that a busy minute slows all of them alike. The page is written from the
content of benchmarks.json. The picture shows speed and memory over the whole of the long run.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import matplotlib.pyplot as plt
from rich.console import Console

from autograder.authoring.assignment import load_assignment
from autograder.bench.contenders import Bench, NotebookTime, loops_over_matmul, run_notebook
from autograder.bench.invented_class import honest_class
from autograder.bench.measurements import Figures, Measurements, figures_of, machine, notebook_figures, scale_figures
from autograder.bench.process_usage import PeerFailed, ProcessUsage
from autograder.bench.scale import Scale, measure_scale, scale_assignments, sizes
from autograder.course import Course
from autograder.errors import MachineryError
from autograder.lab import style

__all__ = ["PARTS", "draw_curve", "page_of", "run_bench"]

_PHASES = {
    "process": "fork, spawn, hand over",
    "student": "the student's cells",
    "visible": "visible tests",
    "hidden": "hidden tests",
    "diagnosis": "diagnosis",
    "database": "database",
    "conversion": "graded notebook",
    "feedback": "feedback page",
}
PARTS = {
    "answers": "the student's code",
    "checks": "checks and the instructor's solution",
    "libraries": "numpy, scipy, torch, pictures, called by either",
    "wire": "questions and answers: writing, sending, reading",
    "cells": "IPython and the compiler, for the student's cells",
    "grader": "comparing, records for the diagnosis, the result",
    "other": "other",
}
"""The parts that :mod:`autograder.bench.shares` tells apart."""


def page_of(figures: dict[str, Any]) -> str:
    """Return the page as Markdown.

    Args:
        figures: the figures from :func:`autograder.bench.measurements.figures_of`.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autograder.bench", "."), undefined=jinja2.StrictUndefined, autoescape=False,
        keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template("page.md.j2").render(f=figures, phases=_PHASES, parts=PARTS)


def draw_curve(found: Scale, path: Path) -> None:
    """Write the picture to ``path``: submissions per second above, memory below, one colour an assignment."""
    style()
    highest = max(max(rates) for rates in found.rates().values())
    fig, (speed, memory) = plt.subplots(2, 1, figsize=(7, 5), sharex=True)
    for name in found.finished:
        middles, rates = zip(*found.windows(name), strict=True)
        speed.plot(middles, rates, marker=".")
        speed.annotate(name[:2], (middles[len(middles) // 2], max(rates)), xytext=(0, 4), textcoords="offset points")
    memory.plot(*zip(*found.memory, strict=True), color="0.3", linewidth=1)
    total = sum(map(len, found.finished.values()))
    title = f"{total:,} submissions to {len(found.finished)} assignments: is each piece flat?"
    speed.set(ylabel="submissions per second", ylim=(0, 1.15 * highest), title=title)
    memory.set(ylabel="MB in all", ylim=(0, None), xlabel="seconds from the start")
    fig.savefig(path, dpi=120)
    plt.close(fig)


# ---- the run

ASSIGNMENT = "01-convolution"
STOCK_SIZE = 8
QUICK = 6
WARM = 3  # the second submission fills a worker's caches
CURVE = "images/scale.png"


def run_bench(
    course: Course,
    *,
    class_size: int = 100,
    rounds: int = 3,
    scale: int = 1000,
    others: int = 200,
    notebooks: bool = True,
    quick: bool = False,
    console: Console | None = None,
) -> int:
    """Time all contenders on the same class and write ``benchmarks.json`` and ``docs/benchmarks.md``.

    Args:
        course: the course; its 01-convolution is graded.
        class_size: the number of honest submissions for this grader and the floor.
        rounds: the number of rounds for the medians; 0 keeps the comparison in benchmarks.json, and adds to it.
        scale: honest submissions in the long run to the first assignment; 0 leaves the long run out.
        others: honest submissions in the long run to each of the other assignments.
        notebooks: whether to time every solved notebook, too.
        quick: one round of a few submissions, which only shows that everything runs; the page is left alone.
        console: where to print.

    Returns:
        0.

    Raises:
        MachineryError: a contender did not give every honest submission full points, so times would mean nothing.
    """
    screen = console or Console()
    size, repeated = (QUICK, 1) if quick else (class_size, rounds)
    assignment = load_assignment(course, ASSIGNMENT)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(course, assignment, honest_class(assignment, size), Path(folder))
        found = Measurements(size, min(size, 2 if quick else STOCK_SIZE))
        found.otter_missing = "left out of a quick run" if quick else ""
        for number in range(repeated):
            _round(bench, found, f"Round {number + 1} of {repeated}", screen)
        figures = figures_of(found) if repeated else _earlier(course, scale=bool(scale), notebooks=notebooks)
        page = _put_out(course, figures, write_page=not quick)
        if scale:
            classes = sizes(scale_assignments(course), *((QUICK, QUICK) if quick else (scale, others)))
            figures |= _scale(course, Path(folder), classes, screen, draw=not quick)
            page = _put_out(course, figures, write_page=not quick)
        if notebooks and not quick:
            figures |= _notebooks(course, screen)
            page = _put_out(course, figures, write_page=True)
    screen.print(page, markup=False, highlight=False)
    return 0


def _earlier(course: Course, *, scale: bool, notebooks: bool) -> Figures:
    """Return the figures of an earlier run on this machine, with which parts this run measures again."""
    path = course.root / "benchmarks.json"
    try:
        figures: Figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise MachineryError(f"{path} holds no comparison to add to. Run: autograder bench") from None
    if figures.get("machine") != machine():
        raise MachineryError(f"{path} is of another machine. Run: autograder bench")
    before, now = figures.get("measured_later", []), {"the long run": scale, "the notebooks": notebooks}
    return {**figures, "measured_later": [part for part, again in now.items() if again or part in before]}


def _put_out(course: Course, figures: Figures, *, write_page: bool) -> str:
    """Write what is known by now, so that nothing is lost if a later part is interrupted; return the page."""
    path = course.root / "benchmarks.json"
    if path.is_file():  # The night of a deadline is measured by a command of its own.
        night = json.loads(path.read_text(encoding="utf-8")).get("deadline_night")
        figures = figures | ({"deadline_night": night} if night else {})
    path.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    page = page_of(figures)
    if write_page:
        (course.root / "docs").mkdir(exist_ok=True)
        (course.root / "docs" / "benchmarks.md").write_text(page, encoding="utf-8")
    return page


def _notebooks(course: Course, screen: Console) -> Figures:
    times: dict[str, NotebookTime] = {}
    for name in course.assignments():
        times[name] = run_notebook(course, name)
        screen.print(f"Notebook {name}: {times[name].seconds} s", highlight=False)
    return notebook_figures(times, loops_over_matmul(course))


def _scale(course: Course, folder: Path, classes: dict[str, int], screen: Console, *, draw: bool) -> Figures:
    total = sum(classes.values())
    screen.print(f"The long run: {total:,} submissions to {len(classes)} assignments ...", highlight=False)
    found = measure_scale(course, folder, classes)
    screen.print(f"The long run took {found.seconds:.0f} s", highlight=False)
    if draw:
        path = course.root / "docs" / CURVE
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_curve(found, path)
    return scale_figures(found)


def _round(bench: Bench, found: Measurements, label: str, screen: Console) -> None:
    """Run every contender once."""
    points = bench.assignment.auto_points
    size = found.class_size

    def note(name: str, measured: ProcessUsage) -> ProcessUsage:
        took = f"{measured.wall_seconds:.1f} s, {measured.cpu_seconds:.1f} s of CPU"
        screen.print(f"{label}: {name}: {took}", highlight=False)
        return measured

    found.start.append(note("this grader, start", bench.ours(1, 1, torch=True)))
    found.single.append(note("this grader, one submission", _full(bench.ours(1, 1, torch=False), points)))
    found.warm.append(note("this grader, warm", bench.ours(1, WARM, "warm", torch=False)))
    found.stock_single.append(note("nbgrader, one submission", _full_stock(bench.stock(1), points)))
    found.one.append(note("this grader, 1 worker", _full(bench.ours(1, size), points)))
    found.stock.append(note("nbgrader autograde", _full_stock(bench.stock(found.stock_size, feedback=True), points)))
    _otter(bench, found, note)
    found.two.append(note("this grader, 2 workers", _full(bench.ours(2, size), points)))
    found.floor.append(note("the floor", _none_failed(bench.floor(size))))
    found.profile.append(note("this grader, profile", bench.profile(size)))
    found.again.append(note("this grader, regrading", _full(bench.ours(2, size, "again"), points)))


def _otter(bench: Bench, found: Measurements, note: Callable[[str, ProcessUsage], ProcessUsage]) -> None:
    """Run otter-grader if it installs; else report the reason."""
    if found.otter_missing:
        return
    try:
        measured = _full_stock(bench.otter(found.stock_size), bench.assignment.auto_points)
        found.otter.append(note("otter-grader", measured))
    except PeerFailed as error:
        found.otter_missing = str(error)


def _full(measured: ProcessUsage, points: float) -> ProcessUsage:
    first = measured.answer["first"]
    if first["mean_points"] != points or first["exit_code"]:
        raise MachineryError(f"Honest submissions got {first['mean_points']} of {points} points. Run: autograder audit")
    return measured


def _full_stock(measured: ProcessUsage, points: float) -> ProcessUsage:
    scores = measured.answer["scores"]
    if set(scores) != {points}:
        found = sorted(set(scores))
        raise MachineryError(f"a peer gave honest submissions {found} of {points} points. Run: autograder audit")
    return measured


def _none_failed(measured: ProcessUsage) -> ProcessUsage:
    if measured.answer["failed_checks"]:
        raise MachineryError(f"On the floor, {measured.answer['failed_checks']} checks failed. Run: autograder audit")
    return measured

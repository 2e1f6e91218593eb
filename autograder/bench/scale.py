"""The long run: a thousand submissions to one assignment and some to each of the others, by the same workers.

Run as ``python -m autograder.bench.scale ROOT WORKERS ASSIGNMENT …``; prints one JSON object.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from autograder.authoring.assignment import load_assignment
from autograder.bench.invented_class import hand_in_all, honest_class
from autograder.bench.process_usage import ProcessUsage, measure
from autograder.course import Course
from autograder.engine.api import grade_assignments
from autograder.engine.progress import Silent
from autograder.errors import MachineryError
from autograder.grading.lazy_entry import competes

__all__ = ["Scale", "main", "measure_scale", "scale_assignments", "sizes"]

WINDOW = 100
_WORKERS = 2


class Scale(msgspec.Struct, frozen=True):
    """A long run.

    Attributes:
        finished: for each assignment, the seconds from the start of the run at which each of its submissions was done.
        memory: (seconds from the start, MB of all processes together, shared pages counted once).
        seconds: wall time of the whole run.
    """

    finished: dict[str, list[float]]
    memory: list[tuple[float, float]]
    seconds: float

    def rates(self) -> dict[str, list[float]]:
        """Return, for each assignment, the submissions per second in each window of a hundred (or of a third, if less).

        The first window is left out: in it the assignment's own cells run for the first time.
        """
        return {name: [window[1] for window in self.windows(name)] for name in self.finished}

    def windows(self, name: str) -> list[tuple[float, float]]:
        """Return (middle in seconds from the start, submissions per second) of each window but the first."""
        moments = self.finished[name]
        width = min(WINDOW, max(1, len(moments) // 3))
        edges = moments[width - 1 :: width]
        return [((begin + end) / 2, width / max(end - begin, 1e-9)) for begin, end in pairwise(edges)]

    def last_over_first(self) -> dict[str, float]:
        """Return, for each assignment, the rate of the last window over that of the second one."""
        return {name: round(rates[-1] / rates[0], 3) for name, rates in self.rates().items()}

    def growth_mb(self) -> dict[str, float]:
        """Return, for each assignment, the MB of memory in its last tenth of time less those in its second tenth."""
        spans = {name: (moments[0], moments[-1]) for name, moments in self.finished.items()}
        return {
            name: round(self._memory(span, 0.9, 1.0) - self._memory(span, 0.1, 0.2), 1) for name, span in spans.items()
        }

    def _memory(self, span: tuple[float, float], begin: float, end: float) -> float:
        first, last = span
        low, high = (first + share * (last - first) for share in (begin, end))
        inside = [mb for at, mb in self.memory if low <= at <= high]
        nearest = min(self.memory, key=lambda point: abs(point[0] - low))[1]
        return median(inside) if inside else nearest


def scale_assignments(course: Course) -> list[str]:
    """Return the assignments to run: all but one that trains every submission again, which its own budget bounds."""
    return [name for name in course.assignments() if not competes(load_assignment(course, name))]


def sizes(names: Sequence[str], size: int, others: int) -> dict[str, int]:
    """Return the number of submissions to each assignment: ``size`` to the first, ``others`` to each of the rest."""
    return {name: others if place else size for place, name in enumerate(names)}


def measure_scale(course: Course, folder: Path, classes: Mapping[str, int]) -> Scale:
    """Grade so many honest submissions to each assignment of a copy of ``course`` in ``folder``.

    Raises:
        MachineryError: an honest submission lost points.
    """
    root = _copy(course, folder, classes)
    measured = measure("autograder.bench.scale", [str(root), str(_WORKERS), *classes], folder=root, seconds=3 * 3600)
    return _scale(measured)


def _copy(course: Course, folder: Path, classes: Mapping[str, int]) -> Path:
    root = folder / "scale"
    root.mkdir()
    (root / "course.toml").write_text(
        'id = "bench"\nfixed_secret = "bench"\n[directories]\n'
        f'source = "{course.source.name}"\nrelease = "{course.release.name}"\n'
        f'data = "{course.data}"\nhidden_data = "{course.hidden_data}"\n',
        encoding="utf-8",
    )
    for name, size in classes.items():
        for place in (course.source, course.release):
            shutil.copytree(place / name, root / place.name / name, ignore=shutil.ignore_patterns("__pycache__"))
        assignment = load_assignment(course, name)
        hand_in_all(root / "submitted", assignment, honest_class(assignment, size))
    return root


def _scale(measured: ProcessUsage) -> Scale:
    answer = measured.answer
    if answer["short"]:
        raise MachineryError(f"Honest submissions lost points in {', '.join(answer['short'])}. Run: autograder audit")
    memory = [(at, mb) for at, mb in measured.memory if mb > 0]
    return Scale(answer["finished"], memory, measured.wall_seconds)


class _Recorded(Silent):
    """A recorder of the time at which each submission is done."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self.moments: list[float] = []

    def advance(self, kind: str) -> None:
        """Record one more submission as done."""
        self.moments.append(round(time.perf_counter() - self._begun, 4))


def main(root: str, workers: str, *names: str) -> None:
    """Grade everything in ``root`` and print when each submission was done."""
    begun = time.perf_counter()
    course, progress = Course.find(Path(root)), _Recorded(begun)
    finished: dict[str, list[float]] = {}
    short: list[str] = []
    reports = grade_assignments(course, names, workers=int(workers), progress=progress)
    moments = iter(progress.moments)
    for report in reports:
        finished[report.assignment] = [next(moments) for _ in report.submissions]
        full: Any = load_assignment(course, report.assignment).auto_points
        if any(each.points != full for each in report.submissions):
            short.append(report.assignment)
    sys.stdout.write(json.dumps({"finished": finished, "short": short}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

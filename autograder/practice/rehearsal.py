"""The rehearsal of a whole entry to the competition: the grader's run and limits, on pictures that students have.

The service runs it as ``python -m autograder.practice.rehearsal COURSE NOTEBOOK``, which prints what the grader would
say, as a JSON list of lines, and ends when its input does: with the service.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec
import numpy as np

from autograder.challenge.competition import Competition, rehearsal_test
from autograder.challenge.entries import ENTRY_FUNCTIONS, RULES, CompetitionEntry
from autograder.course import Course
from autograder.errors import UnreadableSubmission
from autograder.grading.lazy_entry import code_of, wants_to_count
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess
from autograder.lab import fashion
from autograder.leaderboard.entrant import thresholds_of
from autograder.leaderboard.statistics import wilson
from autograder.selfcheck.subject import Subject, find_subject
from autograder.submission.model import SubmissionCell

__all__ = ["Rehearsal", "main", "rehearse_entry", "rehearsal_lines"]


class Rehearsal(msgspec.Struct, frozen=True):
    """The outcome of a rehearsal.

    Attributes:
        entry: the entry as the grader would keep it, on all of the changed validation pictures.
        seconds: processor time of training and of answering.
        thresholds: the accuracies that give points, ascending.
    """

    entry: CompetitionEntry
    seconds: tuple[float, float]
    thresholds: tuple[float, ...] = ()


def rehearse_entry(
    path: Path, seed: int = 0, *, course: Course | None = None, missing_ok: frozenset[str] = frozenset()
) -> Rehearsal:
    """Enter the notebook at ``path`` as the grader does, and ask it for validation pictures that were changed alike.

    Args:
        seed: the seed of the changes and of the training; the grader's own are secret.
        course: the course whose challenge it enters; default that which it lies in, or the one around here.
        missing_ok: names of layers of the isolation to go on without, where this machine lacks them.

    Raises:
        UnreadableSubmission: it is not a notebook that enters the competition, or it is damaged.
        LayerMissing: this machine lacks a layer of the grader's isolation.
    """
    subject = find_subject(path, course)
    if not set(ENTRY_FUNCTIONS) <= set(subject.assignment.exercises):
        needed = " and ".join(ENTRY_FUNCTIONS)
        raise UnreadableSubmission(f"{path} is not an entry to the challenge, which has {needed}. Leave --entry out.")
    given, valid = fashion("train"), fashion("validation")
    sources = code_of(subject.submission)
    with Sandbox.start(readable=[subject.data] if subject.data else [], missing_ok=missing_ok) as sandbox:
        competition = Competition(
            lambda limits: _started(sandbox, subject, limits),
            rehearsal_test(valid.images, valid.labels, seed),
            np.rint(given.images * 255).astype(np.uint8),
            given.labels,
            sum(map(len, sources)),
            line_of=lambda number, line: _line(_cells(subject), number, line),
        )
        entry = msgspec.structs.replace(competition.enter(), counts=wants_to_count(sources))
    return Rehearsal(entry, competition.seconds, tuple(thresholds_of(subject.assignment)))


def rehearsal_lines(found: Rehearsal) -> list[str]:
    """Return the rehearsal in sentences, for the terminal."""
    entry, seconds = found.entry, found.seconds
    if not entry.valid:
        line = f"\nIt stopped at your line: {entry.line}" if entry.line else ""
        return [f"Your entry would have no score: {entry.reason}.{line}"]
    right, images = entry.public_right, entry.public_images
    low, high = (100 * float(bound) for bound in wilson(right, images))
    reached = [share for share in found.thresholds if entry.accuracy >= share]
    missed = [share for share in found.thresholds if entry.accuracy < share]
    lines = [
        f"{right:,} of {images:,} changed validation pictures right: {100 * entry.accuracy:.1f} % "
        f"(95 % interval {low:.1f} to {high:.1f} %).",
        f"Processor time: {seconds[0]:.0f} of {RULES.training_seconds:.0f} s to train, {seconds[1]:.0f} of "
        f"{RULES.answering_seconds:.0f} s to answer. Numbers: {entry.weights:,} of {RULES.weights:,}.",
        f"{f'The threshold of {100 * reached[-1]:.1f} %' if reached else 'No threshold'} would be reached.",
    ]
    if missed:
        lines.append(f"The next one is {100 * missed[0]:.1f} %, {100 * (missed[0] - entry.accuracy):.1f} points away.")
    if not entry.counts:
        lines.append("THIS_ENTRY_COUNTS is False: in the private half the entry before this one would count.")
    return [*lines, "The grader asks about other pictures, with other changes, and trains with another seed."]


def _cells(subject: Subject) -> list[SubmissionCell]:
    """Return the cells that the grader runs, in order."""
    cells = subject.submission.cells
    return [cell for cell in cells if cell.cell_type == "code" and cell.kind not in ("check", "demo")]


def _started(sandbox: Sandbox, subject: Subject, limits: Limits) -> StudentProcess:
    worker = sandbox.spawn(limits)
    worker.quiet = True
    for cell in _cells(subject):
        worker.run_cell(cell.source, seconds=subject.settings.cell_seconds)
    return worker


def _line(cells: list[SubmissionCell], number: int, line: int) -> str:
    lines = cells[number].source.split("\n") if 0 <= number < len(cells) else []
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def main(arguments: list[str]) -> None:
    """Rehearse a notebook and print the outcome.

    Args:
        arguments: the course's folder, the notebook's path, and layers of the sandbox that may be missing.
    """
    threading.Thread(target=_end_with_input, daemon=True).start()
    root, path, *missing_ok = arguments
    try:
        found = rehearse_entry(Path(path), course=Course.find(root), missing_ok=frozenset(missing_ok))
        lines = rehearsal_lines(found)
    except UnreadableSubmission as error:
        lines = [str(error)]
    sys.stdout.write(json.dumps(lines))


def _end_with_input() -> None:
    while os.read(0, 1 << 10):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])

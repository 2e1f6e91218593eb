"""The sentences about an entry on the page of feedback: they tell no more of the public half than the board shows."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autograder.authoring.assignment import Assignment
from autograder.challenge.competition_entry import CompetitionEntry
from autograder.challenge.competition_results import FILE_NAME, ChallengeResult, read_results
from autograder.challenge.packing import unpack
from autograder.challenge.rules import RULES
from autograder.course import Course
from autograder.errors import LeaderboardError
from autograder.grading.result import Result
from autograder.leaderboard.ladder import Ladder
from autograder.leaderboard.statistics.intervals import wilson
from autograder.leaderboard.units import moment

__all__ = ["counted_result", "entrant_lines", "lines_for", "thresholds_of"]


def lines_for(course: Course, assignment: Assignment, student: str, result: Result) -> list[str]:
    """Return the sentences about a student's entry, from the course's record; empty if the result has no entry."""
    if result.entry is None:
        return []
    return entrant_lines(course.results / FILE_NAME, assignment, student, result.entry, result.usage.entry)


def entrant_lines(
    path: Path, assignment: Assignment, student: str, entry: CompetitionEntry, seconds: tuple[float, float]
) -> list[str]:
    """Return sentences about a student's entry, for this student alone.

    The accuracy is that which the Ladder shows: exact for a first entry, and for one that moved it. What an entry that
    did not move it has right is not told, or the Ladder would hold nothing back.

    Args:
        path: the record of scored entries.
        entry: the student's last one.
        seconds: processor time of its training and of its answers.
    """
    try:
        own = [result for result in read_results(path, whole=False) if result.entrant == student]
    except LeaderboardError:
        own = []
    lines = [_spent(entry, seconds)]
    scored = [result for result in own if result.status == "scored"]
    if not scored:
        return lines
    lines += _shown(scored, thresholds_of(assignment), moved=entry.valid)
    return lines + _counts(scored, latest_is_this=entry.valid)


def counted_result(results: Sequence[ChallengeResult]) -> ChallengeResult | None:
    """Return the one of an entrant's results (oldest first) that counts in the private half; None if none is scored.

    It is the last scored one that its entrant wants to count; where the entrant wants none, the last scored one.
    """
    scored = [result for result in results if result.status == "scored"]
    wanted = [result for result in scored if result.counts]
    return next(iter((wanted or scored)[-1:]), None)


def thresholds_of(assignment: Assignment) -> list[float]:
    """Return the accuracies that give points, ascending, from the notebook's given ``THRESHOLDS``; empty without it."""
    for cell in assignment.cells:
        for node in ast.parse(cell.source).body if cell.kind == "given" else ():
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "THRESHOLDS":
                return sorted(float(share) for share, _ in ast.literal_eval(node.value))
    return []


def _spent(entry: CompetitionEntry, seconds: tuple[float, float]) -> str:
    if not entry.valid:
        return f"Your entry has no score: {entry.reason}."
    return (
        f"It took {seconds[0]:.0f} of {RULES.training_seconds:.0f} s of processor time to train and {seconds[1]:.0f} "
        f"of {RULES.answering_seconds:.0f} s to answer, and holds {entry.weights:,} of {RULES.weights:,} numbers."
    )


def _shown(scored: Sequence[ChallengeResult], thresholds: Sequence[float], moved: bool) -> list[str]:
    """Return sentences on what the board shows of these results, and on whether the last of them made it."""
    ladders = [Ladder().submit(_right(scored[0]))]
    for result in scored[1:]:
        ladders.append(ladders[-1].submit(_right(result)))
    right, images = ladders[-1].shown or 0, len(scored[0].public) * scored[0].public_images
    low, high = (100 * float(bound) for bound in wilson(right, images))
    share = f"{right:,} of {images:,} public pictures right: {100 * right / images:.2f} %, "
    share += f"95 % interval {low:.1f} to {high:.1f} %"
    if len(scored) == 1:
        lines = [f"The board shows {share}."]
    elif moved and ladders[-1] is not ladders[-2]:
        lines = [f"The Ladder moved, from {ladders[-2].shown:,}: the board now shows {share}."]
    else:
        lines = [f"The Ladder did not move: this entry is not clearly better than your best. The board shows {share}."]
    return lines + _gap(right, images, thresholds)


def _gap(right: int, images: int, thresholds: Sequence[float]) -> list[str]:
    above = next((share for share in thresholds if right < share * images), None)
    if above is None:
        return ["That is above the last threshold."] if thresholds else []
    missing = int(np.ceil(above * images - 1e-9)) - right
    return [f"The next threshold, {above:.1%}, is {100 * missing / images:.2f} points, or {missing:,} pictures, away."]


def _counts(scored: Sequence[ChallengeResult], latest_is_this: bool) -> list[str]:
    counted = counted_result(scored)
    if counted is None:
        return []
    this = latest_is_this and counted is scored[-1]
    which = "this entry" if this else f"your entry of {_day(counted.at)}"
    lines = [f"In the private half, which decides, {which} counts: your last one with THIS_ENTRY_COUNTS = True."]
    if _clearly_worse(counted, scored):
        lines.append(
            "Warning: it is clearly worse on the public pictures than the one that the board shows. To let the better "
            "one count, hand it in once more."
        )
    return lines


def _clearly_worse(counted: ChallengeResult, scored: Sequence[ChallengeResult]) -> bool:
    """Return whether an entry is more than one standard error behind the shown one: the Ladder's rule, turned round."""
    ladder = Ladder()
    for result in scored:
        ladder = ladder.submit(_right(result))
    return Ladder(_right(counted).sum(axis=0, dtype=np.int64)).beaten_by(ladder)


def _right(result: ChallengeResult) -> NDArray[np.bool_]:
    """Return which public pictures were answered rightly; shape (trainings, images)."""
    return np.stack([unpack(text, result.public_images) for text in result.public])


def _day(at: dt.datetime) -> str:
    when = moment(at).astimezone(dt.UTC)
    return f"{when.day} {when:%B, %H:%M} UTC"

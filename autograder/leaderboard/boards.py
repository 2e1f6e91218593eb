"""The boards of a course: entries made from its grades, and the challenge's boards made from its results.

Grades give the entries for the board of one assignment and for the board of the whole course.

The challenge's boards come from a log of results in JSON lines. Each result tells which public and which private images
a submission's trained networks answer rightly. While the challenge runs, the public board shows each entrant's Ladder.
At the freeze the private half is counted, once, for the submission that each entrant lets count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from autograder.challenge.competition_results import ChallengeResult, append_result, read_results
from autograder.challenge.entries import pack, unpack
from autograder.errors import LeaderboardError
from autograder.leaderboard.board import (
    Activity,
    Attempt,
    Board,
    BoardEntry,
    Standing,
    Status,
    hundredths,
    moment,
    scale_for,
)
from autograder.leaderboard.configuration import Adjustment, Boards, Prize
from autograder.leaderboard.entrant import Ladder, counted_result
from autograder.leaderboard.grades import AssignmentGrades, Grade
from autograder.leaderboard.ranking import competition_ranks, standings
from autograder.leaderboard.statistics import add_statistics

__all__ = [
    "ChallengeResult",
    "append_result",
    "assignment_entries",
    "course_entries",
    "pack",
    "private_board",
    "public_board",
    "read_results",
    "scale_of",
    "unpack",
]


# ---- entries from grades


def scale_of(parts: Iterable[AssignmentGrades], boards: Boards) -> int:
    """Return the number of units per point that shows every score, maximum and adjustment exactly."""
    points = [adjustment.points for adjustment in boards.adjustments]
    for part in parts:
        points += [part.maximum, *(grade.points for grade in part.grades if grade.points is not None)]
    return scale_for(points)


def assignment_entries(part: AssignmentGrades, roster: Collection[str], boards: Boards, scale: int) -> list[BoardEntry]:
    """Return one entry for every student of the roster, with the board's rules for late and unfinished work applied."""
    given = {grade.student: grade for grade in part.grades}
    adjustments = [a for a in boards.adjustments if a.board == part.name]
    entries = [_entry(student, given.get(student), boards, scale) for student in _present(roster, boards)]
    return _adjusted([_withdrawn(entry, boards) for entry in entries], adjustments, scale)


def course_entries(
    parts: Sequence[AssignmentGrades],
    roster: Collection[str],
    boards: Boards,
    scale: int,
    optional: Collection[str] = (),
) -> list[BoardEntry]:
    """Return one entry per student: the sum over the required assignments, which an optional one can only raise.

    A required assignment that was not handed in counts 0; one that is not graded yet takes the student off the
    ranking until it is, because nobody's total may rest on a failure of the machinery.
    """
    by_student = {part.name: {grade.student: grade for grade in part.grades} for part in parts}
    entries = []
    for student in _present(roster, boards):
        grades = {part.name: by_student[part.name].get(student) for part in parts}
        entries.append(_withdrawn(_total(student, parts, grades, boards, scale, optional), boards))
    return _adjusted(entries, [a for a in boards.adjustments if a.board == "course"], scale)


def _present(roster: Collection[str], boards: Boards) -> list[str]:
    return sorted(set(roster) - set(boards.excluded))


def _entry(student: str, grade: Grade | None, boards: Boards, scale: int) -> BoardEntry:
    if grade is None:
        return BoardEntry(student, status=Status.MISSING, reason="Nothing was handed in.")
    at = moment(grade.at) if grade.at else None
    if grade.unreadable:
        reason = "The file cannot be graded as it was handed in. The feedback says what to do."
        return BoardEntry(student, at=at, status=Status.UNREADABLE, reason=reason)
    if grade.points is None:
        return BoardEntry(
            student, at=at, status=Status.NOT_GRADED, reason="The grader has not finished this submission."
        )
    if grade.late and boards.late == "apart":
        return BoardEntry(student, at=at, status=Status.LATE, reason="Handed in after the deadline.")
    if grade.open and boards.unfinished == "apart":
        return BoardEntry(student, at=at, status=Status.NOT_GRADED, reason="A written answer is still to be graded.")
    return BoardEntry(
        student,
        score=hundredths(grade.points) * scale // 100,
        at=at,
        late=grade.late,
        provisional=bool(grade.open),
        prize=not (grade.late and boards.late == "no prize"),
    )


def _withdrawn(entry: BoardEntry, boards: Boards) -> BoardEntry:
    if entry.entrant not in boards.withdrawn:
        return entry
    return BoardEntry(entry.entrant, at=entry.at, status=Status.WITHDRAWN, reason="Withdrawn.")


def _adjusted(entries: list[BoardEntry], adjustments: Sequence[Adjustment], scale: int) -> list[BoardEntry]:
    """Return the entries with points given or taken by a person; never below 0, and only where there is a score."""
    own: dict[str, list[Adjustment]] = {}
    for adjustment in adjustments:
        own.setdefault(adjustment.student, []).append(adjustment)
    return [_adjust(entry, own[entry.entrant], scale) if entry.entrant in own else entry for entry in entries]


def _adjust(entry: BoardEntry, adjustments: Sequence[Adjustment], scale: int) -> BoardEntry:
    if entry.status is not Status.SCORED:
        return entry
    units = sum(hundredths(adjustment.points) * scale // 100 for adjustment in adjustments)
    return replace(
        entry,
        score=max(0, entry.score + units),
        badges=(*entry.badges, "adjusted"),
        adjustments=tuple(f"{adjustment.points:+g}: {adjustment.reason.strip()}" for adjustment in adjustments),
    )


def _total(
    student: str,
    parts: Sequence[AssignmentGrades],
    grades: Mapping[str, Grade | None],
    boards: Boards,
    scale: int,
    optional: Collection[str],
) -> BoardEntry:
    single = {name: _entry(student, grade, boards, scale) for name, grade in grades.items()}
    required = [part for part in parts if part.name not in optional]
    voluntary = [part for part in parts if part.name in optional]
    waiting = [part.name for part in required if single[part.name].status is Status.NOT_GRADED]
    latest = max((entry.at for entry in single.values() if entry.at), default=None)
    if waiting:
        return BoardEntry(student, at=latest, status=Status.NOT_GRADED, reason=f"Not graded yet: {', '.join(waiting)}.")
    unreadable = [part.name for part in required if single[part.name].status is Status.UNREADABLE]
    if unreadable:
        reason = f"Cannot be graded as handed in: {', '.join(unreadable)}."
        return BoardEntry(student, at=latest, status=Status.UNREADABLE, reason=reason)
    late = [part.name for part in required if single[part.name].status is Status.LATE]
    if late:
        return BoardEntry(
            student, at=latest, status=Status.LATE, reason=f"Handed in after the deadline: {', '.join(late)}."
        )
    if all(entry.status is Status.MISSING for entry in single.values()):
        return BoardEntry(student, status=Status.MISSING, reason="Nothing was handed in.")
    base = [single[part.name].score for part in required]
    help_ = _help(required, base, voluntary, [single[part.name].score for part in voluntary], boards, scale)
    return _course_entry(student, sum(base) + help_, latest, list(single.values()))


def _course_entry(student: str, score: int, latest: dt.datetime | None, parts: list[BoardEntry]) -> BoardEntry:
    return BoardEntry(
        student,
        score=score,
        at=latest,
        late=any(part.late for part in parts),
        provisional=any(part.provisional for part in parts),
        prize=all(part.prize for part in parts),
    )


def _help(
    required: Sequence[AssignmentGrades],
    base: Sequence[int],
    voluntary: Sequence[AssignmentGrades],
    scores: Sequence[int],
    boards: Boards,
    scale: int,
) -> int:
    """Return the units that the optional assignments add: never negative.

    With ``optional = "adds"``, their points. With ``"replaces"``, each optional assignment may stand in for one
    required one, scaled to its maximum and rounded down to a whole unit; the best pairing is taken.
    """
    if boards.optional == "adds" or not required or not voluntary:
        return sum(scores) if boards.optional == "adds" else 0
    gain = np.zeros((len(voluntary), len(required)), dtype=np.int64)
    for row, (part, score) in enumerate(zip(voluntary, scores, strict=True)):
        for column, (other, now) in enumerate(zip(required, base, strict=True)):
            best = hundredths(part.maximum)
            scaled = score * hundredths(other.maximum) // best if best else 0
            gain[row, column] = max(0, scaled - now)
    chosen = linear_sum_assignment(gain, maximize=True)
    return int(gain[chosen].sum())


# ---- the challenge's boards


def public_board(results: Iterable[ChallengeResult], **settings: Any) -> Board:
    """Return the board while the challenge runs: every entrant's Ladder on the public half, with its steps as history.

    No statistics are shown: they would be taken from the very numbers that the Ladder holds back.
    """
    grouped = _by_entrant(results)
    entries = [_public_entry(entrant, own) for entrant, own in grouped.items()]
    note = (
        "The board shows each entrant's best entry, through the Ladder: it moves only on a clear improvement. The "
        "private half decides; there, each entrant's last entry that is meant to count is scored, which may be another."
    )
    board = _board(entries, grouped, "public", note, **settings)
    return replace(board, phase="public", standings=_with_activity(board.standings, grouped))


def private_board(results: Iterable[ChallengeResult], frozen: dt.datetime, *, seed: int = 0, **settings: Any) -> Board:
    """Return the frozen board: on the private half, the submission up to ``frozen`` that each entrant lets count.

    Args:
        frozen: the time of the freeze; what was handed in after it does not count.
        seed: the seed of the bootstrap, e.g. ``course.secret.seed("challenge", "bootstrap")``.
    """
    grouped = _by_entrant(result for result in results if moment(result.at) <= moment(frozen))
    last = {entrant: _counted(own) for entrant, own in grouped.items()}
    entries = [_private_entry(entrant, result, grouped[entrant]) for entrant, result in last.items()]
    note = "The private half, scored once, at the freeze: each entrant's last entry that was meant to count."
    board = _board(entries, grouped, "private", note, **settings)
    board = replace(board, phase="private", standings=_with_entries(board.standings, grouped))
    answers = {entrant: _answers(result, "private") for entrant, result in last.items() if result.status == "scored"}
    return add_statistics(board, answers, seed=seed)


def _board(
    entries: Sequence[BoardEntry],
    grouped: dict[str, list[ChallengeResult]],
    half: str,
    note: str,
    *,
    prizes: Sequence[Prize] = (),
    names: Callable[[str], str] = str,
    title: str = "The challenge",
    show: int = 0,
    times: str = "hour",
    name: str = "challenge",
) -> Board:
    scored = [result for own in grouped.values() for result in own if result.status == "scored"]
    sizes = {(len(getattr(result, half)), getattr(result, f"{half}_images")) for result in scored}
    if len(sizes) > 1:
        raise LeaderboardError(
            f"Results on the {half} half differ in (trainings, images): {sorted(sizes)}. Score all entries alike."
        )
    seeds, images = sizes.pop() if sizes else (1, 0)
    if scored and images < 1:
        raise LeaderboardError(f"Results on the {half} half say that it has {images} images. Score all entries again.")
    return standings(
        entries,
        name=name,
        title=title,
        scale=1,
        maximum=seeds * images,
        prizes=prizes,
        names=names,
        show=show,
        unit="right answers" if seeds == 1 else f"right answers in {seeds} trainings",
        notes=[note],
        times=times,
    )


def _by_entrant(results: Iterable[ChallengeResult]) -> dict[str, list[ChallengeResult]]:
    grouped: dict[str, list[ChallengeResult]] = {}
    for result in sorted(results, key=lambda result: (moment(result.at), result.entrant)):
        grouped.setdefault(result.entrant, []).append(result)
    return grouped


def _public_entry(entrant: str, results: list[ChallengeResult]) -> BoardEntry:
    if results[-1].status == "withdrawn" or all(result.status != "scored" for result in results):
        return _unranked(entrant, results[-1])
    history = _steps(results)
    score = history[-1].score
    reached = next(step.at for step in history if step.score == score)
    return BoardEntry(entrant, score=score, at=reached, history=history)


def _steps(results: list[ChallengeResult], note: str = "") -> tuple[Attempt, ...]:
    """Return the scores that the public half showed an entrant after each valid submission. They never go down."""
    ladder, steps = Ladder(), []
    for result in results:
        if result.status == "scored":
            ladder = ladder.submit(_answers(result, "public"))
            steps.append(Attempt(moment(result.at), ladder.shown or 0, note))
    return tuple(steps)


def _private_entry(entrant: str, result: ChallengeResult, results: list[ChallengeResult]) -> BoardEntry:
    """Return an entry whose history is what the public half showed: the private one scores no earlier submission."""
    if result.status != "scored":
        return _unranked(entrant, result)
    score = int(_answers(result, "private").sum())
    return BoardEntry(entrant, score=score, at=moment(result.at), history=_steps(results, "shown by the public half"))


def _unranked(entrant: str, result: ChallengeResult) -> BoardEntry:
    return BoardEntry(entrant, at=moment(result.at), status=Status(result.status), reason=result.reason)


def _counted(results: list[ChallengeResult]) -> ChallengeResult:
    """Return the scored result that counts; the last of any kind if none is scored, or if the entrant withdrew."""
    if results[-1].status == "withdrawn":
        return results[-1]
    return counted_result(results) or results[-1]


def _with_entries(rows: Sequence[Standing], grouped: dict[str, list[ChallengeResult]]) -> tuple[Standing, ...]:
    return tuple(replace(row, activity=Activity(len(grouped[row.entry.entrant]))) for row in rows)


def _with_activity(rows: Sequence[Standing], grouped: dict[str, list[ChallengeResult]]) -> tuple[Standing, ...]:
    """Return the rows with the number of entries, and the last change of each rank."""
    moves = _moves({row.entry.entrant: row.entry.history for row in rows})
    return tuple(
        replace(row, activity=Activity(len(grouped[entrant]), *moves.get(entrant, ())))
        for row in rows
        for entrant in (row.entry.entrant,)
    )


def _moves(histories: Mapping[str, Sequence[Attempt]]) -> dict[str, tuple[int, dt.datetime]]:
    """Return each entrant's last change of rank (ranks gained, and when), from the board as it was after each entry."""
    steps = sorted(
        (step.at, entrant, step.score) for entrant, history in histories.items() for step in history if step.at
    )
    shown: dict[str, int] = {}
    ranks: dict[str, int] = {}
    moves: dict[str, tuple[int, dt.datetime]] = {}
    for at, entrant, score in steps:
        if shown.get(entrant) == score:
            continue
        shown[entrant] = score
        now = dict(zip(shown, competition_ranks(list(shown.values())).tolist(), strict=True))
        moves.update({name: (ranks[name] - now[name], at) for name in ranks if ranks[name] != now[name]})
        ranks = now
    return moves


def _answers(result: ChallengeResult, half: Literal["public", "private"]) -> NDArray[np.bool_]:
    """Return the answers to one half of the images; shape (trainings, images)."""
    packed: tuple[str, ...] = getattr(result, half)
    images: int = getattr(result, f"{half}_images")
    try:
        return np.stack([unpack(text, images) for text in packed])
    except LeaderboardError as error:
        raise LeaderboardError(f"{result.entrant}, handed in {result.at.isoformat()}, {half} half: {error}") from error

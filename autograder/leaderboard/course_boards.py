"""Entries made from grades: for the board of one assignment, and for the board of the whole course."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from autograder.leaderboard.board import BoardEntry, Status
from autograder.leaderboard.configuration import Adjustment, Boards
from autograder.leaderboard.grades import AssignmentGrades, Grade
from autograder.leaderboard.units import hundredths, moment, scale_for

__all__ = ["assignment_entries", "course_entries", "scale_of"]


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

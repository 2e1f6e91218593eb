"""Doubts that no program can settle: work may stand where it does not count. A person looks before it is a zero."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.submission.finding import remainder
from autograder.submission.matching import Matching, is_blank, names_of, reads_as_text, released_text
from autograder.submission.model import Repair
from autograder.submission.raw_cells import StudentCell
from autograder.submission.tokens import code_tokens

__all__ = ["doubts"]

_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: |$)", re.MULTILINE)
_WORDS = re.compile(r"\w+")
_PERSON = "A person looks at it before it counts."


def doubts(cells: Sequence[StudentCell], matching: Matching, assignment: Assignment) -> tuple[Repair, ...]:
    """Return what a person has to look at, in words for the student whose work it is."""
    return (
        *_conflicts(cells, matching, assignment),
        *_exercises(cells, matching, assignment),
        *_answers(matching, assignment),
    )


def _conflicts(cells: Sequence[StudentCell], matching: Matching, assignment: Assignment) -> Iterator[Repair]:
    names = {cell.cell_id: cell.grade_id for cell in assignment.cells}
    owners = matching.owners()
    for cell in cells:
        if _CONFLICT.search(cell.source):
            yield Repair(
                names.get(owners.get(cell.number, ""), "") or cell.label,
                f"Both versions of a merge stand in {cell.label}, between the marks '<<<<<<<' and '>>>>>>>'.",
                f"We cannot tell which is yours. Keep one, take the marks out and hand in again. {_PERSON}",
            )


def _exercises(cells: Sequence[StudentCell], matching: Matching, assignment: Assignment) -> Iterator[Repair]:
    for place, released in enumerate(assignment.cells):
        if released.kind != "exercise" or not _is_open(matching, released):
            continue
        wanted = "|".join(map(re.escape, names_of(released, assignment)))
        pattern = re.compile(rf"^[ \t>]*(?:async[ \t]+)?(?:def|class)[ \t]+(?:{wanted})\b", re.MULTILINE)
        match = matching.chosen.get(released.cell_id)
        blank = (*matching.copies.get(released.cell_id, ()), *([match.cell] if match else ()))
        found = [cell for cell in cells if cell not in blank and pattern.search(cell.source)]
        if match is None and not found:
            found = _own_code_at(place, matching, assignment)
        if found:
            yield Repair(
                released.grade_id,
                f"This exercise is empty, but {_named(found)} may hold your work on it.",
                f"We could not put it in its place. Move it there and hand in again. {_PERSON}",
            )


def _own_code_at(place: int, matching: Matching, assignment: Assignment) -> list[StudentCell]:
    """Return the student's own code where a missing cell would stand."""
    numbers = [
        matching.chosen[cell.cell_id].cell.number if cell.cell_id in matching.chosen else 0 for cell in assignment.cells
    ]
    start = max(numbers[:place], default=0)
    end = min((number for number in numbers[place:] if number > start), default=10**9)
    return [
        cell
        for cell in matching.own
        if start < cell.number < end and cell.cell_type == "code" and code_tokens(cell.source) != ()
    ]


def _answers(matching: Matching, assignment: Assignment) -> Iterator[Repair]:
    elsewhere = [*_own_texts(matching), *_in_the_courses_cells(matching, assignment)]
    elsewhere += [match.cell for match in matching.chosen.values() if match.evidence == "beside"]
    for released in assignment.cells:
        if released.kind == "answer" and _is_open(matching, released) and elsewhere:
            yield Repair(
                released.grade_id,
                f"Your answer is empty, but there is text of your own in {_named(elsewhere)}.",
                f"If it is your answer, move it to its place and hand in again. {_PERSON}",
            )


def _own_texts(matching: Matching) -> list[StudentCell]:
    return [
        cell
        for cell in matching.own
        if len(_WORDS.findall(cell.source)) >= 3 and (cell.cell_type != "code" or reads_as_text(cell.source))
    ]


def _in_the_courses_cells(matching: Matching, assignment: Assignment) -> list[StudentCell]:
    found = []
    for released in assignment.cells:
        match = matching.chosen.get(released.cell_id)
        if (
            match is None
            or released.kind in ("exercise", "answer", "free")
            or match.cell.text == released_text(released)
        ):
            continue
        added = remainder(match.cell.source, released)
        is_text = match.cell.cell_type != "code" or reads_as_text(added)
        if is_text and len(_WORDS.findall(added)) >= 3:
            found.append(match.cell)
    return found


def _is_open(matching: Matching, released: AssignmentCell) -> bool:
    match = matching.chosen.get(released.cell_id)
    return match is None or (match.part is None and is_blank(match.cell, released))


def _named(cells: Sequence[StudentCell]) -> str:
    labels = list(dict.fromkeys(cell.label for cell in cells))
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")

"""Which cell of a submitted notebook is which cell of the assignment.

A cell is recognised, in this order, by nbgrader's grade id, by its cell id, by the exact released text; an exercise
also by the function or class that it defines, a written answer by its place. All else is the student's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.submission.raw_cells import StudentCell
from autograder.submission.tokens import code_tokens, defines

__all__ = ["Evidence", "Match", "Matching", "is_blank", "match_cells", "names_of", "released_text"]

Evidence = Literal["grade id", "cell id", "text", "name", "place"]


class Match(msgspec.Struct, frozen=True):
    """A student's cell recognised as an assignment's cell, and by what."""

    cell: StudentCell
    evidence: Evidence


class Matching(msgspec.Struct, frozen=True):
    """The assignment's cells found in a notebook.

    Attributes:
        chosen: for a cell id of the assignment, the student's cell that stands for it.
        copies: for a cell id of the assignment, further cells that claim to be it, in file order.
        own: the remaining cells, in file order.
    """

    chosen: dict[str, Match]
    copies: dict[str, tuple[StudentCell, ...]]
    own: tuple[StudentCell, ...]

    def owners(self) -> dict[int, str]:
        """For the number of each recognised cell or copy, the cell id of what it claims to be."""
        owners = {match.cell.number: cell_id for cell_id, match in self.chosen.items()}
        owners.update({cell.number: cell_id for cell_id, cells in self.copies.items() for cell in cells})
        return owners


def match_cells(cells: Sequence[StudentCell], assignment: Assignment) -> Matching:
    """Recognise ``cells`` as cells of ``assignment``; each ends in exactly one place of the result."""
    candidates, rest = _claims(cells, assignment)
    chosen: dict[str, Match] = {}
    copies: dict[str, tuple[StudentCell, ...]] = {}
    skeleton = {cell.cell_id: cell for cell in assignment.cells}
    for cell_id, found in candidates.items():
        best = _best(found, skeleton[cell_id])
        chosen[cell_id] = best
        if len(found) > 1:
            copies[cell_id] = tuple(match.cell for match in found if match is not best)
    own = _adopt_by_name(rest, chosen, copies, assignment)
    own = _adopt_by_place(own, chosen, assignment)
    return Matching(chosen, copies, tuple(own))


def is_blank(cell: StudentCell, released: AssignmentCell) -> bool:
    """Whether the student left the cell as it was handed out, or emptied it.

    Comments and layout do not count as work in an exercise; in a written answer any change does.
    """
    if not cell.text or cell.text == released_text(released):
        return True
    if released.cell_type != "code":
        return False
    tokens = code_tokens(cell.source)
    return tokens is not None and tokens in ((), _released_tokens(released.release_source))


def names_of(cell: AssignmentCell, assignment: Assignment) -> tuple[str, ...]:
    """The functions and classes that the exercise ``cell`` asks for."""
    return tuple(name for name, exercise in assignment.exercise_of.items() if exercise == cell.exercise)


def _claims(
    cells: Sequence[StudentCell], assignment: Assignment
) -> tuple[Mapping[str, list[Match]], list[StudentCell]]:
    """For each cell id of the assignment, the cells that claim to be it; and the cells that claim nothing."""
    by_grade_id = {cell.grade_id: cell.cell_id for cell in assignment.cells if cell.grade_id}
    by_cell_id = {cell.cell_id for cell in assignment.cells}
    by_text = {(cell.cell_type, released_text(cell)): cell.cell_id for cell in assignment.cells}
    found: dict[str, list[Match]] = defaultdict(list)
    rest = []
    for cell in cells:
        if cell.grade_id in by_grade_id:
            found[by_grade_id[cell.grade_id]].append(Match(cell, "grade id"))
        elif cell.cell_id in by_cell_id:
            found[cell.cell_id].append(Match(cell, "cell id"))
        elif cell.text and (cell.cell_type, cell.text) in by_text:
            found[by_text[cell.cell_type, cell.text]].append(Match(cell, "text"))
        else:
            rest.append(cell)
    return found, rest


def _best(found: Sequence[Match], released: AssignmentCell) -> Match:
    """Of several cells that claim to be one: the last one with work in it, as running the notebook would have
    it.

    Of a cell that is not the student's to write, the unchanged one.
    """
    if released.kind not in ("exercise", "answer"):
        return next((match for match in found if match.cell.text == released_text(released)), found[0])
    filled = [match for match in found if not is_blank(match.cell, released)]
    defining = [match for match in filled if defines(match.cell.source, released.exercise)]
    return (defining or filled or found)[-1]


def _adopt_by_name(
    rest: list[StudentCell],
    chosen: dict[str, Match],
    copies: dict[str, tuple[StudentCell, ...]],
    assignment: Assignment,
) -> list[StudentCell]:
    """Give missing or blank exercises the last own cell that defines their names; return what is left."""
    for exercise in assignment.exercises.values():
        match = chosen.get(exercise.cell_id)
        if match is not None and not is_blank(match.cell, exercise):
            continue
        names = names_of(exercise, assignment)
        found = [c for c in rest if c.cell_type == "code" and any(defines(c.source, name) for name in names)]
        if not found:
            continue
        if match is not None:
            copies[exercise.cell_id] = (*copies.get(exercise.cell_id, ()), match.cell)
        chosen[exercise.cell_id] = Match(found[-1], "name")
        rest = [cell for cell in rest if cell is not found[-1]]
    return rest


def _adopt_by_place(rest: list[StudentCell], chosen: dict[str, Match], assignment: Assignment) -> list[StudentCell]:
    """Give missing written answers the first text of the student's own that stands where they stood."""
    for place, released in enumerate(assignment.cells):
        if released.kind != "answer" or released.cell_id in chosen:
            continue
        before = [chosen[c.cell_id].cell.number for c in assignment.cells[:place] if c.cell_id in chosen]
        after = [chosen[c.cell_id].cell.number for c in assignment.cells[place:] if c.cell_id in chosen]
        start, end = max(before, default=0), min(after, default=10**9)
        found = [cell for cell in rest if cell.cell_type == "markdown" and start < cell.number < end]
        if found:
            chosen[released.cell_id] = Match(found[0], "place")
            rest = [cell for cell in rest if cell is not found[0]]
    return rest


def released_text(cell: AssignmentCell) -> str:
    """The released source in the form of :attr:`StudentCell.text`."""
    return _stripped(cell.release_source)


# Kept, unlike a student's: the course's own cells are compared with every submission's, and nobody can swell them.
@lru_cache(maxsize=1024)
def _released_tokens(source: str) -> tuple[str, ...] | None:
    return code_tokens(source)


@lru_cache(maxsize=4096)
def _stripped(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))

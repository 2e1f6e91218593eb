"""The repairs of a submission, in words for the student whose work it is, and the names that its code borrows.

A student's code may borrow names from cells that run elsewhere, or not at all, when it is graded: a check runs apart
from the student's code, and a demonstration is left out. In Jupyter what they define is there for every function below,
so nobody notices until it is missing.
"""

from __future__ import annotations

import ast
import builtins
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.submission.matching import Match, Matching, is_blank, parsed, released_text
from autograder.submission.model import Repair, SubmissionCell
from autograder.submission.raw_cells import StudentCell

__all__ = ["borrowed_names", "explain"]

# ---- the repairs

_LOCKED = ("given", "check")
_PARTED = ("merged", "beside")
_RECOGNISED_BY = {
    "place": "its place in the notebook",
    "cell id": "the cell's id",
    "text": "the cell's text",
    "name": "the name that the cell defines",
}


def explain(cells: Sequence[StudentCell], matching: Matching, assignment: Assignment) -> tuple[Repair, ...]:
    """Return a repair for everything in which the submitted cells differ from what the assignment gave out."""
    repairs: list[Repair] = []
    parted = {match.cell.number for match in matching.chosen.values() if match.evidence in _PARTED}
    for released in assignment.cells:
        match = matching.chosen.get(released.cell_id)
        if match is None:
            repairs += _missing(released)
            continue
        repairs += _copies(released, match, matching.copies.get(released.cell_id, ()))
        repairs += _elsewhere(released, match)
        repairs += _changes(released, match) if match.cell.number not in parted else ()
    return (
        *repairs,
        *_unmarked(matching, assignment),
        *_moved(matching, assignment),
        *_tags(cells, matching),
    )


def _missing(released: AssignmentCell) -> Iterator[Repair]:
    if released.kind in ("exercise", "answer"):
        yield Repair(
            released.grade_id,
            "This cell was missing. We put the empty one back.",
            "If you did this exercise elsewhere under another name, we could not find it.",
        )
    elif released.kind not in ("prose", "free"):
        yield Repair(
            released.grade_id,
            "This cell was missing. We put it back.",
            "You lose nothing: these cells come from the course, not from your file.",
        )


def _copies(released: AssignmentCell, match: Match, copies: Sequence[StudentCell]) -> Iterator[Repair]:
    if not copies or released.kind == "prose":
        return
    kept = [cell.label for cell in copies if not is_blank(cell, released)]
    if released.kind == "exercise":
        used = f"We graded {match.cell.label}, the last one with code in it"
    elif released.kind == "answer":
        used = f"We took {match.cell.label}, the last one with text in it"
    else:
        used = "We used the original"
    own = "a cell" if len(kept) == 1 else "cells"
    rest = f", and kept {' and '.join(kept)} as {own} of your own" if kept else ""
    if match.evidence == "name":
        used = f"The cell we gave you was empty, so we graded {match.cell.label}, which defines its name"
    yield Repair(
        released.grade_id,
        f"Your notebook had this cell {len(copies) + 1} times. {used}{rest}.",
        "Copying or splitting a cell copies its name too, and a cell is graded once.",
    )


def _elsewhere(released: AssignmentCell, match: Match) -> Iterator[Repair]:
    if match.evidence == "merged":
        yield Repair(
            released.grade_id,
            f"Your code for this exercise was in {match.cell.label}, merged with another cell. We took it from there.",
            "You lose nothing by it.",
        )
    if match.evidence == "beside":
        yield Repair(
            released.grade_id,
            f"This cell was empty, and your text was beside it, in {match.cell.label}. We took it as your answer.",
            "Your grader sees it there.",
        )


def _changes(released: AssignmentCell, match: Match) -> Iterator[Repair]:
    cell = match.cell
    if cell.cell_type != released.cell_type and released.kind != "prose":
        now = "code" if released.cell_type == "code" else "text"
        yield Repair(
            released.grade_id,
            f"This cell had been turned into another type. We turned it back into {now}.",
            "Its content stayed as you wrote it."
            if released.kind in ("exercise", "answer")
            else "Its content comes from the course.",
        )
    if released.kind in _LOCKED and cell.text != released_text(released):
        yield Repair(
            released.grade_id,
            "You had changed this cell. We used the original.",
            "These cells come from the course. Put code of your own in a new cell, and it will run.",
        )
    if released.kind == "prose" and cell.text not in ("", released_text(released)):
        yield Repair(
            cell.label,
            "You had written in a cell of the course's text. We kept yours below the original.",
            "Only exercises and written answers are graded: make sure that yours are there.",
        )
    if released.points and cell.points is not None and cell.points != released.points:
        yield Repair(
            released.grade_id,
            f"Your file gave this cell {cell.points:g} points. It has {released.points:g}.",
            "Points come from the course, not from your file.",
        )


def _unmarked(matching: Matching, assignment: Assignment) -> Iterator[Repair]:
    """Yield one note for all cells whose grading marks some other program had dropped."""
    for evidence, how in _RECOGNISED_BY.items():
        lost = [
            cell.grade_id
            for cell in assignment.cells
            if cell.grade_id
            and cell.cell_id in matching.chosen
            and matching.chosen[cell.cell_id].evidence == evidence
            and not (evidence == "name" and cell.cell_id in matching.copies)
        ]
        if lost:
            yield Repair(
                lost[0] if len(lost) == 1 else "",
                f"The grading marks of {_count(lost)} were gone. We recognised where they belong by {how}.",
                "Some programs drop these marks when they save. Your grade does not suffer.",
            )


def _moved(matching: Matching, assignment: Assignment) -> Iterator[Repair]:
    """Yield repairs for cells out of the assignment's order: as few as explain the order that was found."""
    found = matching.chosen
    graded = [c for c in assignment.cells if c.cell_id in found and found[c.cell_id].evidence not in _PARTED]
    numbers = [matching.chosen[cell.cell_id].cell.number for cell in graded]
    kept = _longest_increasing(numbers)
    for cell, number in zip(graded, numbers, strict=True):
        if number not in kept and cell.grade_id and matching.chosen[cell.cell_id].evidence not in ("name", *_PARTED):
            yield Repair(
                cell.grade_id,
                "This cell had been moved. We put it back in its place.",
                "Cells run in the order of the assignment.",
            )


def _longest_increasing(numbers: Sequence[int]) -> set[int]:
    """Return the members of one longest increasing subsequence of distinct ``numbers`` (patience sorting)."""
    tails: list[int] = []
    previous: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_left(tails, number)
        previous[number] = tails[place - 1] if place else None
        tails[place : place + 1] = [number]
    kept: set[int] = set()
    last: int | None = tails[-1] if tails else None
    while last is not None:
        kept.add(last)
        last = previous[last]
    return kept


def _tags(cells: Sequence[StudentCell], matching: Matching) -> Iterator[Repair]:
    owned = matching.owners()
    tagged = [cell for cell in cells if cell.tags and cell.number in owned]
    if tagged:
        names = sorted({tag for cell in tagged for tag in cell.tags})
        where = _count([cell.label for cell in tagged])
        yield Repair(
            tagged[0].label if len(tagged) == 1 else "",
            f"Your file had tags on {where} ({', '.join(names[:5])}). We removed them.",
            "Tags do not change how a notebook is graded.",
        )


def _count(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return " and ".join(names)
    return f"{len(names)} cells"


# ---- borrowed names


def borrowed_names(cells: Sequence[SubmissionCell], assignment: Assignment) -> tuple[Repair, ...]:
    """Return a warning for each of ``cells`` whose code uses names that only checks or demonstrations define."""
    lent = {name: cell for cell in cells if cell.kind in ("check", "demo") for name in _lent(cell.source)}
    if not lent or assignment.adopted:  # There the imports of a check's cell run among the student's, as in nbgrader.
        return ()
    own = set(vars(builtins)) | set(assignment.exercise_of)
    read: dict[int, set[str]] = {}
    for number, cell in enumerate(cells, 1):
        if cell.kind == "given":
            own |= _lent(cell.source)
        elif cell.is_student_code:
            tree = _tree(cell.source)
            own |= _bound(tree)
            read[number] = _free(tree)
    return tuple(_warnings(cells, lent, read, own))


def _warnings(
    cells: Sequence[SubmissionCell], lent: dict[str, SubmissionCell], read: dict[int, set[str]], own: set[str]
) -> Iterator[Repair]:
    for number, names in read.items():
        cell = cells[number - 1]
        for name in sorted(names & lent.keys() - own):
            what = "a check's cell" if lent[name].kind == "check" else "a cell that only shows something"
            yield Repair(
                cell.grade_id or f"cell {number}",
                f"Your code uses `{name}`, which only {what} defines ({lent[name].grade_id}).",
                "When your work is graded, such cells do not run among yours. Define the name in a cell of your own.",
            )


@lru_cache(maxsize=2048)  # The course's own cells are the same in every submission.
def _lent(source: str) -> frozenset[str]:
    return frozenset(_bound(_tree(source)))


def _tree(source: str) -> ast.Module:
    lines = ["" if line.lstrip()[:1] in ("%", "!") else line for line in source.split("\n")]
    return ast.Module(parsed("\n".join(lines)) or [], [])


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that the module's top level gives a meaning, blocks included, functions' own names not."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        waiting.extend(ast.iter_child_nodes(node))
    return names


def _free(tree: ast.Module) -> set[str]:
    """Return the names that code reads and binds nowhere itself, as far as one look over it tells."""
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return read - bound

"""The match of a notebook with its assignment, and of its cells with the assignment's.

A notebook belongs to the assignment whose own exercises, checks and questions are in it; what every notebook has tells
nothing. A cell is recognised, in this order, by nbgrader's grade id, by its cell id, by the exact released text; an
exercise also by the function or class that it defines, a written answer by its place. All else is the student's own. In
a notebook that has no exercise, check or question of the assignment, nothing is taken for an answer.

A cell's text is read as Python within bounds: it may not parse, or choke a parser.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from autograder.authoring.adopted import notebooks_of
from autograder.authoring.assignment import Assignment, AssignmentCell, adopted_assignment, source_path
from autograder.authoring.source_cells import CODE_STUB, TEXT_STUB, released
from autograder.course import Course
from autograder.errors import AutograderError
from autograder.submission.raw_cells import StudentCell

__all__ = [
    "Catalogue",
    "Evidence",
    "Match",
    "Matching",
    "NotebookMarks",
    "catalogue_of",
    "code_tokens",
    "defines",
    "garbled_code",
    "is_blank",
    "is_endless",
    "is_of",
    "marks_of",
    "names_of",
    "parsed",
    "reads_as_text",
    "recognised",
    "released_text",
    "rightful",
]


# ---- the assignment that a notebook belongs to


class NotebookMarks(msgspec.Struct, frozen=True):
    """The marks by which the exercises, checks and questions of one assignment are recognised."""

    grade_ids: frozenset[str]
    cell_ids: frozenset[str]
    texts: frozenset[str]

    def signs(self, cell: StudentCell) -> int:
        """Return how many signs of ``cell`` are of this assignment: its mark, its id and its text count one each."""
        return (cell.grade_id in self.grade_ids) + (cell.cell_id in self.cell_ids) + (cell.text in self.texts)


Catalogue = Mapping[str, NotebookMarks]
"""The marks of a course's assignments, by name."""


def marks_of(assignment: Assignment) -> NotebookMarks:
    """Return the marks of an assignment."""
    return _marks_in(assignment.release)


def catalogue_of(course: Course) -> Catalogue:
    """Return the marks of every assignment that ``course`` has, as far as its sources can be read."""
    found: dict[str, NotebookMarks] = {}
    for each in course.assignments() if course.adopted else ():
        with contextlib.suppress(AutograderError):
            found |= {unit: marks_of(adopted_assignment(course, unit)) for unit in notebooks_of(course, each)}
    for name in course.assignments() if not course.adopted else ():
        try:
            path = source_path(course, name)
            found[name] = _read(path, path.stat().st_mtime_ns)
        except (AutograderError, OSError, ValueError, KeyError, TypeError):
            continue  # Whoever grades that assignment is told; here it only cannot be recognised.
    return found


def rightful(cells: Sequence[StudentCell], assignment: Assignment, others: Callable[[], Catalogue]) -> str:
    """Return the other assignment that ``cells`` belong to rather than to ``assignment``; empty if to none.

    A notebook with half of the assignment or more in it belongs to it, whatever else was copied there.
    """
    own = marks_of(assignment)
    enough = max(1, len(own.cell_ids) // 2)
    if sum(cell.cell_id in own.cell_ids for cell in cells) >= enough:
        return ""
    votes = Counter[str]()
    strangers = {name: marks for name, marks in others().items() if name != assignment.unit}
    for cell in cells:
        signs = {assignment.unit: own.signs(cell)} | {name: marks.signs(cell) for name, marks in strangers.items()}
        best = max(signs, key=lambda name: signs[name])  # Of equals the first, which is this assignment.
        votes[best] += signs[best] > 0
    if votes[assignment.unit] >= enough:
        return ""
    winner = max(votes, key=lambda name: votes[name], default="")
    return winner if votes[winner] > votes[assignment.unit] else ""


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> NotebookMarks:
    return _marks(released(json.loads(path.read_text(encoding="utf-8"))))


@lru_cache(maxsize=64)
def _marks_in(release: str) -> NotebookMarks:
    return _marks(json.loads(release))


def _marks(release: Mapping[str, Any]) -> NotebookMarks:
    cells = [cell for cell in release["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id")]
    own = [cell for cell in cells if any(cell["metadata"]["nbgrader"].get(key) for key in ("grade", "solution"))]
    texts = {"\n".join(line.rstrip() for line in cell["source"].strip().split("\n")) for cell in own}
    return NotebookMarks(
        frozenset(cell["metadata"]["nbgrader"]["grade_id"] for cell in own),
        frozenset(cell["id"] for cell in own),
        frozenset(texts - _GENERIC),
    )


# ---- a cell's text as Python

_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING, tokenize.ENDMARKER}
_TEXT = {tokenize.COMMENT, tokenize.STRING}
# Characters; no honest cell comes near. Each takes a microsecond to tokenize, and some 400 bytes when it is parsed.
_LONGEST = 200_000


@lru_cache(maxsize=64)  # Of one submission, each exercise is asked about twice.
def code_tokens(source: str) -> tuple[str, ...] | None:
    """Return the tokens of ``source`` without comments and layout; None if it cannot be tokenized."""
    found = _tokens(source)
    if found is None:
        return None
    return tuple("" if kind == tokenize.INDENT else text for kind, text in found if kind not in _LAYOUT)


def defines(source: str, name: str) -> bool:
    """Return whether ``source`` gives ``name`` a meaning at its top level, even if it does not parse."""
    word = re.escape(name)
    pattern = rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{word}\b|^{word}[ \t]*(?::[^=\n]+)?=(?!=)"
    return re.search(pattern, source, re.MULTILINE) is not None


def is_endless(source: str) -> bool:
    """Return whether ``source`` is so long that its meaning is not looked for."""
    return len(source) > _LONGEST


def parsed(source: str) -> list[ast.stmt] | None:
    """Return the statements of ``source``; None if it does not parse, or is too long to be parsed here."""
    if is_endless(source):
        return None
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def garbled_code(source: str) -> bool:
    """Return whether ``source`` holds replacement characters outside its comments and strings."""
    if "\ufffd" not in source:
        return False
    found = _tokens(source)
    return found is None or any("\ufffd" in text for kind, text in found if kind not in _TEXT)


def _tokens(source: str) -> list[tuple[int, str]] | None:
    if is_endless(source):
        return None
    try:
        return [(token.type, token.string) for token in tokenize.generate_tokens(io.StringIO(source).readline)]
    except (tokenize.TokenError, SyntaxError, ValueError):
        return None


# ---- the match of cells

Evidence = Literal["grade id", "cell id", "text", "name", "place", "merged", "beside"]
_GENERIC = {"", CODE_STUB, TEXT_STUB}  # What stands in notebooks of every course that uses nbgrader.


class Match(msgspec.Struct, frozen=True):
    """A student's cell recognised as an assignment's cell, and by what.

    ``part`` is the text that stands for it, where that is not the cell's whole text: the cell was merged with another
    one, or several stand for one.
    """

    cell: StudentCell
    evidence: Evidence
    part: str | None = None

    @property
    def source(self) -> str:
        """The text that stands for the assignment's cell."""
        return self.cell.source if self.part is None else self.part


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
        """Return, by the number of each recognised cell or copy, the cell id of what it claims to be."""
        owners: dict[int, str] = {}
        for cell_id, match in sorted(self.chosen.items(), key=lambda item: item[1].part is not None):
            owners.setdefault(match.cell.number, cell_id)
        owners.update({cell.number: cell_id for cell_id, cells in self.copies.items() for cell in cells})
        return owners


def recognised(cells: Sequence[StudentCell], assignment: Assignment) -> Matching:
    """Return ``cells`` matched by their marks, ids and texts alone."""
    candidates, rest = _claims(cells, assignment)
    chosen: dict[str, Match] = {}
    copies: dict[str, tuple[StudentCell, ...]] = {}
    skeleton = {cell.cell_id: cell for cell in assignment.cells}
    for cell_id, found in candidates.items():
        best = _best(found, skeleton[cell_id])
        chosen[cell_id] = best
        if len(found) > 1:
            copies[cell_id] = tuple(match.cell for match in found if match is not best)
    return Matching(chosen, copies, tuple(rest))


def is_of(matching: Matching, assignment: Assignment) -> bool:
    """Return whether anything that only this assignment has was recognised: its own exercise, check or question.

    Cells that every notebook of the course has, and texts that every course has, tell nothing.
    """
    return any(
        cell.kind in ("exercise", "check", "answer")
        and (match := matching.chosen.get(cell.cell_id)) is not None
        and not (match.evidence == "text" and match.cell.text in _GENERIC)
        for cell in assignment.cells
    )


def is_blank(cell: StudentCell, released: AssignmentCell) -> bool:
    """Return whether the student left the cell as it was handed out, or emptied it.

    Comments and layout do not count as work in an exercise; in a written answer any new line does.
    """
    if not cell.text or cell.text == released_text(released):
        return True
    if released.cell_type != "code":
        return set(cell.text.split("\n")) <= {"", *released_text(released).split("\n")}
    tokens = code_tokens(cell.source)
    if tokens is None:
        return False
    return tokens in ((), _released_tokens(released.release_source)) or is_stub(cell.source)


def is_stub(source: str) -> bool:
    """Return whether ``source`` only defines functions that are not written yet, whatever their docstrings say."""
    if "NotImplementedError" not in source:
        return False
    body = parsed(source)
    return body is not None and all(isinstance(each, ast.FunctionDef) and _only_raises(each) for each in body)


def _only_raises(function: ast.FunctionDef) -> bool:
    body = [each for each in function.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    raised = body[0].exc if len(body) == 1 and isinstance(body[0], ast.Raise) else None
    raised = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def names_of(cell: AssignmentCell, assignment: Assignment) -> tuple[str, ...]:
    """Return the functions and classes that the exercise ``cell`` asks for."""
    return tuple(name for name, exercise in assignment.exercise_of.items() if exercise == cell.exercise)


def _claims(
    cells: Sequence[StudentCell], assignment: Assignment
) -> tuple[Mapping[str, list[Match]], list[StudentCell]]:
    """Return, by cell id of the assignment, the cells that claim to be it; and the cells that claim nothing."""
    by_grade_id = {cell.grade_id: cell.cell_id for cell in assignment.cells if cell.grade_id}
    by_cell_id = {cell.cell_id for cell in assignment.cells}
    by_text = {(cell.cell_type, released_text(cell)): cell.cell_id for cell in assignment.cells}
    found: dict[str, list[Match]] = defaultdict(list)
    rest = []
    for cell in cells:
        if cell.grade_id in by_grade_id and not _belies(cell, by_grade_id[cell.grade_id], assignment):
            found[by_grade_id[cell.grade_id]].append(Match(cell, "grade id"))
        elif cell.cell_id in by_cell_id:
            found[cell.cell_id].append(Match(cell, "cell id"))
        elif cell.text and (cell.cell_type, cell.text) in by_text:
            found[by_text[cell.cell_type, cell.text]].append(Match(cell, "text"))
        else:
            rest.append(cell)
    return found, rest


def _belies(cell: StudentCell, claimed: str, assignment: Assignment) -> bool:
    """Return whether the cell's mark names one cell of the assignment, and its id another whose name or text it has."""
    if cell.cell_id in (None, claimed):
        return False
    actual = next((each for each in assignment.cells if each.cell_id == cell.cell_id), None)
    if actual is None:
        return False
    if actual.kind == "exercise":
        return any(defines(cell.source, name) for name in names_of(actual, assignment))
    return cell.text == released_text(actual)


def _best(found: Sequence[Match], released: AssignmentCell) -> Match:
    """Return one of several cells that claim to be one: the last with work in it, as when the notebook runs.

    Of a cell that is not the student's to write, the unchanged one.
    """
    if released.kind not in ("exercise", "answer", "free"):
        return next((match for match in found if match.cell.text == released_text(released)), found[0])
    filled = [match for match in found if not is_blank(match.cell, released)]
    defining = [match for match in filled if defines(match.cell.source, released.exercise)]
    return (defining or filled or found)[-1]


def reads_as_text(source: str) -> bool:
    """Return whether the text of a code cell is not code: words, or nothing but comments and texts in quotes."""
    if is_endless(source) or any(line.lstrip()[:1] in ("%", "!") for line in source.split("\n")):
        return False
    body = parsed(source)
    return body is None or all(isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) for each in body)


def released_text(cell: AssignmentCell) -> str:
    """Return the released source in the form of :attr:`StudentCell.text`."""
    return _stripped(cell.release_source)


# Kept, unlike a student's: the course's own cells are compared with every submission's, and nobody can swell them.
@lru_cache(maxsize=1024)
def _released_tokens(source: str) -> tuple[str, ...] | None:
    return code_tokens(source)


@lru_cache(maxsize=4096)
def _stripped(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))

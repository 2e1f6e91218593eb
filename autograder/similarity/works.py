"""The student's own part of a submission, by exercise, wherever in the notebook it stands."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from functools import cached_property

import msgspec

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.regions import BEGIN_SOLUTION, END_SOLUTION
from autograder.similarity.fingerprints import CODE_LENGTH, PROSE_LENGTH, Spans, all_hashes, fingerprints
from autograder.similarity.normalising import FOLDED_DOCSTRING, code_tokens, docstrings, prose_tokens
from autograder.submission.model import Submission

__all__ = ["OWN_CELLS", "Handout", "Part", "Work"]

OWN_CELLS = "cells of their own"
"""The part that holds code which belongs to no exercise."""

_START = re.compile(r"^(?:@|(?:async +)?def |class )", re.MULTILINE)
_DEFINED = re.compile(r"^(?:(?:async +)?def|class) +(\w+)|^(\w+) *=(?!=)", re.MULTILINE)


class Part(msgspec.Struct, frozen=True):
    """One student's own text for one exercise or question.

    Attributes:
        text: the text as it was handed in.
        spans: the places of each fingerprint of its structure; of prose, of its words.
        wording: the same of its names, strings and comments; none of prose.
    """

    text: str
    spans: Spans
    wording: Spans = msgspec.field(default_factory=dict)


Work = dict[str, Part]
"""A submission's parts by the name of the exercise, or the grade id of the question; without what was left blank."""


class Handout(msgspec.Struct, frozen=True, dict=True):
    """The text that everybody was handed for an assignment, taken off before anything is compared."""

    assignment: Assignment

    @cached_property
    def names(self) -> Set[str]:
        """The names that the assignment gives: a student cannot choose them, so they are kept."""
        defined = (name for cell in self._code for name in _defined(cell.release_source))
        return frozenset({*defined, *self.assignment.exercise_of})

    @cached_property
    def _code(self) -> tuple[AssignmentCell, ...]:
        return tuple(cell for cell in self.assignment.cells if cell.cell_type == "code")

    @cached_property
    def _docstrings(self) -> Set[str]:
        return {each for cell in self._code for each in docstrings(cell.release_source)}

    @cached_property
    def _given_code(self) -> tuple[Set[int], Set[int]]:
        structure, wording = set[int](), set[int]()
        for cell in self._code:
            folded, worded = code_tokens(cell.release_source, self.names)
            structure |= all_hashes(folded, CODE_LENGTH)
            wording |= all_hashes(worded, CODE_LENGTH)
        return structure, wording

    @cached_property
    def _given_prose(self) -> Set[int]:
        return {
            hashed
            for cell in self.assignment.cells
            if cell.cell_type == "markdown"
            for hashed in all_hashes(prose_tokens(cell.release_source), PROSE_LENGTH)
        }

    def code(self, text: str) -> Part:
        """Return a part of code; the course's own docstrings in it are folded."""
        for docstring in self._docstrings:
            text = text.replace(docstring, FOLDED_DOCSTRING)
        (folded, worded), (structure, wording) = code_tokens(text, self.names), self._given_code
        return Part(text, fingerprints(folded, CODE_LENGTH, structure), fingerprints(worded, CODE_LENGTH, wording))

    def prose(self, text: str) -> Part:
        """Return a part of prose."""
        return Part(text, fingerprints(prose_tokens(text), PROSE_LENGTH, self._given_prose))

    def work(self, submission: Submission) -> Work:
        """Return the parts of a submission."""
        code = [(cell.exercise, cell.source) for cell in submission.cells if cell.is_student_code]
        prose = {cell.grade_id: cell.source for cell in submission.cells if cell.kind == "answer"}
        return self.work_of(code, prose)

    def work_of(self, code: list[tuple[str, str]], prose: Mapping[str, str]) -> Work:
        """Return the parts of code in cells, each with its exercise (or an empty name), and of answers."""
        parts = {name: self.code("\n\n".join(texts)) for name, texts in self._by_exercise(code).items()}
        parts |= {name: self.prose(text) for name, text in prose.items()}
        return {name: part for name, part in parts.items() if part.spans}

    @cached_property
    def references(self) -> dict[str, Work]:
        """The course's own right answers: the solution and the marking scheme as one work, each alternative as one."""
        cells = self.assignment.cells
        solved = [(cell.exercise, _solved(cell.source)) for cell in cells if cell.kind == "exercise"]
        scheme = {cell.grade_id: _solved(cell.source) for cell in cells if cell.kind == "answer"}
        return {"the solution": self.work_of(solved, scheme)} | {
            f"the alternative {each.slug}": self.work_of([(self.assignment.exercise_of[each.of], each.source)], {})
            for each in self.assignment.alternatives
        }

    def _by_exercise(self, code: list[tuple[str, str]]) -> Mapping[str, list[str]]:
        """Return the text of each exercise: what defines its names, and helpers beside what calls them."""
        found: dict[str, list[str]] = defaultdict(list)
        helpers: list[tuple[str, str, str]] = []
        for exercise, source in code:
            for block in _blocks(source):
                names = _defined(block)
                name = next((each for each in names if each in self.assignment.exercise_of), next(iter(names), ""))
                if name in self.assignment.exercise_of or (exercise and not name):
                    found[self.assignment.exercise_of.get(name, exercise)].append(block)
                else:
                    helpers.append((exercise, name, block))
        for exercise, name, block in helpers:
            calls = re.compile(rf"\b{name}\b") if name else None
            callers = [each for each, texts in found.items() if calls and any(map(calls.search, texts))]
            for owner in callers or [exercise or OWN_CELLS]:
                found[owner].append(block)
        return found


def _blocks(source: str) -> Iterator[str]:
    """Yield ``source`` cut before each top-level definition; statements after one stay with it, as comments do."""
    starts = [match.start() for match in _START.finditer(source)]
    kept = [at for number, at in enumerate(starts) if not (number and _decorated(source[starts[number - 1] : at]))]
    for start, end in zip([0, *kept], [*kept, len(source)], strict=True):
        if block := source[start:end].strip():
            yield block


def _defined(source: str) -> list[str]:
    """Return the names that ``source`` gives a meaning at its top level."""
    return [one or other for one, other in _DEFINED.findall(source)]


def _decorated(between: str) -> bool:
    return between.startswith("@") and "def " not in between and "class " not in between


def _solved(source: str) -> str:
    marks = (BEGIN_SOLUTION, END_SOLUTION)
    return "\n".join(line for line in source.split("\n") if not line.strip().startswith(marks))

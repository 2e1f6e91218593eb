"""The student's own part of a submission, as tokens and fingerprints.

It is taken by exercise, wherever in the notebook it stands. Code is read twice as tokens: its structure, in which
renaming and layout make no difference, and its wording. Prose is read as words. Fingerprints are made by winnowing, as
copydetect computes them; what the course itself hands out leaves none.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
from copydetect.utils import hashed_kgrams, winnow
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Name, Operator, Punctuation, String, Text  # type: ignore[import-untyped]

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.authoring.source_cells import BEGIN_SOLUTION, END_SOLUTION
from autograder.submission.model import Submission

__all__ = [
    "CODE_LENGTH",
    "FOLDED_DOCSTRING",
    "LONGEST",
    "OWN_CELLS",
    "PROSE_LENGTH",
    "Handout",
    "Part",
    "Spans",
    "Token",
    "Work",
    "all_hashes",
    "code_tokens",
    "docstrings",
    "fingerprints",
    "prose_tokens",
]

# ---- tokens

LONGEST = 20_000
"""The characters of a cell that are compared; no honest cell comes near, and a lexer may take minutes over more."""

_LEXER = PythonLexer(stripnl=False, stripall=False, ensurenl=False)
# Over such a run the lexer takes the square of its length: 20,000 characters were 40 seconds.
_RUN = re.compile(r"[\s#+\-0-9]{300,}")
# Characters that are not seen stand in no honest word; a copy with some in it is a copy.
_UNSEEN = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
_WORD = re.compile(rf"[^\W_]+(?:[{_UNSEEN}]+[^\W_]+)*")
_NOT_SEEN = re.compile(f"[{_UNSEEN}]")
FOLDED_DOCSTRING = '"""…"""'
"""The text in place of a docstring of the course's own."""
_FOLDED = "a name"
_NO_MEANING = {"(", ")", ";", "\\"}
_OWNERS = {"self", "cls"}


class Token(NamedTuple):
    """One token: a number for its value, and where it stands in the text, in characters."""

    value: int
    start: int
    end: int


def code_tokens(source: str, kept: Set[str] = frozenset()) -> tuple[list[Token], list[Token]]:
    """Return the structure and the wording of Python code, which may be anything, as tokens.

    Of the structure, names are folded into one (``kept`` and attributes excepted), a string counts as a string, and
    comments, docstrings, layout and parentheses are left out. The wording has the names, the strings and the comments.
    """
    structure: list[Token] = []
    wording: list[Token] = []
    before, owner = "", ""  # The last two tokens' texts: an attribute of self is a name like any other.
    in_string = False
    for start, kind, text in _tokens(source):
        if kind in String.Doc or text in _NO_MEANING or not text.strip():
            continue
        string = kind in String and kind not in String.Interpol
        if string or kind in Comment:
            wording += (word._replace(start=start + word.start, end=start + word.end) for word in _words(text))
        if kind in Comment or kind in Text:
            continue
        value = "a string" if string else _folded(kind, text, kept, before, owner)
        if string and in_string:
            structure[-1] = structure[-1]._replace(end=start + len(text))
        else:
            structure.append(_token(value, start, text))
        if not string:
            wording.append(_token(text, start, text))
        in_string, owner, before = string, before, text
    return structure, wording


def docstrings(source: str) -> set[str]:
    """Return the docstrings in Python code, quotes included."""
    found: list[str] = []
    inside = False
    for _, kind, text in _tokens(source):
        if kind in String.Doc:
            found.append(found.pop() + text if inside else text)
        inside = kind in String.Doc
    return {each for each in found if len(each) > len(FOLDED_DOCSTRING)}


def _tokens(source: str) -> Iterator[tuple[int, Any, str]]:
    """Yield place, kind and text of each token; endless runs of blanks, signs and digits count as nothing."""
    shortened = _RUN.sub(lambda run: "\\" * len(run[0]), source[:LONGEST])
    yield from _LEXER.get_tokens_unprocessed(shortened)


def _token(value: str, start: int, text: str) -> Token:
    return Token(zlib.crc32(value.encode("utf-8", errors="replace")), start, start + len(text))


def _folded(kind: object, text: str, kept: Set[str], before: str, owner: str) -> str:
    if kind in Keyword or kind in Operator or kind in Punctuation or kind not in Name or text in kept:
        return text
    if before == "." and owner not in _OWNERS:
        return f".{text}"
    return text if kind in Name.Builtin else _FOLDED


def prose_tokens(text: str) -> list[Token]:
    """Return the words of a written answer, without case, signs and markup."""
    return list(_words(text[:LONGEST]))


def _words(text: str) -> Iterator[Token]:
    for match in _WORD.finditer(text):
        word = match[0] if match[0].isascii() else unicodedata.normalize("NFKC", _NOT_SEEN.sub("", match[0]))
        yield _token(word.casefold(), match.start(), match[0])


# ---- fingerprints

CODE_LENGTH, PROSE_LENGTH = 7, 4
"""The numbers of tokens in a row that make one fingerprint, in code and in prose."""
_WINDOW = 3

Spans = dict[int, list[tuple[int, int]]]
"""The places that each fingerprint stands for, in characters."""


def all_hashes(tokens: Sequence[Token], length: int) -> set[int]:
    """Return the hash of every ``length`` tokens in a row."""
    return set(_hashes(tokens, length).tolist())


def fingerprints(tokens: Sequence[Token], length: int, given: Set[int] = frozenset()) -> Spans:
    """Return the fingerprints of ``tokens``; two texts with ``length + 2`` tokens in a row in common share one.

    Args:
        tokens: the tokens of one text.
        length: tokens in one fingerprint.
        given: hashes of what everybody was handed; they tell nothing about anybody.
    """
    hashes = _hashes(tokens, length)
    if not len(hashes):
        return {}
    found: Spans = {}
    for value, place in zip(*winnow(hashes, _WINDOW, remove_duplicates=False), strict=True):
        if int(value) not in given:
            found.setdefault(int(value), []).append((tokens[place].start, tokens[place + length - 1].end))
    return found


def _hashes(tokens: Sequence[Token], length: int) -> np.ndarray:
    # Tuples of numbers, not strings: Python salts the hash of a string anew in each process.
    hashes: np.ndarray = hashed_kgrams(tuple(token.value for token in tokens), length)
    return hashes


# ---- the student's own part

OWN_CELLS = "cells of their own"
"""The part that holds code which belongs to no exercise."""

_MOST_HELPERS = 300
"""The most helpers of a submission that are put beside their callers: looking for those takes time for each."""

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
            for block in _blocks(source[:LONGEST]):
                names = _defined(block)
                name = next((each for each in names if each in self.assignment.exercise_of), next(iter(names), ""))
                if name in self.assignment.exercise_of or (exercise and not name):
                    found[self.assignment.exercise_of.get(name, exercise)].append(block)
                else:
                    helpers.append((exercise, name, block))
        for number, (exercise, name, block) in enumerate(helpers):
            calls = re.compile(rf"\b{name}\b") if name and number < _MOST_HELPERS else None
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

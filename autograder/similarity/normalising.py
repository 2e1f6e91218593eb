"""Code and prose as tokens: the structure, in which renaming and layout make no difference, and the wording."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Set
from typing import NamedTuple

from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Name, Operator, Punctuation, String, Text  # type: ignore[import-untyped]

__all__ = ["FOLDED_DOCSTRING", "LONGEST", "Token", "code_tokens", "docstrings", "prose_tokens"]

LONGEST = 20_000
"""The characters of a cell that are compared; no honest cell comes near, and a lexer may take minutes over more."""

_LEXER = PythonLexer(stripnl=False, stripall=False, ensurenl=False)
_WORD = re.compile(r"[^\W_]+")
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
    for start, kind, text in _LEXER.get_tokens_unprocessed(source[:LONGEST]):
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
    for _, kind, text in _LEXER.get_tokens_unprocessed(source[:LONGEST]):
        if kind in String.Doc:
            found.append(found.pop() + text if inside else text)
        inside = kind in String.Doc
    return {each for each in found if len(each) > len(FOLDED_DOCSTRING)}


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
        yield _token(match[0].casefold(), match.start(), match[0])

"""Code and prose as tokens in which renaming, layout, comments and docstrings make no difference."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Set
from typing import NamedTuple

from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Name, Operator, Punctuation, String, Text  # type: ignore[import-untyped]

__all__ = ["LONGEST", "Token", "code_tokens", "prose_tokens"]

LONGEST = 20_000
"""Characters of one cell that are compared; no honest cell comes near, and a lexer may take minutes over more."""

_LEXER = PythonLexer(stripnl=False, stripall=False, ensurenl=False)
_WORD = re.compile(r"[^\W_]+")
_FOLDED = "a name"
_NO_MEANING = {"(", ")", ";", "\\"}
_OWNERS = {"self", "cls"}


class Token(NamedTuple):
    """One token: a number for its value, and where it stands in the text, in characters."""

    value: int
    start: int
    end: int


def code_tokens(source: str, kept: Set[str] = frozenset()) -> list[Token]:
    """The tokens of Python code, which may be anything; names are folded into one, ``kept`` and attributes excepted.

    Comments, docstrings, layout and parentheses are left out, and a string counts as a string, whatever is in it.
    """
    found: list[Token] = []
    before, owner = "", ""  # The last two tokens' texts: an attribute of self is a name like any other.
    in_string = False
    for start, kind, text in _LEXER.get_tokens_unprocessed(source[:LONGEST]):
        if kind in Comment or kind in Text or kind in String.Doc or not text.strip() or text in _NO_MEANING:
            continue
        string = kind in String and kind not in String.Interpol
        value = "a string" if string else _folded(kind, text, kept, before, owner)
        if not (string and in_string):
            found.append(Token(zlib.crc32(value.encode()), start, start + len(text)))
        else:
            found[-1] = found[-1]._replace(end=start + len(text))
        in_string, owner, before = string, before, text
    return found


def _folded(kind: object, text: str, kept: Set[str], before: str, owner: str) -> str:
    if kind in Keyword or kind in Operator or kind in Punctuation or kind not in Name or text in kept:
        return text
    if before == "." and owner not in _OWNERS:
        return f".{text}"
    return text if kind in Name.Builtin else _FOLDED


def prose_tokens(text: str) -> list[Token]:
    """The words of a written answer, without case, signs and markup."""
    return list(_words(text[:LONGEST]))


def _words(text: str) -> Iterator[Token]:
    for match in _WORD.finditer(text):
        yield Token(zlib.crc32(match[0].casefold().encode()), match.start(), match.end())

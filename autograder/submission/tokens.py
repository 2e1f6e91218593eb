"""The meaning of a cell's text as Python, without parsing it: it may not parse, or choke a parser."""

from __future__ import annotations

import io
import re
import tokenize
from functools import lru_cache

__all__ = ["code_tokens", "defines", "garbled_code"]

_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING, tokenize.ENDMARKER}
_TEXT = {tokenize.COMMENT, tokenize.STRING}
_LONGEST = 200_000  # Characters; no honest cell comes near, and tokenizing takes a microsecond each.


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


def garbled_code(source: str) -> bool:
    """Return whether ``source`` holds replacement characters outside its comments and strings."""
    if "\ufffd" not in source:
        return False
    found = _tokens(source)
    return found is None or any("\ufffd" in text for kind, text in found if kind not in _TEXT)


def _tokens(source: str) -> list[tuple[int, str]] | None:
    if len(source) > _LONGEST:
        return None
    try:
        return [(token.type, token.string) for token in tokenize.generate_tokens(io.StringIO(source).readline)]
    except (tokenize.TokenError, SyntaxError, ValueError):
        return None

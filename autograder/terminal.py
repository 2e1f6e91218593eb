"""Sentences on a terminal: lines end between words, and what is longer than a line, such as a path, stays whole.

Much of it comes from students: messages of errors, names of files and of exercises. No terminal obeys any of it.
"""

from __future__ import annotations

import re
import textwrap

from rich.console import Console
from rich.text import Text

__all__ = ["echo", "harmless", "show", "without_controls"]

_NARROWEST = 20
_ANSI = re.compile(r"(?:\x1b\[|\x9b)[0-9;?]{0,40}[ -/]{0,9}[@-~]|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)|\x1b[@-_]")
# Controls, and what turns text around or is not seen; joiners stay, without which some scripts cannot be written.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_MARKS = r"\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_PILED_UP = re.compile(rf"([{_MARKS}]{{8}})[{_MARKS}]+")  # more marks on one letter than any language has


def show(console: Console, text: str, style: str = "") -> None:
    """Print ``text`` without reading markup in it; only a terminal gets its lines broken, each with its indentation.

    A terminal by itself would break them in the middle of words. In a file or a pipe they stay as they are.
    """
    lines = harmless(text).split("\n")
    if console.is_terminal:
        lines = [piece for line in lines for piece in _broken(line, console)]
    console.print(Text("\n".join(lines), style), soft_wrap=True)


def echo(text: object = "", *, err: bool = False) -> None:
    """Print ``text`` on standard output, or on standard error."""
    show(Console(stderr=err), str(text))


def harmless(text: str) -> str:
    """Return ``text`` without escapes for a terminal and what `without_controls` removes."""
    return without_controls(_ANSI.sub("", text))


def without_controls(text: str) -> str:
    """Return ``text`` without characters that control a terminal, turn text around, are not seen, or pile up."""
    plain = _CONTROL.sub("", text)
    return plain if plain.isascii() else _PILED_UP.sub(r"\1", plain)


def _broken(line: str, console: Console) -> list[str]:
    words = line.lstrip(" ")
    indentation = line[: len(line) - len(words)]
    width = max(console.width - len(indentation), _NARROWEST)
    pieces = textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False, replace_whitespace=False)
    return [f"{indentation}{piece}" for piece in pieces] or [line]

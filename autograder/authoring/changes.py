"""Misconceptions that differ from a right answer in a few lines: only the change is written, and resolved here.

A change names old text that occurs exactly once in the solution, or in a named alternative, and the text to put there.
It is resolved to a whole function, so nothing else of the grader knows of changes.
"""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from autograder.authoring.regions import BEGIN_SOLUTION, END_SOLUTION
from autograder.errors import AuthoringError

__all__ = ["Base", "Change", "base_of", "resolve"]


@dataclass(frozen=True)
class Base:
    """The right answer that a change starts from.

    Attributes:
        where: its name in messages, such as "the solution of pool" or "the alternative 'loop'".
        name: the function or class that it defines.
        source: its source, without markers.
        first, last: the lines of ``source``, from 0, in which a change may be made.
    """

    where: str
    name: str
    source: str
    first: int
    last: int


@dataclass(frozen=True)
class Change:
    """A misconception written as a change.

    Attributes:
        slug: the answer's name.
        of: the exercise's function or class.
        text: the sentence shown to a student.
        on: the alternative to start from; empty for the solution.
        edits: pairs of old text and new text, each old text found exactly once.
        where: file and line, for messages.
    """

    slug: str
    of: str
    text: str
    on: str
    edits: tuple[tuple[str, str], ...]
    where: str


@lru_cache(maxsize=512)
def base_of(source: str, name: str, where: str) -> Base | None:
    """Return the function or class ``name`` of a cell's ``source``; None if it defines none at its top level."""
    lines = source.split("\n")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            start = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
            return _base(lines, start, node.end_lineno or node.lineno, name, where)
    return None


def _base(lines: list[str], start: int, stop: int, name: str, where: str) -> Base:
    """Return lines ``start`` to ``stop`` less the markers, between which changes are allowed; else everywhere."""
    kept: list[str] = []
    allowed: list[int] = []
    marked = any(BEGIN_SOLUTION in line for line in lines)
    inside = not marked
    for number, line in enumerate(lines):
        if BEGIN_SOLUTION in line or END_SOLUTION in line:
            inside = BEGIN_SOLUTION in line
        elif start <= number < stop:
            if inside:
                allowed.append(len(kept))
            kept.append(line)
    first, last = (allowed[0], allowed[-1] + 1) if allowed else (0, 0)
    return Base(where, name, "\n".join(kept), first, last)


def resolve(change: Change, base: Base) -> str:
    """Return the source of the function or class that ``change`` makes of ``base``, under the change's own name.

    Raises:
        AuthoringError: an old text is not found exactly once, or the result does not parse, is the same, or defines
            something else.
    """
    lines = base.source.split("\n")
    head, body, tail = lines[: base.first], lines[base.first : base.last], lines[base.last :]
    region = "\n".join(body)
    for old, new in change.edits:
        region = _replace(region, _trimmed(old), _trimmed(new), change, base)
    changed = "\n".join([*head, *([region] if region else []), *tail])
    _check(changed, change, base)
    return re.sub(rf"^(def|class) {re.escape(base.name)}\b", rf"\1 {change.slug}", changed, count=1, flags=re.MULTILINE)


def _trimmed(text: str) -> str:
    """Return a text as it is meant, however far the string that holds it is indented."""
    return textwrap.dedent(text).strip("\n").rstrip()


def _replace(region: str, old: str, new: str, change: Change, base: Base) -> str:
    found = list(re.finditer(_pattern(old), region)) if old.strip() else []
    if len(found) != 1:
        raise AuthoringError(_not_once(len(found), old, region, change, base))
    (match,) = found
    if "\n" not in old and "\n" not in new and new:
        return region[: match.start()] + new + region[match.end() :]
    start = region.rfind("\n", 0, match.start()) + 1
    before = region[start : match.start()]
    if before.strip():
        return region[: match.start()] + new + region[match.end() :]
    stop = match.end() if new else min(match.end() + 1, len(region))
    return region[:start] + textwrap.indent(new, before) + region[stop:]


def _pattern(old: str) -> str:
    """Return a pattern of ``old`` at any indentation; its lines keep their indentation relative to the first."""
    lines = old.split("\n")
    if len(lines) == 1:
        return re.escape(old)
    rest = "".join("\n" + (rf"(?P=indent){re.escape(line)}" if line.strip() else r"[ \t]*") for line in lines[1:])
    return rf"(?<=\n|^)(?P<indent>[ \t]*){re.escape(lines[0])}{rest}(?=\n|$)".replace(r"(?<=\n|^)", r"(?:(?<=\n)|\A)")


def _not_once(count: int, old: str, region: str, change: Change, base: Base) -> str:
    shown = old.split("\n")[0]
    if count > 1:
        return (
            f"{change.where}: '{change.slug}' changes `{shown}`, which stands {count} times in {base.where}; it must "
            "stand there once. Take more of the line."
        )
    near = difflib.get_close_matches(shown.strip(), [line.strip() for line in region.split("\n")], n=1, cutoff=0.3)
    hint = f" Nearest line: `{near[0]}`." if near else ""
    return f"{change.where}: '{change.slug}' changes `{shown}`, which does not stand in {base.where}.{hint} Correct it."


def _check(source: str, change: Change, base: Base) -> None:
    try:
        after = ast.parse(source)
    except SyntaxError as error:
        raise AuthoringError(
            f"{change.where}: '{change.slug}' does not parse after the change: {error.msg} (line {error.lineno}: "
            f"{(error.text or '').strip()}). Correct the new text."
        ) from error
    if ast.dump(after) == ast.dump(ast.parse(base.source)):
        raise AuthoringError(f"{change.where}: '{change.slug}' changes nothing in {base.where}. Write what is wrong.")
    if [getattr(node, "name", "") for node in after.body] != [base.name]:
        raise AuthoringError(f"{change.where}: '{change.slug}' must still define `{base.name}`, and nothing else.")


FindBase = Callable[[str, str], Base | None]
"""A function from the exercise's name and the alternative's (or empty) to the base; None if there is none."""

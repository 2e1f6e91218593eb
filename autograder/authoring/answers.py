"""Named answers to an exercise: wrong ones (misconceptions) and independent right ones (alternatives).

They stand in files of their own beside the assignment. They are read as text, never imported by the grader: what is
installed in place of a student's code is the source.

Of a misconception that differs from a right answer in a few lines, only the change is written: old text that occurs
exactly once in the solution or in a named alternative, and the text to put there. A change is resolved here to a whole
function, so nothing else of the grader knows of changes.
"""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec

from autograder.authoring.source_cells import BEGIN_SOLUTION, END_SOLUTION
from autograder.errors import AuthoringError

__all__ = ["Answer", "Base", "Change", "alternative", "base_of", "changed", "misconception", "read_answers", "resolve"]


# ---- changes


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


# ---- the files of answers

FindBase = Callable[[str, str], Base | None]
"""A function from the exercise's name and the alternative's (or empty) to the base; None if there is none."""


T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True):
    """A way to answer an exercise, wrong (a misconception) or right (an alternative).

    Attributes:
        slug: the function's or class's own name, which names the answer.
        of: the exercise's function or class that it stands in for.
        text: for a misconception, the sentence shown to a student; for an alternative, the route taken.
        source: its source, without the decorator.
    """

    slug: str
    of: str
    text: str
    source: str

    @property
    def as_cell(self) -> str:
        """The source for the exercise's cell: the answer, under the name that the exercise asks for."""
        return self.source if self.slug == self.of else f"{self.source}\n\n\n{self.of} = {self.slug}"


def misconception(*, of: str, says: str) -> Callable[[T], T]:
    """Mark a wrong implementation of exercise ``of``; ``says`` explains it to the student who wrote it."""
    return _keep


def alternative(*, of: str, route: str) -> Callable[[T], T]:
    """Mark a correct implementation of exercise ``of`` that takes another ``route`` than the solution."""
    return _keep


def changed(
    name: str, *, of: str, says: str, old: str = "", new: str = "", on: str = "", edits: Sequence[tuple[str, str]] = ()
) -> None:
    """Declare a misconception called ``name`` that differs from the solution of ``of`` in a few lines.

    Args:
        name: the misconception's name, unlike all others.
        of: the exercise's function or class.
        says: explains the mistake to the student who made it.
        old: text that occurs exactly once in the solution; indentation does not matter.
        new: the text that a student wrote in its place; empty removes it.
        on: an alternative to start from instead of the solution.
        edits: several pairs of old and new text, instead of one.
    """


def _keep(answer: T) -> T:
    return answer


def read_answers(path: Path, kind: str, find_base: FindBase = lambda of, on: None) -> tuple[Answer, ...]:
    """Return all answers of ``kind`` (``misconception`` or ``alternative``) in ``path``; none without the file.

    Args:
        find_base: returns the right answer that a misconception written as a change starts from.

    Raises:
        AuthoringError: names the file, the line and the answer.
    """
    if not path.exists():
        return ()
    text = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise AuthoringError(f"{path.name}, line {error.lineno}: {error.msg}. Correct the file.") from error
    answers = [_answer(node, text, path.name, kind, find_base) for node in tree.body]
    found = tuple(answer for answer in answers if answer is not None)
    names = [answer.slug for answer in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise AuthoringError(f"{path.name}: two answers are called '{twice}'. Rename one.")
    return found


def _answer(node: ast.stmt, text: str, file: str, kind: str, find_base: FindBase) -> Answer | None:
    if kind == "misconception" and isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return _resolved(_change(node.value, f"{file}, line {node.lineno}"), find_base)
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Expr):
        return None
    if not isinstance(node, ast.FunctionDef | ast.ClassDef) or not node.decorator_list:
        raise AuthoringError(
            f"{file}, line {node.lineno}: only imports and functions or classes marked @{kind} are allowed here. "
            "Move helpers inside the answer that needs them."
        )
    marks = _marks(node, file, kind)
    label = "says" if kind == "misconception" else "route"
    if missing := {"of", label} - set(marks):
        raise AuthoringError(f"{file}, line {node.lineno}: '{node.name}' lacks {sorted(missing)[0]}=. Add it.")
    body = "\n".join(text.split("\n")[node.lineno - 1 : node.end_lineno])
    return Answer(node.name, marks["of"], marks[label], body)


def _marks(node: ast.FunctionDef | ast.ClassDef, file: str, kind: str) -> dict[str, str]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == kind:
            try:
                return {str(word.arg): str(ast.literal_eval(word.value)) for word in decorator.keywords}
            except ValueError as error:
                raise AuthoringError(
                    f"{file}, line {node.lineno}: the marker of '{node.name}' must hold plain strings."
                ) from error
    raise AuthoringError(f"{file}, line {node.lineno}: '{node.name}' is not marked @{kind}(of=…). Mark it.")


def _change(call: ast.Call, where: str) -> Change:
    if getattr(call.func, "id", "") != "changed":
        raise AuthoringError(f"{where}: only changed(…) can be called here. Remove the call.")
    try:
        names = [str(ast.literal_eval(each)) for each in call.args]
        words = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    except ValueError as error:
        raise AuthoringError(f"{where}: changed(…) must hold plain strings. Write them out.") from error
    if len(names) != 1 or not names[0].isidentifier():
        raise AuthoringError(f"{where}: changed(…) begins with the misconception's name, such as 'one_sided'. Add it.")
    if missing := {"of", "says"} - set(words):
        raise AuthoringError(f"{where}: '{names[0]}' lacks {sorted(missing)[0]}=. Add it.")
    if strange := sorted(set(words) - {"of", "says", "on", "old", "new", "edits"}):
        raise AuthoringError(f"{where}: '{names[0]}' has {strange[0]}=, which changed(…) does not know. Remove it.")
    edits = words.get("edits") or [(words.get("old", ""), words.get("new", ""))]
    if ("old" in words) == ("edits" in words) or not all(_is_pair(each) for each in edits):
        raise AuthoringError(
            f"{where}: '{names[0]}' needs old= and new=, or edits= with pairs of old and new text. Give one of the two."
        )
    pairs = tuple((str(old), str(new)) for old, new in edits)
    return Change(names[0], str(words["of"]), str(words["says"]), str(words.get("on", "")), pairs, where)


def _is_pair(edit: object) -> bool:
    return isinstance(edit, tuple | list) and len(edit) == 2 and all(isinstance(each, str) for each in edit)


def _resolved(change: Change, find_base: FindBase) -> Answer:
    base = find_base(change.of, change.on)
    if base is None:
        what = f"alternative '{change.on}' of '{change.of}'" if change.on else f"solution of '{change.of}'"
        raise AuthoringError(f"{change.where}: '{change.slug}' starts from the {what}, which does not exist.")
    return Answer(change.slug, change.of, change.text, resolve(change, base))

"""Named wrong answers and independent right ones, which stand in files of their own beside the assignment.

They are read as text, never imported by the grader: what is installed in place of a student's code is the source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from autograder.authoring.changes import Change, FindBase, resolve
from autograder.errors import AuthoringError

__all__ = ["Answer", "alternative", "changed", "misconception", "read_answers"]

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
            f"{file}, line {node.lineno}: only imports and functions or classes marked @{kind} may stand here. "
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
        raise AuthoringError(f"{where}: only changed(…) may be called here. Remove the call.")
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

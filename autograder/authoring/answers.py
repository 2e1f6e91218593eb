"""Named wrong answers and independent right ones, which stand in files of their own beside the assignment.

They are read as text, never imported by the grader: what is installed in place of a student's code is the source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from autograder.errors import AuthoringError

__all__ = ["Answer", "alternative", "misconception", "read_answers"]

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True):
    """One way to answer an exercise, wrong (a misconception) or right (an alternative).

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
        """Source for the exercise's cell: the answer, under the name that the exercise asks for."""
        return self.source if self.slug == self.of else f"{self.source}\n\n\n{self.of} = {self.slug}"


def misconception(*, of: str, says: str) -> Callable[[T], T]:
    """Mark a wrong implementation of exercise ``of``; ``says`` explains it to the student who wrote it."""
    return _keep


def alternative(*, of: str, route: str) -> Callable[[T], T]:
    """Mark a correct implementation of exercise ``of`` that goes another ``route`` than the solution."""
    return _keep


def _keep(answer: T) -> T:
    return answer


def read_answers(path: Path, kind: str) -> tuple[Answer, ...]:
    """All answers of ``kind`` (``misconception`` or ``alternative``) in ``path``, in order; none if it is absent.

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
    answers = [_answer(node, text, path.name, kind) for node in tree.body]
    found = tuple(answer for answer in answers if answer is not None)
    names = [answer.slug for answer in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise AuthoringError(f"{path.name}: two answers are called '{twice}'. Rename one.")
    return found


def _answer(node: ast.stmt, text: str, file: str, kind: str) -> Answer | None:
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

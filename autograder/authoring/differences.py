"""Named answers for reading, each as a difference from the solution or written out as a file."""

from __future__ import annotations

import ast
import difflib
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.atomic_files import write_atomically
from autograder.authoring.answers import Answer
from autograder.authoring.assignment import Assignment
from autograder.authoring.changes import base_of
from autograder.errors import AuthoringError

__all__ = ["answer_difference", "differences", "write_answers"]

_NAMES = "import numpy as np\nimport torch"


def differences(assignment: Assignment, exercise: str = "") -> Iterator[str]:
    """Yield, for each misconception, its name, its sentence and a unified diff against the solution.

    Args:
        exercise: only those of this exercise or function; default all.

    Raises:
        AuthoringError: there is no such exercise.
    """
    for answer in _chosen(assignment.misconceptions, assignment, exercise):
        yield f"{answer.slug} ({answer.of})\n{answer.text}\n{answer_difference(assignment, answer)}"


def answer_difference(assignment: Assignment, answer: Answer) -> str:
    """Return a unified diff from the solution of the answer's exercise to the answer, without its header."""
    solution = base_of(assignment.exercises[assignment.exercise_of[answer.of]].source, answer.of, "the solution")
    before = solution.source if solution is not None else ""
    if not _docstring(answer.source):
        before = _without_docstring(before)
    after = answer.source.replace(f" {answer.slug}", f" {answer.of}", 1)
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=2)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def write_answers(assignment: Assignment, folder: Path, exercise: str = "") -> tuple[Path, ...]:
    """Write misconceptions and alternatives, each as a whole function, where an editor and linters can see them.

    Args:
        folder: for two files, ``misconceptions.py`` and ``alternatives.py``; what is there is replaced.
        exercise: only the answers to this exercise or function; default all.

    Raises:
        AuthoringError: there is no such exercise.
        GradebookError: a file cannot be written.
    """
    written = []
    for name, answers in (("misconceptions", assignment.misconceptions), ("alternatives", assignment.alternatives)):
        path = folder / f"{name}.py"
        chosen = _chosen(answers, assignment, exercise)
        parts = [f'"""{name.capitalize()} of {assignment.name}, resolved. Derived: edit solutions/ instead."""', _NAMES]
        parts += [f"{_comment(answer)}\n{answer.source}" for answer in chosen]
        text = "\n\n\n".join(parts) + "\n"
        ast.parse(text)
        write_atomically(path, text.encode())
        written.append(path)
    return tuple(written)


def _comment(answer: Answer) -> str:
    return textwrap.fill(f"{answer.of}: {answer.text}", 118, initial_indent="# ", subsequent_indent="# ")


def _docstring(source: str) -> ast.stmt | None:
    """Return the docstring of the function or class that is all of ``source``; None if there is none."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
            return node.body[0]
    return None


def _without_docstring(source: str) -> str:
    found = _docstring(source)
    lines = source.split("\n")
    return "\n".join([*lines[: found.lineno - 1], *lines[found.end_lineno :]]) if found else source


def _chosen(answers: Sequence[Answer], assignment: Assignment, exercise: str) -> list[Answer]:
    of = assignment.exercise_of
    if exercise and exercise not in of:
        known = ", ".join(assignment.exercises)
        raise AuthoringError(f"{assignment.name} has no exercise '{exercise}'. There are: {known}.")
    return [each for each in answers if not exercise or exercise == each.of or of[each.of] == exercise]

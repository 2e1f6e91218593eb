"""Prove that nothing in a kit gives an answer away: the audit's search, over every byte of every file."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence

from autograder.audit.leaks import find_leaks, secret_lines
from autograder.authoring.assignment import Assignment
from autograder.course import SECRET_NAME, Course

__all__ = ["kit_leaks"]

_SHORTEST = 24
"""A shorter line of code may well stand in two programs that have nothing to do with each other."""


def kit_leaks(course: Course, assignments: Sequence[Assignment], made: Mapping[str, bytes]) -> list[str]:
    """A sentence for each place in the kit ``made`` where something stands that students must not have.

    Searched for are the hidden lines of every assignment of ``assignments``, its misconceptions and their sentences,
    its alternatives, the authors' other files, and the course's secret.
    """
    texts = {name: content.decode("utf-8", errors="replace") for name, content in made.items()}
    public = "\n".join(cell.release_source for each in assignments for cell in each.cells)
    found = [finding.text for each in assignments for finding in find_leaks(each, _besides(texts, each, assignments))]
    for what, line in _private(course, assignments):
        shown = (line, json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1])
        if line in public:
            continue
        found += [f"{what} stands in {name}." for name, text in texts.items() if any(each in text for each in shown)]
    return [*found, *_files_of_authors(made)]


def _besides(texts: Mapping[str, str], one: Assignment, others: Sequence[Assignment]) -> dict[str, str]:
    """The texts without the notebooks of assignments that openly give what ``one`` asks for."""
    hidden = secret_lines(one)
    open_about_it = {
        f"notebooks/{each.name}/{each.notebook}.ipynb"
        for each in others
        if each.name != one.name and any(line in cell.release_source for cell in each.cells for line in hidden)
    }
    return {name: text for name, text in texts.items() if name not in open_about_it}


def _private(course: Course, assignments: Sequence[Assignment]) -> Iterator[tuple[str, str]]:
    """What must not be in a kit, and what to call it."""
    for each in assignments:
        for answer in (*each.misconceptions, *each.alternatives):
            yield f"the sentence of '{answer.slug}' ({each.name})", answer.text
            for line in _lines(answer.source):
                yield f"a line of '{answer.slug}' ({each.name})", line
        for path in sorted((course.source / each.name).glob("*.py")):
            if path.stem not in ("misconceptions", "alternatives", each.notebook):
                yield from ((f"a line of {path.name} ({each.name})", line) for line in _lines(path.read_text("utf-8")))
    if course.config.fixed_secret or (course.root / SECRET_NAME).is_file():
        yield "the course's secret", course.secret.key.hex()
    if course.config.gradebook:
        yield "the gradebook's address", course.config.gradebook


def _lines(source: str) -> Iterator[str]:
    """The lines that do something and are long enough to be told apart; not imports, which everybody writes."""
    for line in (line.strip() for line in source.split("\n")):
        if len(line) >= _SHORTEST and not line.startswith(("#", "import ", "from ")):
            yield line


def _files_of_authors(made: Mapping[str, bytes]) -> Iterator[str]:
    """Python files that use what only authors write."""
    for name, content in made.items():
        if name.endswith(".py") and {"misconception", "alternative", "changed"} & _decorators(content):
            yield f"{name} holds a named answer."


def _decorators(content: bytes) -> set[str]:
    functions = (node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.FunctionDef | ast.ClassDef))
    calls = [call.func if isinstance(call, ast.Call) else call for each in functions for call in each.decorator_list]
    return {call.id for call in calls if isinstance(call, ast.Name)}

"""The proof that nothing in a kit gives an answer away: what the audit looks for, in every byte of every file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from autograder.audit.leaks import MARKERS, secret_lines
from autograder.authoring.assignment import Assignment
from autograder.course import SECRET_NAME, Course
from autograder.handout.student_part import module_files

__all__ = ["kit_leaks"]

_WINDOW = 16
"""The number of bytes by which a line is found at first; the audit calls no shorter line a secret."""
_SHORTEST = 24
"""The least length of a telling line: two unrelated programs may well share a shorter line of a named answer."""


def kit_leaks(course: Course, assignments: Sequence[Assignment], made: Mapping[str, bytes]) -> list[str]:
    """Return a sentence for each place in the kit ``made`` where something stands that students must not have.

    Searched for are the hidden lines of every assignment of ``assignments``, its misconceptions and their sentences,
    its alternatives, the authors' other files, and the course's secret. What a released notebook shows is not a secret,
    nor is what the tools themselves have a line in common with.
    """
    public = "\n".join(cell.release_source for each in assignments for cell in each.cells)
    tools = b"\n".join(module_files().values()).decode()  # The same for every course: no author writes there.
    known = f"{public}\n{tools}"
    private = {line: what for what, line in _private(course, assignments) if line not in known}
    index = _index(private)
    found = [
        f"{private[line]} stands in {name}."
        for name, content in made.items()
        for line in dict.fromkeys(_found(content, index))
    ]
    marked = [
        f"the marker '{marker}' stands in {name}."
        for name, content in made.items()
        if name.endswith(".ipynb")
        for marker in MARKERS
        if marker.encode() in content
    ]
    return [*found, *marked]


def _private(course: Course, assignments: Sequence[Assignment]) -> Iterator[tuple[str, str]]:
    """Yield what must not be in a kit, and what to call it."""
    for each in assignments:
        yield from ((f"a hidden line of {cell} ({each.name})", line) for line, cell in secret_lines(each).items())
        for answer in (*each.misconceptions, *each.alternatives):
            for text in (answer.text, answer.source):
                yield from ((f"what '{answer.slug}' ({each.name}) says or does", line) for line in _lines(text))
        for path in sorted((course.source / each.name).glob("*.py")):
            if path.stem not in ("misconceptions", "alternatives", each.notebook):
                yield from ((f"a line of {path.name} ({each.name})", line) for line in _lines(path.read_text("utf-8")))
    if course.config.fixed_secret or (course.root / SECRET_NAME).is_file():
        yield "the course's secret", course.secret.key.hex()
    if len(course.config.gradebook) >= _WINDOW:
        yield "the gradebook's address", course.config.gradebook


def _lines(source: str) -> Iterator[str]:
    """Yield the lines that do something and are long enough to be told apart; not imports, which everybody writes."""
    for line in (line.strip() for line in source.split("\n")):
        if len(line) >= _SHORTEST and not line.startswith(("#", "import ", "from ")):
            yield line


def _index(lines: Mapping[str, str]) -> dict[bytes, list[tuple[bytes, str]]]:
    """Return, by its first bytes, each line as it looks in a text and inside JSON, beside the line itself."""
    index: dict[bytes, list[tuple[bytes, str]]] = defaultdict(list)
    for line in lines:
        inside = (line, json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1])
        for shown in {form.encode() for form in inside}:
            index[shown[:_WINDOW]].append((shown, line))
    return dict(index)


def _found(content: bytes, index: Mapping[bytes, list[tuple[bytes, str]]]) -> Iterator[str]:
    for start in range(len(content) - _WINDOW + 1):
        for shown, line in index.get(content[start : start + _WINDOW], ()):
            if content.startswith(shown, start):
                yield line

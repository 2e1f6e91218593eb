"""The search for solutions and hidden tests in everything that a student can see."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.audit.report_card import Finding
from autograder.authoring.assignment import Assignment
from autograder.authoring.regions import BEGIN_SOLUTION, END_SOLUTION, split_hidden

__all__ = ["MARKERS", "find_leaks", "secret_lines"]

_SHORTEST = 16
MARKERS = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "END SOLUTION", "END HIDDEN TESTS")


def secret_lines(assignment: Assignment) -> dict[str, str]:
    """Return the lines of solutions and hidden tests long enough to be told apart, with the cell that each stands in.

    A line that also stands in the released text is not a secret.
    """
    public = "\n".join(cell.release_source for cell in assignment.cells)
    found: dict[str, str] = {}
    for cell in assignment.cells:
        hidden = split_hidden(cell.source)[1] if cell.kind == "check" else _solution_part(cell.source)
        for line in (line.strip() for line in hidden.split("\n")):
            if len(line) >= _SHORTEST and line not in public:
                found[line] = cell.grade_id
    return found


def find_leaks(
    assignment: Assignment, texts: Mapping[str, str], known: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """Yield each secret line of ``assignment`` that stands in one of ``texts`` (a name and what a student reads there).

    A line is also searched for as it looks inside JSON. What stands in ``known``, the text that the student of that
    name handed in, is not a secret to that student.
    """
    secrets = secret_lines(assignment)
    for name, text in texts.items():
        own = (known or {}).get(name, "")
        for line, cell in secrets.items():
            if (line in text or json.dumps(line)[1:-1] in text) and line not in own:
                yield Finding("leak", name, f"a hidden line of {cell} stands in {name}: {line[:60]!r}. Remove it.")
        for marker in MARKERS:
            if marker in text:
                yield Finding("leak", name, f"the marker '{marker}' stands in {name}. Build the release again.")


def release_texts(folder: Path) -> dict[str, str]:
    """Return the text of every file below ``folder``, decoded byte by byte so that nothing is passed over."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".ipynb_checkpoints" not in path.parts)
    return {path.name: path.read_bytes().decode("utf-8", errors="replace") for path in files}


def _solution_part(source: str) -> str:
    lines, inside = [], False
    for line in source.split("\n"):
        if BEGIN_SOLUTION in line or END_SOLUTION in line:
            inside = BEGIN_SOLUTION in line
        elif inside:
            lines.append(line)
    return "\n".join(lines)

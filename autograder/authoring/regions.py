"""The marked regions of a cell: solutions, and hidden tests. The markers are nbgrader's."""

from __future__ import annotations

from autograder.errors import AuthoringError

__all__ = [
    "BEGIN_HIDDEN",
    "BEGIN_SOLUTION",
    "CODE_STUB",
    "END_HIDDEN",
    "END_SOLUTION",
    "TEXT_STUB",
    "check_regions",
    "split_hidden",
]

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
# What nbgrader puts in place of a solution. People meet these words: they are not ours to change.
CODE_STUB, TEXT_STUB = "# YOUR CODE HERE\nraise NotImplementedError()", "YOUR ANSWER HERE"


def split_hidden(source: str) -> tuple[str, str]:
    """Return the visible and the hidden part of a check, with the lines that belong to the other left blank.

    Line numbers stay those of the cell, so a message that names a line names the right one.
    """
    visible, hidden, inside = [], [], False
    for line in source.split("\n"):
        if BEGIN_HIDDEN in line or END_HIDDEN in line:
            inside = BEGIN_HIDDEN in line
            visible.append("")
            hidden.append("")
            continue
        visible.append("" if inside else line)
        hidden.append(line if inside else "")
    return "\n".join(visible), "\n".join(hidden)


def check_regions(source: str, where: str) -> None:
    """Refuse regions that are nested, unclosed or never opened.

    Raises:
        AuthoringError: names ``where`` and the marker.
    """
    for begin, end in ((BEGIN_SOLUTION, END_SOLUTION), (BEGIN_HIDDEN, END_HIDDEN)):
        inside = False
        for line in source.split("\n"):
            if (begin in line and inside) or (end in line and not inside):
                raise AuthoringError(f"{where}: '{line.strip()}' does not match the marker before it. Pair them.")
            inside = (begin in line) or (inside and end not in line)
        if inside:
            raise AuthoringError(f"{where}: '{begin}' is never closed. Add a line '{end}'.")

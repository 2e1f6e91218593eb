"""The pictures of a notebook that the person who grades it will not see, named before it is handed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.redrawing import redrawn
from autograder.submission.model import Attachment
from autograder.submission.notebook_reader import read_submission
from autograder.submission.pictures import embedded_pictures
from autograder.submission.raw_cells import read_student_cells

__all__ = ["unseen_pictures"]


def unseen_pictures(path: Path) -> tuple[str, ...]:
    """Return a sentence for each picture in the notebook's text that grading will name instead of showing.

    Raises:
        UnreadableSubmission: it is not a notebook.
    """
    cells, _ = read_student_cells(read_submission(path.read_bytes(), str(path)), str(path))
    texts = [cell for cell in cells if cell.cell_type == "markdown"]
    return tuple(
        f"Cell {cell.number}: the picture “{name}” will not be seen: {problem}."
        for cell in texts
        for name, problem in _problems(cell.source, cell.attachments)
    )


def _problems(source: str, attachments: tuple[Attachment, ...]) -> Iterator[tuple[str, str]]:
    for each in embedded_pictures(source, attachments)[1]:
        if each.problem:
            yield each.name, each.problem
            continue
        kind, made = redrawn(each.content)  # The student's own file on the student's own machine: no walls are needed.
        if kind == b"R":
            yield each.name, made.decode(errors="replace")

"""The choice of the submission among several notebooks in a student's folder, by the work in them, not by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from autograder.authoring.assignment import Assignment
from autograder.errors import UnreadableSubmission
from autograder.submission.alignment import load_submission, work_in
from autograder.submission.belonging import Catalogue

__all__ = ["beside", "choose"]

_MOST = 20
Work = Mapping[str, str]


def beside(path: Path) -> tuple[Path, ...]:
    """Return the other notebooks in the folder of ``path`` and in the folders there, whatever they are called.

    None of what Jupyter and macOS keep for themselves.
    """
    entries = _entries(path.parent)
    inner = [each for entry in entries if entry.is_dir() and not entry.is_symlink() for each in _entries(entry)]
    return tuple(each for each in (*entries, *inner) if each != path and _may_be_notebook(each))


def _entries(folder: Path) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [entry for entry in found if not entry.name.startswith((".", "~", "__MACOSX"))]


def _may_be_notebook(path: Path) -> bool:
    """Return whether a file may be a notebook.

    Also ``work.ipynb.txt``, ``work.ipynb (1)`` and ``work.json``, as browsers and mail programs make them.
    """
    name = path.name.lower()
    return (".ipynb" in name or name.endswith(".json")) and not path.is_dir()


def choose(path: Path, assignment: Assignment, others: Callable[[], Catalogue]) -> tuple[Path, str]:
    """Return the notebook that counts, and why it is that one if it is not ``path``.

    A second notebook counts only if ``path``, the one of the right name, is as it was handed out.

    Raises:
        UnreadableSubmission: more than one holds work; a person has to decide.
    """
    original = _work(path, assignment, others)
    distinct: dict[Path, Work] = {}
    for each in beside(path)[:_MOST]:
        work = _work(each, assignment, others)
        if work and work != original and work not in distinct.values():
            distinct[each] = work
    if not distinct:
        return path, ""
    if original == {} and len(distinct) == 1:
        (chosen,) = distinct
        return chosen, f"{chosen.relative_to(path.parent)} was graded, since {path.name} beside it is blank."
    raise UnreadableSubmission(_undecided({path: original, **distinct}))


def _work(path: Path, assignment: Assignment, others: Callable[[], Catalogue]) -> Work | None:
    """Return the student's answers in a notebook, by cell; None if it cannot be read or is not of this assignment."""
    try:
        return work_in(load_submission(path, assignment, others), assignment)
    except (UnreadableSubmission, RecursionError, MemoryError):
        return None


def _undecided(held: Mapping[Path, Work | None]) -> str:
    folder = next(iter(held)).parent
    listed = ", ".join(
        f"{path.relative_to(folder)} ({'cannot be read' if work is None else f'{len(work)} answered'})"
        for path, work in held.items()
        if work != {}
    )
    return (
        f"{folder} holds more than one notebook that may be meant: {listed}. "
        "Keep the one that counts, move the others out of the folder and run again."
    )

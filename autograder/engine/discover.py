"""Find what was handed in: ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``, as nbgrader lays it out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course import Course
from autograder.roster import look_alikes
from autograder.submission.candidates import beside

__all__ = ["Found", "Misplaced", "Discovery", "discover"]


@dataclass(frozen=True)
class Found:
    """A submission's file, which may still turn out to be unreadable.

    Attributes:
        student: whose it is.
        path: the notebook.
        others: further notebooks beside it, whatever they are called.
        remark: why it is this one, for whoever grades; empty if that goes without saying.
    """

    student: str
    path: Path
    others: tuple[Path, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Misplaced:
    """Something under ``submitted/`` that cannot be graded as it lies there.

    Attributes:
        student: whose it is.
        reason: what is wrong, and what to do.
    """

    student: str
    reason: str


@dataclass(frozen=True)
class Discovery:
    """What ``submitted/`` holds for one assignment, by student."""

    found: tuple[Found, ...]
    misplaced: tuple[Misplaced, ...]


def discover(course: Course, assignment: str, notebook: str, students: Sequence[str] | None = None) -> Discovery:
    """Look for submissions to ``assignment``.

    Args:
        course: where to look.
        assignment: such as ``01-convolution``.
        notebook: the notebook's name without ending.
        students: whose; default everyone with a folder.
    """
    everyone = sorted(folder.name for folder in _folders(course.submitted))
    wanted = everyone if students is None else list(dict.fromkeys(students))
    found: list[Found] = []
    misplaced = [Misplaced(name, _unknown(name, everyone, course)) for name in wanted if name not in everyone]
    known = set(course.assignments()) | {assignment}
    for student in (name for name in wanted if name in everyone):
        folder = course.submitted / student
        path = folder / assignment / f"{notebook}.ipynb"
        if path.is_symlink() or path.exists():
            found.append(Found(student, path, beside(path)))
        elif (folder / assignment).is_dir():
            misplaced.append(Misplaced(student, _no_notebook(path)))
        elif students is not None:
            misplaced.append(Misplaced(student, f"{folder} holds nothing for {assignment}. Collect it first."))
        misplaced += [Misplaced(student, reason) for reason in _strangers(folder, known, assignment)]
    wrong = {name: reason for names in look_alikes(everyone) for name, reason in _alike(names, course)}
    misplaced += [Misplaced(each.student, wrong[each.student]) for each in found if each.student in wrong]
    return Discovery(tuple(found), tuple(misplaced))


def _folders(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return []
    return [entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]


def _alike(names: Sequence[str], course: Course) -> Iterator[tuple[str, str]]:
    """Folders whose names differ in case or Unicode form only: one student's, or two that some disks would merge."""
    listed = " and ".join(f"'{name}' ({name!a})" for name in names)
    for name in names:
        yield (
            name,
            f"{course.submitted}: {listed} differ only in case or Unicode form; both are graded. Rename one of them.",
        )


def _unknown(student: str, everyone: Sequence[str], course: Course) -> str:
    close = difflib.get_close_matches(student, everyone, n=1)
    guess = f" Did you mean {close[0]}?" if close else " Check the name."
    return f"There is no student '{student}' in {course.submitted}.{guess}"


def _no_notebook(path: Path) -> str:
    others = sorted(other.name for other in path.parent.glob("*.ipynb"))
    if not others:
        return f"{path} does not exist, nor does any other notebook beside it. Ask for it, or collect it again."
    return f"{path} does not exist; there is {', '.join(others)}. If that is it, rename it and run again."


def _strangers(folder: Path, known: set[str], assignment: str) -> list[str]:
    """Folders that resemble ``assignment`` but are called after no assignment."""
    names = sorted(entry.name for entry in _folders(folder) if entry.name not in known)
    return [
        f"{folder / name} is named after no assignment. If it is {assignment}, rename it and run again."
        for name in names
        if difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6) == [assignment]
    ]

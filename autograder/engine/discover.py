"""The search for submissions: ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``, as nbgrader lays them out.

Where a student handed in several notebooks, one is chosen. Assignments come from a cache: parsing the answers of one
takes longer than looking up a whole class.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from autograder.authoring.adopted import frame_files, notebooks_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import GradebookError, UnreadableSubmission
from autograder.files import LONGEST_NAME, first_link, names_student, on_one_line, write_atomically
from autograder.gradebook.journal import digest, reading_digest
from autograder.roster import look_alikes
from autograder.submission.alignment import beside, choose
from autograder.submission.matching import Catalogue

__all__ = ["Discovery", "Found", "Misplaced", "discover", "load_cached_assignment", "settle"]


@dataclass(frozen=True)
class Found:
    """A submission's file, which may still turn out to be unreadable.

    Attributes:
        student: the student's id.
        path: the notebook.
        others: further notebooks beside it, whatever they are called.
        remark: the reason for taking this notebook, for the grader; empty if that is obvious.
    """

    student: str
    path: Path
    others: tuple[Path, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Misplaced:
    """Something under ``submitted/`` that cannot be graded as it lies there.

    Attributes:
        student: the student's id.
        reason: a sentence on what is wrong, and what to do.
        handed_in: whether there is something of the student's that resembles a submission.
    """

    student: str
    reason: str
    handed_in: bool = False


@dataclass(frozen=True)
class Discovery:
    """The submissions to one assignment under ``submitted/``, by student."""

    found: tuple[Found, ...]
    misplaced: tuple[Misplaced, ...]


def discover(course: Course, assignment: str, notebook: str, students: Sequence[str] | None = None) -> Discovery:
    """Return the submissions to ``assignment``.

    Args:
        course: the course to look in.
        assignment: the assignment's name, such as ``01-convolution``.
        notebook: the notebook's name without ending.
        students: the students to look for; default everyone with a folder.
    """
    folders = sorted(folder.name for folder in _folders(course.submitted))
    everyone = [name for name in folders if names_student(name)]
    wanted = everyone if students is None else list(dict.fromkeys(students))
    found: list[Found] = []
    misplaced = [Misplaced(name, _unknown(name, everyone, course)) for name in wanted if name not in everyone]
    if students is None:
        misplaced += [_nobodys(name, course) for name in folders if not names_student(name)]
    known = set(course.assignments()) | {assignment}
    siblings = _siblings(course, assignment)
    for student in (name for name in wanted if name in everyone):
        path = course.submitted / student / assignment / f"{notebook}.ipynb"
        there: list[Found] = []
        try:
            there = _notebooks_at(student, path, siblings)
            reasons = _strangers(path.parent.parent, known, assignment)
            if not there and path.parent.is_dir():
                reasons.append(_no_notebook(path, siblings))
        except Exception as error:  # One folder's trouble is never another's.
            said = getattr(error, "strerror", None) or error or type(error).__name__
            reasons = [f"{path.parent} cannot be read: {said}. Mend its permissions, and run again."]
        found += there
        handed_in = [Misplaced(student, reason, True) for reason in reasons]
        misplaced += handed_in
        if students is not None and not there and not handed_in:
            reason = f"{path.parent.parent} holds nothing for {assignment}. Collect it first."
            misplaced.append(Misplaced(student, reason))
    wrong = {name: reason for names in look_alikes(everyone) for name, reason in _alike(names, course)}
    misplaced += [Misplaced(each.student, wrong[each.student]) for each in found if each.student in wrong]
    return Discovery(tuple(found), tuple(misplaced))


def _siblings(course: Course, assignment: str) -> set[str]:
    """Return the names of an assignment's other notebooks, none of which stands for this one."""
    return {unit.rpartition("/")[2] for unit in notebooks_of(course, assignment)} if course.adopted else set()


def _notebooks_at(student: str, path: Path, siblings: set[str]) -> list[Found]:
    """Return the submission whose notebook should be at ``path``, or else another notebook of that folder."""
    if first_link(path) != path:
        return [Found(student, path)]  # It is refused; what lies where the link leads is not even listed.
    others = tuple(each for each in beside(path) if each.stem not in siblings)
    if path.is_symlink() or path.exists():
        return [Found(student, path, others)]
    if not others:
        return []
    name = on_one_line(str(others[0].relative_to(path.parent)))
    return [Found(student, others[0], others[1:], f"{name} was graded, though it is not called {path.name}.")]


def _folders(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return []
    return [entry for entry in path.iterdir() if _is_folder(entry) and not entry.name.startswith(".")]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _alike(names: Sequence[str], course: Course) -> Iterator[tuple[str, str]]:
    """Yield folders whose names differ only in case or Unicode form: one student's, or two that some disks merge."""
    listed = " and ".join(f"'{name}' ({name!a})" for name in names)
    for name in names:
        yield (
            name,
            f"{course.submitted}: {listed} differ only in case or Unicode form; both are graded. Rename one of them.",
        )


def _nobodys(folder: str, course: Course) -> Misplaced:
    """Return the report on a folder that is left aside: its name cannot be a student's id."""
    shown = on_one_line(folder)
    return Misplaced(
        shown if len(shown) <= LONGEST_NAME else f"{shown[:40]}…",
        f"{course.submitted}: the name of this folder cannot be a student's id: use 1 to {LONGEST_NAME} printable "
        "characters. It was left aside. Rename it, and run again.",
    )


def _unknown(student: str, everyone: Sequence[str], course: Course) -> str:
    close = difflib.get_close_matches(student, everyone, n=1)
    guess = f" Did you mean {close[0]}?" if close else " Check the name."
    return f"There is no student '{student}' in {course.submitted}.{guess}"


def _no_notebook(path: Path, siblings: set[str]) -> str:
    there = sorted(on_one_line(each.name) for each in path.parent.iterdir() if not each.name.startswith("."))
    listed = ", ".join(there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
    what = "is not this notebook" if {Path(name).stem for name in there} & siblings else "is not a notebook"
    held = f"there is only {listed}, which {what}" if there else "its folder is empty"
    return f"{path} does not exist; {held}. Ask for the notebook, or collect it again."


def _strangers(folder: Path, known: set[str], assignment: str) -> list[str]:
    """Return a sentence for each folder whose name resembles ``assignment`` but is not an assignment's name."""
    names = sorted(entry.name for entry in _folders(folder) if entry.name not in known)
    return [
        f"{folder / on_one_line(name)} is not named after an assignment. "
        f"If it is {assignment}, rename it and run again."
        for name in names
        if difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6) == [assignment]
    ]


# ---- one notebook for each student


def settle(discovery: Discovery, assignment: Assignment, others: Callable[[], Catalogue]) -> Discovery:
    """Return ``discovery`` with one notebook for each student; where the choice is not clear, a person decides.

    Folders with a single notebook, nearly all of them, are not read here.
    """
    found: list[Found] = []
    misplaced = list(discovery.misplaced)
    for each in discovery.found:
        if not each.others:
            found.append(each)
            continue
        try:
            path, remark = choose(each.path, assignment, others)
        except UnreadableSubmission as error:
            misplaced.append(Misplaced(each.student, str(error), True))
        except Exception as error:  # One folder's trouble is never another's.
            reason = f"{each.path.parent} cannot be read ({type(error).__name__}: {error}). Look at its notebooks."
            misplaced.append(Misplaced(each.student, reason, True))
        else:
            found.append(replace(each, path=path, remark=remark or each.remark))
    return Discovery(tuple(found), tuple(misplaced))


# ---- the cache of assignments


def load_cached_assignment(course: Course, name: str) -> Assignment:
    """Return what :func:`load_assignment` returns, from a copy that is kept until a file of the assignment changes.

    Raises:
        AuthoringError: as ``load_assignment`` does.
    """
    path = course.results / "assignments" / f"{_digest(course, name)}.msgpack"
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Assignment)
    except (OSError, msgspec.MsgspecError):
        assignment = load_assignment(course, name)
    with contextlib.suppress(GradebookError):  # A copy that cannot be kept costs only time.
        write_atomically(path, msgspec.msgpack.encode(assignment))
    return assignment


def _digest(course: Course, name: str) -> str:
    """Return a hash of the content of all files that an assignment is read from."""
    parts = [reading_digest(), name.encode()]
    folder = course.source / (name.partition("/")[0] if course.adopted else name)
    plan = frame_files(course) if course.adopted else []
    for path in sorted([*folder.glob("*.ipynb"), *folder.rglob("*.py"), *plan]) if ".." not in name else []:
        parts += [path.name.encode(), path.read_bytes()]
    return digest(*parts)

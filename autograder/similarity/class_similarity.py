"""The comparison of a class's submissions with each other, with earlier terms and with the course's own answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path

import msgspec

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.collecting.receipts import groups_of
from autograder.course import Course
from autograder.engine.discover import discover
from autograder.engine.known_results import read_file
from autograder.engine.selection import settle
from autograder.errors import CourseError, UnreadableSubmission
from autograder.similarity.comparing import Likenesses, compare
from autograder.similarity.works import Handout, Work
from autograder.submission.alignment import align
from autograder.submission.belonging import catalogue_of
from autograder.submission.notebook_reader import read_submission

__all__ = ["ClassSimilarity", "compare_class"]

_SERIAL = 24
"""The number of submissions up to which a second process would cost more than it saves."""


class ClassSimilarity(msgspec.Struct, frozen=True):
    """The outcome of a comparison: what was compared, and how alike it is.

    Attributes:
        assignment: the assignment that was handed in.
        works: the work of each student, by id; works of other terms and the references by their names.
        comparison: the likenesses between them.
        left_out: those who could not be compared, and why.
        groups: the number of groups that handed in together; their members are not compared with each other.
        earlier: the number of works of other terms.
    """

    assignment: Assignment
    works: dict[str, Work]
    comparison: Likenesses
    left_out: tuple[tuple[str, str], ...]
    groups: int
    earlier: int

    def lines(self) -> list[str]:
        """Return the report for the terminal."""
        above = self.comparison.above()
        older = f", with {self.earlier} of earlier terms" if self.earlier else ""
        counted = f"{len(above)} {'pair is' if len(above) == 1 else 'pairs are'}" if above else "no pair is"
        head = (
            f"{self.assignment.name}: {self.comparison.compared} submissions compared with each other{older} and with "
            f"the course's own answers; {counted} less likely than chance explains."
        )
        named = [f"  {pair.first} and {pair.second}: {pair.parts[0].part}" for pair in above[:10]]
        return [head, *named, *(f"{name}: not compared. {reason}" for name, reason in self.left_out)]


def compare_class(course: Course, name: str, also: Sequence[Path] = (), workers: int = 2) -> ClassSimilarity:
    """Compare all submissions to the assignment ``name``. Nothing is run, and nothing is written.

    Args:
        course: the course of the class.
        name: the name of the assignment.
        also: folders with submissions of earlier terms.
        workers: processes that read notebooks.

    Raises:
        CourseError: nobody handed in, or a folder does not hold a notebook of the assignment.
        AuthoringError: there is no such assignment.
    """
    assignment = load_assignment(course, name)
    discovery = settle(discover(course, name, assignment.notebook), assignment, partial(catalogue_of, course))
    files = [(each.student, each.path) for each in discovery.found]
    if not files:
        raise CourseError(
            f"Nobody has handed in {name}: {course.submitted} holds nothing for it. Collect it first: "
            "autograder collect DOWNLOAD"
        )
    older = [file for folder in also for file in _earlier(folder, assignment)]
    handout = Handout(assignment)
    found, unread = _works(handout, [*files, *older], workers)
    students = {student: found[student] for student, _ in files if student in found}
    earlier = {label: found[label] for label, _ in older if label in found}
    groups = set(groups_of(course, name).values())
    together = {frozenset(pair) for group in groups for pair in combinations(group, 2)}
    comparison = compare(students, handout.references, earlier, together)
    misplaced = ((each.student, each.reason) for each in discovery.misplaced)
    return ClassSimilarity(
        assignment,
        {**students, **earlier, **handout.references},
        comparison,
        tuple(sorted([*unread, *misplaced])),
        len(groups),
        len(earlier),
    )


def _earlier(folder: Path, assignment: Assignment) -> list[tuple[str, Path]]:
    """Return the submissions in a folder of another term, each by the folder's name and its own place."""
    root = folder.resolve()
    paths = sorted(
        path for path in root.rglob(f"{assignment.notebook}.ipynb") if ".ipynb_checkpoints" not in path.parts
    )
    if not paths:
        raise CourseError(
            f"{folder} holds no {assignment.notebook}.ipynb. Name the folder that held the submissions of that term, "
            "such as its submitted/."
        )
    term = root.parent.name if root.name == "submitted" else root.name
    return [(f"{term}: {_whose(path.relative_to(root), assignment)}", path) for path in paths]


def _whose(path: Path, assignment: Assignment) -> str:
    parts = [part for part in path.parts[:-1] if part not in (assignment.name, "submitted")]
    return "/".join(parts) or path.stem


def _works(
    handout: Handout, files: Sequence[tuple[str, Path]], workers: int
) -> tuple[dict[str, Work], list[tuple[str, str]]]:
    """Return what everybody wrote, and who could not be read."""
    if len(files) <= _SERIAL or workers < 2:
        answers: Iterable[Work | str] = [_work(handout, path) for _, path in files]
    else:
        with ProcessPoolExecutor(workers, initializer=_remember, initargs=(handout.assignment,)) as pool:
            answers = list(pool.map(_remembered_work, [path for _, path in files], chunksize=8))
    named = list(zip((name for name, _ in files), answers, strict=True))
    works = {name: answer for name, answer in named if not isinstance(answer, str)}
    return works, [(name, answer) for name, answer in named if isinstance(answer, str)]


_handout: list[Handout] = []
"""The one assignment that a worker reads submissions to."""


def _remember(assignment: Assignment) -> None:
    _handout[:] = [Handout(assignment)]


def _remembered_work(path: Path) -> Work | str:
    return _work(_handout[0], path)


def _work(handout: Handout, path: Path) -> Work | str:
    """Return the work in a file, or why it cannot be read."""
    try:
        return handout.work(align(read_submission(read_file(path), str(path)), handout.assignment))
    except UnreadableSubmission as error:
        return str(error)
    except Exception as error:  # One file's trouble is never another's.
        return f"{path} cannot be read ({type(error).__name__}: {error}). Look at the file."

"""The same notebooks graded by nbgrader itself and here, check by check.

nbgrader runs in a copy of the course, and only on the instructor's solution, the blank notebook and mechanical changes
of the solution: no student's code is run without isolation. Its part is a process of its own:
``python -m autograder.adopting.beside_nbgrader ROOT ASSIGNMENT...`` prints one JSON object.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from autograder.adopting.trial import attempts_at
from autograder.authoring.adopted import autotests_path, load_adoption, notebooks_of
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import ADOPTED_NAME, Course
from autograder.engine.api import grade_assignments
from autograder.engine.progress import Silent
from autograder.errors import AutograderError
from autograder.submission.model import Submission

__all__ = ["ComparedCheck", "Race", "SideBySide", "by_nbgrader", "compare_with_nbgrader", "main", "race"]

_MOST_WRONG = 3
_STEPS = ("Autograde", "GenerateAssignment", "GenerateFeedback", "HTMLExporter")


class ComparedCheck(msgspec.Struct, frozen=True):
    """A check, and the points that it gave to each notebook.

    Attributes:
        unit: the notebook of the course.
        check: its grade id.
        points: the most that it gives.
        level: the level at which it is graded here.
        theirs, ours: points by attempt.
    """

    unit: str
    check: str
    points: float
    level: str
    theirs: dict[str, float | None]
    ours: dict[str, float | None]

    @property
    def differing(self) -> list[str]:
        """The attempts to which the two gave different points."""
        return [name for name, points in self.theirs.items() if self.ours.get(name) != points]


class SideBySide(msgspec.Struct, frozen=True):
    """The checks of a course, and the seconds that a submission took.

    Attributes:
        checks: in the course's order.
        attempts: the names of the notebooks that were graded.
        their_seconds, our_seconds: for one submission to all assignments, in the mean.
    """

    checks: list[ComparedCheck]
    attempts: list[str]
    their_seconds: float
    our_seconds: float

    def lines(self) -> Iterator[str]:
        """Yield a table in Markdown: points given by nbgrader, and those given here where they are others."""
        yield from self.table()
        yield (
            f"One submission took nbgrader {self.their_seconds:.1f} s, and this grader {self.our_seconds:.1f} s,"
            " starting included."
        )

    def table(self) -> Iterator[str]:
        """Yield the same without the times, which differ from run to run."""
        yield f"| notebook | check | points | level | {' | '.join(self.attempts)} |"
        yield f"|---|---|---|---|{'---|' * len(self.attempts)}"
        for each in self.checks:
            cells = " | ".join(_cell(each, name) for name in self.attempts)
            yield f"| {each.unit} | {each.check} | {each.points:g} | {each.level} | {cells} |"
        differing = sum(bool(each.differing) for each in self.checks)
        yield ""
        yield f"{len(self.checks)} checks, {len(self.attempts)} notebooks each: {differing} checks differ."


def _cell(check: ComparedCheck, name: str) -> str:
    theirs, ours = check.theirs.get(name), check.ours.get(name)
    shown = "–" if theirs is None else f"{theirs:g}"
    return shown if theirs == ours else f"{shown} → {'–' if ours is None else f'{ours:g}'}"


def compare_with_nbgrader(course: Course, folder: Path, missing_ok: Sequence[str] = ()) -> SideBySide:
    """Grade the solution, the blank notebook and wrong ones with nbgrader and here.

    Args:
        course: an adopted one.
        folder: an empty one to work in.
        missing_ok: layers of the sandbox that may be missing, by name.

    Raises:
        AuthoringError: the course cannot be read.
        AutograderError: nbgrader failed; the message tells how.
    """
    theirs, copy = _copies(course, folder)
    names = copy.assignments()
    attempts = _hand_in(copy, names, _released(theirs, names), theirs)
    found = by_nbgrader(theirs, names, "grade")
    shutil.copytree(theirs / copy.config.directories.submitted, copy.submitted)
    ours_seconds = _our_seconds(copy, names, missing_ok) / len(attempts)
    own = _auto_scores(copy.gradebook_url, names)
    checks = list(_compared(copy, names, attempts, found["scores"], own))
    return SideBySide(checks, attempts, found["seconds"] / len(attempts), ours_seconds)


def _copies(course: Course, folder: Path) -> tuple[Path, Course]:
    """Return two copies of a course without submissions: one for nbgrader, one that is adopted."""
    theirs, ours = folder / "nbgrader", folder / "here"
    source, adoption = course.config.directories.source, load_adoption(course)
    for root in (theirs, ours):
        shutil.copytree(course.source, root / source)
        for name in ("nbgrader_config.py", "autotests.yml", adoption.header, adoption.footer):
            if name and (course.root / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(course.root / name, root / name)
    for name in ("course.toml", ADOPTED_NAME):
        shutil.copyfile(course.root / name, ours / name)
    copy = Course.find(ours)
    if autotests_path(course, "").is_dir():
        shutil.copytree(autotests_path(course, ""), autotests_path(copy, ""))
    return theirs, copy


def _released(theirs: Path, names: Sequence[str]) -> Path:
    return Path(by_nbgrader(theirs, names, "release")["release"])


def _our_seconds(course: Course, names: Sequence[str], missing_ok: Sequence[str]) -> float:
    started = time.perf_counter()
    reports = grade_assignments(course, names, workers=1, missing_ok=missing_ok, progress=Silent())
    seconds = time.perf_counter() - started
    failed = [each for report in reports for each in report.submissions if each.kind != "graded"]
    if failed:  # A comparison of a part would pass for one of the whole.
        said = "; ".join(f"{each.student}: {each.kind}. {each.reason}" for each in failed)
        raise AutograderError(f"Here {len(failed)} notebooks were not graded, so nothing can be compared: {said}")
    return seconds


class Race(msgspec.Struct, frozen=True):
    """The seconds that a class of ``students`` took with nbgrader and here, starting included, one after the other."""

    students: int
    theirs: float
    ours: float


def race(course: Course, folder: Path, students: int, missing_ok: Sequence[str] = ()) -> Race:
    """Let a class hand in the solution of all assignments, each student with a remark of their own, and grade it twice.

    Args:
        course: an adopted one.
        folder: an empty one to work in.
        students: the size of the class.
        missing_ok: layers of the sandbox that may be missing, by name.

    Raises:
        AutograderError: as `compare_with_nbgrader`.
    """
    theirs, copy = _copies(course, folder)
    names = copy.assignments()
    release, submitted = _released(theirs, names), copy.config.directories.submitted
    for unit in [unit for name in names for unit in notebooks_of(copy, name)]:
        assignment = load_assignment(copy, unit)
        right = next(attempts_at(assignment)).submission
        first = next(iter(assignment.exercises), "")
        for number in range(students):
            remarked = (
                msgspec.structs.replace(c, source=f"{c.source}\n# student {number}") if c.grade_id == first else c
                for c in right.cells
            )
            own = msgspec.structs.replace(right, cells=tuple(remarked))
            target = theirs / submitted / f"s{number:03}" / f"{unit}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(release / f"{unit}.ipynb", own), encoding="utf-8")
    shutil.copytree(theirs / submitted, copy.submitted)
    seconds = by_nbgrader(theirs, names, "grade")["seconds"]
    return Race(students, seconds, _our_seconds(copy, names, missing_ok))


def _compared(
    course: Course, names: Sequence[str], attempts: Sequence[str], theirs: dict[str, Any], ours: dict[str, Any]
) -> Iterator[ComparedCheck]:
    adoption = load_adoption(course)
    for unit in [unit for name in names for unit in notebooks_of(course, name)]:
        for cell in load_assignment(course, unit).checks:
            key = f"{unit}/{cell.grade_id}"
            yield ComparedCheck(
                unit,
                cell.grade_id,
                cell.points,
                adoption.checks[unit][cell.grade_id].level,
                {name: theirs.get(name, {}).get(key) for name in attempts},
                {name: ours.get(name, {}).get(key) for name in attempts},
            )


def _hand_in(course: Course, names: Sequence[str], release: Path, theirs: Path) -> list[str]:
    """Write what imaginary students hand in: nbgrader's released notebooks, filled in. Return their names."""
    submitted, students = theirs / course.config.directories.submitted, dict[str, None]()
    for name in names:
        for unit in notebooks_of(course, name):
            assignment = load_assignment(course, unit)
            file = release / name / f"{assignment.notebook}.ipynb"
            for student, submission in _chosen(assignment):
                students[student] = None
                target = submitted / student / name
                target.mkdir(parents=True, exist_ok=True)
                (target / file.name).write_text(_filled(file, submission), encoding="utf-8")
    every = list(students)
    for name in names:  # Whoever has no wrong answer left hands in the solution.
        for student in every:
            for file in sorted((submitted / "solution" / name).glob("*.ipynb")):
                target = submitted / student / name / file.name
                if not target.is_file():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)
    return every


def _chosen(assignment: Assignment) -> Iterator[tuple[str, Submission]]:
    right, blank, *wrong = attempts_at(assignment)
    yield "solution", right.submission
    yield "blank", blank.submission
    step = max(1, len(wrong) // _MOST_WRONG)
    for number, each in enumerate(wrong[::step][:_MOST_WRONG], 1):
        yield f"wrong-{number}", each.submission


def _filled(released: Path, submission: Submission) -> str:
    notebook = json.loads(released.read_text(encoding="utf-8"))
    work = {cell.grade_id: cell.source for cell in submission.cells if cell.kind == "exercise"}
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if grade_id in work:
            cell["source"] = work[grade_id]
    return json.dumps(notebook)


def by_nbgrader(root: Path, names: Sequence[str], what: str) -> dict[str, Any]:
    """Let nbgrader itself ``release`` or ``grade`` assignments of the course at ``root``. Return what `main` printed.

    Raises:
        AutograderError: nbgrader failed; the message tells how.
    """
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    command = [sys.executable, "-P", "-m", "autograder.adopting.beside_nbgrader", str(root), what, *names]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, env=environment, check=False)
    if done.returncode:
        raise AutograderError(f"nbgrader itself failed on this course: {done.stderr.strip()[-1500:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _auto_scores(url: str, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Return the points that each check gave, by student, and by notebook and check."""
    from nbgrader.api import Gradebook

    found: dict[str, dict[str, float | None]] = {}
    with Gradebook(url) as gradebook:
        for name in names:
            for submission in gradebook.assignment_submissions(name):
                own = found.setdefault(submission.student.id, {})
                for notebook in submission.notebooks:
                    for grade in notebook.grades:
                        own[f"{name}/{notebook.name}/{grade.name}"] = grade.auto_score
    return found


def main(root: str, what: str, *names: str) -> None:
    """Let nbgrader release, or autograde, the assignments ``names`` of the course at ``root``."""
    import contextlib
    import io

    from nbgrader.apps.api import NbGraderAPI

    from autograder.gradebook.lateness import nbgrader_configuration

    config = nbgrader_configuration(Path(root))
    for section in _STEPS:  # If the course is isolated already, this is nbgrader without it.
        config.pop(section, None)
    for trait in ("ignore", "db_url"):
        config.CourseDirectory.pop(trait, None)
    config.CourseDirectory.root = root
    config.Exchange.root = str(Path(root) / "exchange")
    api = NbGraderAPI(config=config)
    logging.disable(logging.WARNING)
    answer: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        if what == "release":
            _update(Path(root) / api.coursedir.source_directory)
            for name in names:
                _must(api.generate_assignment(name, force=True))
            answer["release"] = str(Path(root) / api.coursedir.release_directory)
        else:
            started = time.perf_counter()
            for name in names:
                for student in sorted(api.get_submitted_students(name)):
                    _must(api.autograde(name, student))
            answer["seconds"] = time.perf_counter() - started
            answer["scores"] = _auto_scores(api.coursedir.db_url, names)
    sys.stdout.write(json.dumps(answer) + "\n")


def _update(source: Path) -> None:
    """Bring the marks of old notebooks up to date, as `nbgrader update` does: nbgrader refuses them otherwise."""
    import nbformat
    from nbgrader.nbgraderformat import MetadataValidator

    for path in source.glob("*/*.ipynb"):
        notebook = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
        nbformat.write(MetadataValidator().upgrade_notebook_metadata(notebook), path)  # type: ignore[no-untyped-call]


def _must(answer: dict[str, Any]) -> None:
    if not answer["success"]:
        raise RuntimeError(f"{answer.get('log')}\n{answer.get('error')}"[-4000:])


if __name__ == "__main__":
    main(*sys.argv[1:])

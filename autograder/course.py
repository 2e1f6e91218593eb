"""A course: its folders, its configuration (``course.toml``) and its secret."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.deadlines import Extension, LatePolicy, read_settings
from autograder.errors import CourseError
from autograder.roster import FILE_NAME as ROSTER_NAME
from autograder.roster import Roster
from autograder.secrets import Secret
from autograder.settings import AssignmentSettings, CourseConfig

__all__ = ["Course"]

FILE_NAME = "course.toml"
ADOPTED_NAME = "adopted.toml"
SECRET_NAME = ".course-secret"


class Course:
    """A course on disk.

    Attributes:
        root: the folder that holds course.toml.
        config: the validated configuration.
    """

    def __init__(self, root: Path, config: CourseConfig) -> None:
        self.root = root
        self.config = config

    def __repr__(self) -> str:
        return f"Course({self.id!r} at {self.root})"

    @classmethod
    def find(cls, path: Path | str | None = None) -> Course:
        """Return the course whose course.toml is in ``path`` (default: here) or in the nearest folder above it.

        Raises:
            CourseError: there is no course.toml, or it is wrong; names the key.
        """
        start = Path(path or ".").resolve()
        for folder in (start, *start.parents):
            if (folder / FILE_NAME).is_file():
                return cls(folder, read_settings(folder / FILE_NAME, CourseConfig))
        raise CourseError(
            f"There is no {FILE_NAME} in {start} or above it. Go to the course's folder, or name it with --course."
        )

    @property
    def id(self) -> str:
        """The course's name, as in nbgrader's ``course_id``."""
        return self.config.id

    @cached_property
    def secret(self) -> Secret:
        """The course secret: fixed for a test course, else made on first use beside course.toml."""
        if self.config.fixed_secret:
            return Secret.fixed(self.config.fixed_secret)
        return Secret.load_or_make(self.root / SECRET_NAME)

    @property
    def gradebook_url(self) -> str:
        """The gradebook's database URL; by default SQLite's ``gradebook.db`` beside course.toml."""
        return self.config.gradebook or f"sqlite:///{self.root / 'gradebook.db'}"

    @cached_property
    def adopted(self) -> bool:
        """True if this is an adopted nbgrader course, whose notebooks are graded as they are (docs/adopting.md)."""
        return (self.root / ADOPTED_NAME).is_file()

    def _folder(self, name: str) -> Path:
        return (self.root / name).resolve()

    @property
    def source(self) -> Path:
        """The folder in which instructors edit (``solutions/``)."""
        return self._folder(self.config.directories.source)

    @property
    def release(self) -> Path:
        """The folder of the notebooks that students get (``notebooks/``)."""
        return self._folder(self.config.directories.release)

    @property
    def submitted(self) -> Path:
        """The folder of the students' work: ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``."""
        return self._folder(self.config.directories.submitted)

    @property
    def autograded(self) -> Path:
        """The folder of graded notebooks, as nbgrader lays them out."""
        return self._folder(self.config.directories.autograded)

    @property
    def feedback(self) -> Path:
        """The folder of feedback: a page for each student and assignment."""
        return self._folder(self.config.directories.feedback)

    @property
    def results(self) -> Path:
        """The folder of stored results, the journal, and what else the grader keeps for itself."""
        return self._folder(self.config.directories.results)

    @property
    def data(self) -> Path:
        """The folder of images and datasets that notebooks read, and that the sandbox shows to students' code."""
        return self._folder(self.config.directories.data)

    @property
    def hidden_data(self) -> Path:
        """The folder of data for hidden tests, which only the trusted side reads."""
        return self._folder(self.config.directories.hidden_data)

    def assignments(self) -> list[str]:
        """Return the names of the assignments that have a source, in order."""
        folders = (folder for folder in self.source.glob("*") if not folder.name.startswith("."))
        return sorted(folder.name for folder in folders if any(folder.glob("*.ipynb")))

    def settings(self, assignment: str) -> AssignmentSettings:
        """Return the settings of ``assignment``; defaults where course.toml does not set them."""
        return self.config.assignments.get(assignment, AssignmentSettings())

    def late_policy(self, assignment: str) -> LatePolicy:
        """Return the price of lateness in ``assignment``: its own settings, and the course's where it has none."""
        own, shared = self.settings(assignment), self.config.grading

        def chosen(name: str) -> Any:
            value = getattr(own, name)
            return getattr(shared, name) if value is None else value

        return LatePolicy(**{name: chosen(name) for name in LatePolicy.__struct_fields__})

    def extensions(self, assignment: str, names: Collection[str]) -> list[Extension]:
        """Return the extensions in course.toml for ``assignment`` that are granted to any of ``names``.

        Args:
            names: a student's id, and the group's name if there is one.
        """
        granted: dict[str, dict[str, Extension]] = self.config.extensions
        by_student = [granted.get(name, {}).get(assignment) for name in names]
        by_assignment = [granted.get(assignment, {}).get(name) for name in names]
        return [each for each in (*by_student, *by_assignment) if each is not None]

    def remarks(self) -> list[str]:
        """Return the oddities of course.toml that are not errors, as sentences for the person who grades.

        Settings of a missing assignment may be meant for a later one, or its name is mistyped: then its due date
        applies to nobody.
        """
        known = sorted(folder.name for folder in self.source.glob("*") if folder.is_dir())
        strays = [_stray(name, known) for name in self.config.assignments if name not in known]
        return [*strays, *self._stray_extensions(known)]

    def _stray_extensions(self, known: list[str]) -> Iterator[str]:
        people = self._people()
        for outer, granted in self.config.extensions.items():
            for inner in granted:
                who = inner if outer in known else outer
                if outer not in known and inner not in known:
                    yield (
                        f"{FILE_NAME}, [extensions]: neither {outer} nor {inner} is an assignment, so this has no "
                        f"effect. There are: {', '.join(known) or 'none'}."
                    )
                elif people and who not in people:
                    yield f"{FILE_NAME}, [extensions]: {who} is neither a student nor a group of {ROSTER_NAME}."

    def _people(self) -> set[str]:
        """Return the ids and groups of the roster; none if it is missing or wrong, which others report."""
        path = self.root / ROSTER_NAME
        try:
            students = Roster.read(path).students if path.is_file() else ()
        except CourseError:
            return set()
        return {name for each in students for name in (each.id, each.group) if name}


def _stray(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    guess = f" Did you mean {close[0]}?" if close else ""
    listed = ", ".join(known) or "none"
    return (
        f"{FILE_NAME}, [assignments.{name}]: there is no such assignment yet, so what it says counts for none of them."
        f"{guess} There are: {listed}."
    )

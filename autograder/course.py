"""A course: its folders, its configuration (``course.toml``) and its secret."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec

from autograder.errors import CourseError
from autograder.secrets import Secret

__all__ = ["AssignmentSettings", "AuthoringSettings", "Course", "CourseConfig", "Directories", "GradingSettings"]

FILE_NAME = "course.toml"
SECRET_NAME = ".course-secret"
Positive = Annotated[float, msgspec.Meta(gt=0)]


class Directories(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where things are, relative to the folder that holds course.toml; the names are nbgrader's."""

    source: str = "solutions"
    release: str = "notebooks"
    submitted: str = "submitted"
    autograded: str = "autograded"
    feedback: str = "feedback"
    results: str = ".autograder"
    data: str = "data/course"
    hidden_data: str = "data/hidden"


class AssignmentSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a course decides about one assignment.

    Attributes:
        due: the moment after which a submission is late; a time without a zone is UTC.
        optional: an optional assignment can only help a student's total.
    """

    due: dt.datetime | None = None
    optional: bool = False


class GradingSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What one submission may use.

    Attributes:
        cell_seconds: wall time for one cell.
        check_seconds: wall time for one check.
        total_seconds: wall time for the whole submission.
        memory_mb: memory beyond what the warm process already holds, in MiB.
        late_penalty_per_day: share of the points earned that each started day late costs, 0 to 1.
    """

    cell_seconds: Positive = 30.0
    check_seconds: Positive = 20.0
    total_seconds: Positive = 300.0
    memory_mb: Annotated[int, msgspec.Meta(ge=64)] = 1024
    late_penalty_per_day: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0


class AuthoringSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the course asks of each of its assignments; the audit holds them to it.

    Attributes:
        points: of every assignment, written answers included; 0 for any number.
        alternatives: the fewest independent right answers to an exercise.
        misconceptions: the fewest named wrong answers to an exercise.
        names: the form of an assignment's name, a regular expression for the whole of it.
    """

    points: Annotated[float, msgspec.Meta(ge=0)] = 33.0
    alternatives: Annotated[int, msgspec.Meta(ge=0)] = 3
    misconceptions: Annotated[int, msgspec.Meta(ge=0)] = 1
    names: str = r"\d\d-[a-z0-9]+(-[a-z0-9]+)*"

    def __post_init__(self) -> None:
        try:
            re.compile(self.names)
        except re.error as error:
            raise ValueError(f"`names` is not a regular expression: {error}") from error


class CourseConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of course.toml. See docs/graders.md for every key."""

    id: str
    title: str = ""
    gradebook: str = ""
    fixed_secret: str = ""
    colab_archive: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s\"]+)?$")] = ""
    directories: Directories = Directories()
    grading: GradingSettings = GradingSettings()
    authoring: AuthoringSettings = AuthoringSettings()
    assignments: dict[str, AssignmentSettings] = msgspec.field(default_factory=dict)
    leaderboard: dict[str, Any] = msgspec.field(default_factory=dict)
    prizes: list[dict[str, Any]] = msgspec.field(default_factory=list)
    announcements: list[str] = msgspec.field(default_factory=list)


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
        """The course whose course.toml is in ``path`` (default: here) or in the nearest folder above it.

        Raises:
            CourseError: no course.toml, or a wrong one; names the key.
        """
        start = Path(path or ".").resolve()
        for folder in (start, *start.parents):
            if (folder / FILE_NAME).is_file():
                return cls(folder, _read(folder / FILE_NAME))
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

    def _folder(self, name: str) -> Path:
        return (self.root / name).resolve()

    @property
    def source(self) -> Path:
        """Where instructors edit (``solutions/``)."""
        return self._folder(self.config.directories.source)

    @property
    def release(self) -> Path:
        """What students get (``notebooks/``)."""
        return self._folder(self.config.directories.release)

    @property
    def submitted(self) -> Path:
        """What students hand in: ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``."""
        return self._folder(self.config.directories.submitted)

    @property
    def autograded(self) -> Path:
        """Graded notebooks, as nbgrader lays them out."""
        return self._folder(self.config.directories.autograded)

    @property
    def feedback(self) -> Path:
        """A page of feedback per student and assignment."""
        return self._folder(self.config.directories.feedback)

    @property
    def results(self) -> Path:
        """Stored results, the journal, and what else the grader keeps for itself."""
        return self._folder(self.config.directories.results)

    @property
    def data(self) -> Path:
        """Images and datasets that notebooks read, and that the sandbox shows to students' code."""
        return self._folder(self.config.directories.data)

    @property
    def hidden_data(self) -> Path:
        """Data for hidden tests, which only the trusted side reads."""
        return self._folder(self.config.directories.hidden_data)

    def assignments(self) -> list[str]:
        """The names of the assignments that have a source, in order."""
        return sorted(folder.name for folder in self.source.glob("*") if any(folder.glob("*.ipynb")))

    def settings(self, assignment: str) -> AssignmentSettings:
        """What the course decides about ``assignment``; defaults where course.toml is silent."""
        return self.config.assignments.get(assignment, AssignmentSettings())

    def remarks(self) -> list[str]:
        """What is odd in course.toml without being wrong, for the person who grades.

        Settings of an assignment that is not there may be announced for later, or a mistyped name: then its due date
        counts for nobody.
        """
        known = sorted(folder.name for folder in self.source.glob("*") if folder.is_dir())
        return [_stray(name, known) for name in self.config.assignments if name not in known]


def _stray(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    guess = f" Did you mean {close[0]}?" if close else ""
    listed = ", ".join(known) or "none"
    return (
        f"{FILE_NAME}, [assignments.{name}]: there is no such assignment yet, so what it says counts for none of them."
        f"{guess} There are: {listed}."
    )


def _read(path: Path) -> CourseConfig:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), CourseConfig)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}. Correct the file.") from error
    except msgspec.ValidationError as error:
        raise CourseError(f"{path}: {error}. Correct that key; docs/graders.md lists them all.") from error

"""A course: its folders, its configuration (``course.toml``) and its secret."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from autograder.deadlines import EXAMPLE, Extension, LatePolicy, read_times
from autograder.errors import CourseError
from autograder.roster import FILE_NAME as ROSTER_NAME
from autograder.roster import Roster
from autograder.secrets import Secret

__all__ = [
    "ADOPTED_NAME",
    "AssignmentSettings",
    "AuthoringSettings",
    "Course",
    "CourseConfig",
    "Directories",
    "ExportSettings",
    "GradingSettings",
    "ServiceSettings",
]

FILE_NAME = "course.toml"
ADOPTED_NAME = "adopted.toml"
SECRET_NAME = ".course-secret"
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]  # The upper bound also refuses TOML's inf.
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Minutes = Annotated[float, msgspec.Meta(ge=0, le=525_600)]
Attempts = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Days = Annotated[float, msgspec.Meta(ge=0, le=3650)]
Unknown = Literal["ask", "no penalty", "one day"]
Counts = Literal["last", "best", "on time", "chosen"]
Shown = Literal["nothing", "points", "brief", "full"]


class Directories(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where things are, relative to the folder that holds course.toml; the names are nbgrader's.

    Attributes:
        source: what instructors edit.
        release: what students get, derived from ``source``.
        submitted: what students hand in.
        autograded: graded notebooks.
        feedback: a page of feedback for each student and assignment.
        results: stored results, the journal, and what else the grader keeps for itself.
        data: images and datasets that notebooks read.
        hidden_data: data of hidden tests, which students' code never sees.
    """

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
        opens: the moment from which it is handed out, in UTC; None at once.
        due: the moment after which a submission is late, in UTC.
        closes: the moment after which the service takes nothing more, in UTC; None for never.
        attempts_per_day, pause_minutes, counts: in place of those of :class:`ServiceSettings`; None leaves theirs.
        optional: an optional assignment can only help a student's total.
        grace_minutes, late_penalty_per_day, late_penalty_fixed, late_penalty_max, late_days_accepted, late_unknown:
            in place of those of :class:`GradingSettings`; None leaves theirs.
    """

    opens: dt.datetime | None = None
    due: dt.datetime | None = None
    closes: dt.datetime | None = None
    attempts_per_day: Attempts | None = None
    pause_minutes: Minutes | None = None
    counts: Counts | None = None
    optional: bool = False
    grace_minutes: Minutes | None = None
    late_penalty_per_day: Share | None = None
    late_penalty_fixed: Share | None = None
    late_penalty_max: Share | None = None
    late_days_accepted: Days | None = None
    late_unknown: Unknown | None = None


class GradingSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What one submission may use.

    Attributes:
        cell_seconds: wall time for one cell.
        check_seconds: wall time for one check.
        total_seconds: wall time for the whole submission.
        memory_mb: memory beyond what the warm process already holds, in MiB.
        follow_through: whether an exercise that fails only because it builds on a wrong one gets its points.
        grace_minutes: minutes past the deadline that do not count as late.
        late_penalty_per_day: share of the points earned that each started day late costs, 0 to 1.
        late_penalty_fixed: share that late work loses at once, whatever the day, 0 to 1.
        late_penalty_max: the largest share that lateness can cost, 0 to 1.
        late_days_accepted: days past the deadline after which work is not accepted: it loses all points.
        late_unknown: what work costs that is late by an unknown time: ``ask`` leaves it to a person, ``no penalty``,
            or ``one day`` as for the first day.
    """

    cell_seconds: Positive = 30.0
    check_seconds: Positive = 20.0
    total_seconds: Positive = 300.0
    memory_mb: Annotated[int, msgspec.Meta(ge=64)] = 1024
    follow_through: bool = True
    grace_minutes: Minutes = 0.0
    late_penalty_per_day: Share = 0.0
    late_penalty_fixed: Share = 0.0
    late_penalty_max: Share = 1.0
    late_days_accepted: Days = 3650.0
    late_unknown: Unknown = "ask"

    def limits(self) -> GradingSettings:
        """The settings that a result depends on: without what lateness costs, which no result holds."""
        return GradingSettings(
            self.cell_seconds, self.check_seconds, self.total_seconds, self.memory_mb, self.follow_through
        )


class ExportSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How grades are handed over to a learning platform.

    Attributes:
        missing: what stands for work that was not handed in: ``empty``, or ``zero`` once it is due.
    """

    missing: Literal["empty", "zero"] = "empty"


class ServiceSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How ``autograder serve`` takes in work, and what it tells.

    Attributes:
        attempts_per_day: graded attempts of one student at one assignment in a day of the course's zone; 0 for any.
        pause_minutes: between two attempts of one student at one assignment.
        counts: the attempt that the gradebook gets: the ``last``, the ``best``, the last ``on time``, the ``chosen``.
        before_due: what feedback shows until the student's deadline: ``nothing``, ``points`` by exercise, ``brief``
            (and visible messages and named misconceptions), or the ``full`` page.
        after_due: the same, from then on.
        upload_mb: the largest file, in MiB.
        exchange: nbgrader's exchange, from which it collects; empty for none.
        check_owner: whether a folder in the exchange must belong to the account that it names.
        staff_group: the JupyterHub group whose members are staff; empty for ``formgrade-`` and the course's id.
    """

    attempts_per_day: Attempts = 10
    pause_minutes: Minutes = 1.0
    counts: Counts = "last"
    before_due: Shown = "brief"
    after_due: Shown = "full"
    upload_mb: Annotated[int, msgspec.Meta(ge=1, le=64)] = 20
    exchange: str = ""
    check_owner: bool = True
    staff_group: str = ""


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
    """The whole of course.toml. docs/graders.md shows the keys in use.

    Attributes:
        id: the course's name for programs, as nbgrader's ``course_id``.
        title: the course's name for people.
        time_zone: in which due dates without a zone are meant, such as ``Europe/London``.
        gradebook: the database's URL; empty for ``gradebook.db`` beside course.toml.
        fixed_secret: the course secret of a test course, which everybody may know; empty for a secret of its own.
        colab_archive: the address from which Google Colab fetches the course's tools and data; empty for none.
        extensions: more time for a student or a group: a moment or a number of days by assignment.
        leaderboard: how boards are made; docs/leaderboard.md has the keys.
        prizes: what can be won on which board.
        announcements: sentences that every board shows.
    """

    id: str
    title: str = ""
    time_zone: str = "UTC"
    gradebook: str = ""
    fixed_secret: str = ""
    colab_archive: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s\"]+)?$")] = ""
    directories: Directories = Directories()
    grading: GradingSettings = GradingSettings()
    export: ExportSettings = ExportSettings()
    authoring: AuthoringSettings = AuthoringSettings()
    serve: ServiceSettings = ServiceSettings()
    assignments: dict[str, AssignmentSettings] = msgspec.field(default_factory=dict)
    extensions: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)  # read by deadlines.read_times
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

    @cached_property
    def adopted(self) -> bool:
        """Whether this is a course of nbgrader's, whose notebooks are graded as they are (docs/adopting.md)."""
        return (self.root / ADOPTED_NAME).is_file()

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
        folders = (folder for folder in self.source.glob("*") if not folder.name.startswith("."))
        return sorted(folder.name for folder in folders if any(folder.glob("*.ipynb")))

    def settings(self, assignment: str) -> AssignmentSettings:
        """What the course decides about ``assignment``; defaults where course.toml is silent."""
        return self.config.assignments.get(assignment, AssignmentSettings())

    def late_policy(self, assignment: str) -> LatePolicy:
        """What lateness costs in ``assignment``: its own settings, and the course's where it has none."""
        own, shared = self.settings(assignment), self.config.grading

        def chosen(name: str) -> Any:
            value = getattr(own, name)
            return getattr(shared, name) if value is None else value

        return LatePolicy(**{name: chosen(name) for name in LatePolicy.__struct_fields__})

    def extensions(self, assignment: str, names: Collection[str]) -> list[Extension]:
        """The extensions in course.toml for ``assignment`` that are granted to any of ``names``.

        Args:
            names: a student's id, and the group's name if there is one.
        """
        granted: dict[str, dict[str, Extension]] = self.config.extensions
        by_student = [granted.get(name, {}).get(assignment) for name in names]
        by_assignment = [granted.get(assignment, {}).get(name) for name in names]
        return [each for each in (*by_student, *by_assignment) if each is not None]

    def remarks(self) -> list[str]:
        """The oddities of course.toml that are not errors, as sentences for the person who grades.

        Settings of an assignment that is not there may be announced for later, or a mistyped name: then its due date
        counts for nobody.
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
        """The ids and groups of the roster; none where there is no roster, or a wrong one, which others will say."""
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


def _read(path: Path) -> CourseConfig:
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return msgspec.convert(read_times(tomllib.loads(text), path), CourseConfig)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path} cannot be read: {error}{_quoted(text, str(error))}. Correct the file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}. Correct the file.") from error
    except msgspec.ValidationError as error:
        raise CourseError(f"{path}: {error}. Correct that key; docs/graders.md lists them all.") from error


def _quoted(text: str, complaint: str) -> str:
    """The line that a complaint of the TOML reader is about, and for a time how to write one."""
    found = re.search(r"at line (\d+)", complaint)
    lines = text.splitlines()
    if not found or int(found[1]) > len(lines):
        return ""
    line = lines[int(found[1]) - 1].strip()
    hint = f". A time is written as {EXAMPLE}" if re.search(r"=\s*\d+[-:.]", line) else ""
    return f", which reads: {line[:120]}{hint}"

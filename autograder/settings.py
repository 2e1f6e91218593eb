"""The keys of course.toml, with their defaults and allowed values."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

import msgspec

__all__ = [
    "ServiceSettings",
    "Shown",
    "AssignmentSettings",
    "AuthoringSettings",
    "CourseConfig",
    "Directories",
    "ExportSettings",
    "GradingSettings",
]

Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]  # The upper bound also refuses TOML's inf.
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Days = Annotated[float, msgspec.Meta(ge=0, le=3650)]
Unknown = Literal["ask", "no penalty", "one day"]
Counts = Literal["last", "best", "on time", "chosen"]
Shown = Literal["nothing", "points", "brief", "full"]
Attempts = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Minutes = Annotated[float, msgspec.Meta(ge=0, le=525_600)]


class Directories(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The course's folders, relative to the one that holds course.toml; the names are nbgrader's.

    Attributes:
        source: the folder in which instructors edit.
        release: the folder of what students get, derived from ``source``.
        submitted: the folder of what students hand in.
        autograded: the folder of graded notebooks.
        feedback: the folder of feedback, a page for each student and assignment.
        results: the folder of stored results, the journal, and what else the grader keeps for itself.
        data: the folder of images and datasets that notebooks read.
        hidden_data: the folder of data for hidden tests, which students' code never sees.
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
    """The course's decisions about one assignment.

    Attributes:
        opens: the moment from which the assignment is handed out, in UTC; None for at once.
        due: the moment after which a submission is late, in UTC.
        closes: the moment after which the service takes nothing more, in UTC; None for never.
        attempts_per_day, pause_minutes, counts, groups: values in place of those of :class:`ServiceSettings`; None
            keeps those.
        optional: whether the assignment is optional: it can only help a student's total.
        grace_minutes, late_penalty_per_day, late_penalty_fixed, late_penalty_max, late_days_accepted, late_unknown:
            values in place of those of :class:`GradingSettings`; None keeps those.
    """

    opens: dt.datetime | None = None
    due: dt.datetime | None = None
    closes: dt.datetime | None = None
    attempts_per_day: Attempts | None = None
    pause_minutes: Minutes | None = None
    counts: Counts | None = None
    groups: bool | None = None
    optional: bool = False
    grace_minutes: Minutes | None = None
    late_penalty_per_day: Share | None = None
    late_penalty_fixed: Share | None = None
    late_penalty_max: Share | None = None
    late_days_accepted: Days | None = None
    late_unknown: Unknown | None = None


class GradingSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The limits of one submission, and the price of lateness.

    Attributes:
        cell_seconds: the wall time for one cell, in seconds.
        check_seconds: the wall time for one check, in seconds.
        total_seconds: the wall time for the whole submission, in seconds.
        memory_mb: the memory beyond what the warm process already holds, in MiB.
        follow_through: whether an exercise that fails only because it builds on a wrong one gets its points.
        grace_minutes: the minutes past the deadline that do not count as late.
        late_penalty_per_day: the share of the points earned that each started day late costs, 0 to 1.
        late_penalty_fixed: the share that late work loses at once, whatever the day, 0 to 1.
        late_penalty_max: the largest share that lateness can cost, 0 to 1.
        late_days_accepted: the days past the deadline after which work is not accepted: it loses all points.
        late_unknown: the price of work that is late by an unknown time: ``ask`` leaves it to a person, ``no penalty``,
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
        """Return the settings that a result depends on: without the price of lateness, which no result holds."""
        return GradingSettings(
            self.cell_seconds, self.check_seconds, self.total_seconds, self.memory_mb, self.follow_through
        )


class ExportSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The settings for handing over grades to a learning platform.

    Attributes:
        missing: the value for work that was not handed in: ``empty``, or ``zero`` once it is due.
    """

    missing: Literal["empty", "zero"] = "empty"


class AuthoringSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The course's rules for each of its assignments; the audit holds them to these.

    Attributes:
        points: the points of every assignment, written answers included; 0 for any number.
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


class ServiceSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The settings of ``autograder serve``: the intake of work, and the feedback.

    Attributes:
        attempts_per_day: the most graded attempts of one student at one assignment in a day of the course's zone; 0 for
            any number.
        pause_minutes: the minutes between two attempts of one student at one assignment.
        counts: the attempt that the gradebook gets: the ``last``, the ``best``, the last ``on time``, the ``chosen``.
        before_due: the feedback until the student's deadline: ``nothing``, ``points`` by exercise, ``brief``
            (and visible messages and named misconceptions), or the ``full`` page.
        after_due: the same, from the deadline on.
        groups: whether a group of students.csv hands in together: what one member hands in counts for all.
        rehearsals_per_day: the most rehearsals of one student's entry to the challenge in a day; 0 for none.
        upload_mb: the largest file, in MiB.
        exchange: the folder of nbgrader's exchange, from which the service collects; empty for none.
        check_owner: whether a folder in the exchange must belong to the account that it names.
        staff_group: the JupyterHub group whose members are staff; empty for ``formgrade-`` and the course's id.
    """

    attempts_per_day: Attempts = 10
    pause_minutes: Minutes = 1.0
    counts: Counts = "last"
    before_due: Shown = "brief"
    after_due: Shown = "full"
    groups: bool = False
    rehearsals_per_day: Attempts = 5
    upload_mb: Annotated[int, msgspec.Meta(ge=1, le=64)] = 20
    exchange: str = ""
    check_owner: bool = True
    staff_group: str = ""


class CourseConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole of course.toml; docs/graders.md shows the keys in use.

    Attributes:
        id: the course's name for programs, as nbgrader's ``course_id``.
        title: the course's name for people.
        time_zone: the zone of due dates that name none, such as ``Europe/London``.
        gradebook: the database's URL; empty for ``gradebook.db`` beside course.toml.
        fixed_secret: the course secret of a test course, which everybody may know; empty for a secret of its own.
        colab_archive: the address from which Google Colab fetches the course's tools and data; empty for none.
        extensions: more time for a student or a group: a moment or a number of days by assignment.
        leaderboard: the settings of boards; docs/leaderboard.md has the keys.
        serve: the settings of the service that takes in work; docs/serving.md has the keys.
        prizes: the prizes, each with the boards on which it can be won.
        announcements: the sentences that every board shows.
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

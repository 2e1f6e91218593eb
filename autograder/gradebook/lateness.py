"""The lateness of a submission, and its price: the one place that decides either.

Boards, feedback, exports, ``autograder grade`` and nbgrader's own steps all ask here. Decisions are kept in the
gradebook beside nbgrader's tables (:class:`Terms`), as a share of the points: the points themselves may change at any
time, because a person grades by hand, and the penalty follows them.

course.toml sets the price, unless nbgrader_config.py names a plugin of the course's own. :class:`PenaltyPerDay` is a
plugin for nbgrader that takes a share per day.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from pathlib import Path

import msgspec
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import Column, Connection, MetaData, String, Table, Text, delete, insert, inspect, select
from traitlets import Float
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.course import Course, LatePolicy
from autograder.errors import CourseError
from autograder.gradebook.stamps import Stamp
from autograder.roster import FILE_NAME, Roster

__all__ = [
    "LatePenalty",
    "LateRules",
    "PenaltyPerDay",
    "Terms",
    "configured_penalty",
    "keep_terms",
    "kept_terms",
    "late_rules",
    "lateness",
    "make_tables",
    "nbgrader_configuration",
    "penalty_of",
]

LatePenalty = Callable[[str, float, float], float | None]
"""A function from a student's id, the notebook's score and the seconds late to the points lost; None for none."""

_OURS = MetaData()
TERMS = Table(
    "autograder_lateness", _OURS, Column("id", String(32), primary_key=True), Column("terms", Text, nullable=False)
)
"""The table of terms, by the key of nbgrader's submitted assignment; nbgrader leaves unknown tables alone."""
ANSWERS = Table(
    "autograder_answers", _OURS, Column("id", String(32), primary_key=True), Column("text", String(64), nullable=False)
)
"""The table of answers: a hash of each, by the key of the nbgrader grade that it got."""


class Terms(msgspec.Struct, frozen=True):
    """The lateness of one submission, as decided last.

    Attributes:
        late: whether it counts as late.
        seconds: the seconds past the deadline, extensions and grace counted; None if not known.
        share: the share lost of the points earned; None where the course's own nbgrader plugin computes the points.
    """

    late: bool = False
    seconds: float | None = 0.0
    share: float | None = 0.0


def lateness(stamp: dt.datetime | None, due: dt.datetime | None) -> float:
    """Return the seconds by which a stamp lies past a deadline, both in UTC without a zone; 0 if either is missing."""
    return 0.0 if stamp is None or due is None else max(0.0, (stamp - due).total_seconds())


def penalty_of(terms: Terms | None, score: float, written: float | None) -> float:
    """Return the points lost out of ``score`` as it stands.

    Args:
        terms: the terms as kept; None if they were never decided.
        score: the notebook's points, by checks and by hand.
        written: the penalty in nbgrader's own column, which counts if only a plugin can compute it.
    """
    lost = (written or 0.0) if terms is None or terms.share is None else terms.share * score
    return min(max(lost, 0.0), max(score, 0.0))


class LateRules:
    """The rules of a course for one assignment.

    Args:
        policy: the price of lateness.
        plugin: a function that computes the points lost instead of ``policy``, as nbgrader's plugins do.
        course, assignment: the place to look up extensions; None for no extensions.
    """

    def __init__(
        self,
        policy: LatePolicy | None = None,
        plugin: LatePenalty | None = None,
        course: Course | None = None,
        assignment: str = "",
    ) -> None:
        self._policy = policy or LatePolicy()
        self._plugin = plugin
        self._course = course
        self._assignment = assignment
        path = course.root / FILE_NAME if course else None
        students = Roster.read(path).students if path and path.is_file() and course and course.config.extensions else ()
        self._groups = {student.id: student.group for student in students if student.group}

    def deadline(self, student: str, due: dt.datetime | None, granted: dt.timedelta | None) -> dt.datetime | None:
        """Return the student's own deadline, in UTC without a zone: the latest that anybody granted, without the grace.

        Args:
            student: nbgrader's id.
            due: the assignment's deadline in the gradebook, which counts where course.toml has none.
            granted: the extension in the gradebook, by nbgrader's ``grant_extension``.
        """
        due = self._due(due)
        if due is None:
            return None
        names = [student, *filter(None, [self._groups.get(student, "")])]
        ours = self._course.extensions(self._assignment, names) if self._course else []
        later = [each.applied(due.replace(tzinfo=dt.UTC)).replace(tzinfo=None) for each in ours]
        return max([due, due + (granted or dt.timedelta()), *later])

    def terms(self, student: str, stamp: Stamp, due: dt.datetime | None, granted: dt.timedelta | None) -> Terms:
        """Return the lateness of a submission with ``stamp``, and what it costs now."""
        deadline = self.deadline(student, due, granted)
        if stamp.fault:
            return Terms(seconds=None)
        if stamp.unknown:
            # The platform compared with its own deadline: whether an extension was kept cannot be told.
            extended = deadline is not None and deadline != self._due(due)
            return Terms(not extended, None, self._share_unknown() if not extended else 0.0)
        seconds = lateness(stamp.at, deadline and deadline + dt.timedelta(minutes=self._policy.grace_minutes))
        if not seconds:
            return Terms()
        return Terms(True, seconds, None if self._plugin else self._policy.share(seconds))

    def question(self, student: str, stamp: Stamp, due: dt.datetime | None, granted: dt.timedelta | None) -> str:
        """Return the sentence for a person who has to decide on a submission's lateness; empty if nobody has to."""
        if stamp.fault:
            return f"{stamp.fault} Until then its lateness is unknown, and it loses no points for it."
        deadline = self.deadline(student, due, granted)
        extended = deadline is not None and deadline != self._due(due)
        costs = self._plugin is not None or not self._policy.free
        if not stamp.unknown or not costs or not (extended or self._policy.late_unknown == "ask"):
            return ""
        why = "has an extension and is marked late by the platform" if extended else "is late"
        return (
            f"it {why}, by an unknown time, and loses no points for it until a person decides: write the time into "
            "timestamp.txt beside the notebook, or set late_unknown in course.toml."
        )

    def lost(self, student: str, score: float, terms: Terms) -> float | None:
        """Return the points lost out of ``score``; None for none, as nbgrader writes it."""
        if terms.share is not None:
            return penalty_of(terms, score, None) or None
        points = self._plugin(student, score, terms.seconds or 0.0) if self._plugin else None
        return None if points is None else min(max(points, 0.0), max(score, 0.0))

    def _due(self, written: dt.datetime | None) -> dt.datetime | None:
        own = self._course.settings(self._assignment).due if self._course else None
        return written if own is None else own.astimezone(dt.UTC).replace(tzinfo=None)

    def _share_unknown(self) -> float:
        return self._policy.share(1.0) if self._policy.late_unknown == "one day" and not self._plugin else 0.0


def make_tables(db: Connection) -> None:
    """Add this package's own tables to nbgrader's database, unless they are there."""
    _OURS.create_all(db, checkfirst=True)


def kept_terms(db: Connection) -> dict[str, Terms]:
    """Return the terms that the gradebook keeps, by key of the submitted assignment; none if only nbgrader wrote it."""
    if not inspect(db).has_table(TERMS.name):
        return {}
    rows = db.execute(select(TERMS.c.id, TERMS.c.terms)).all()
    return {key: msgspec.json.decode(text, type=Terms) for key, text in rows}


def keep_terms(db: Connection, key: str, terms: Terms) -> None:
    """Keep the terms of the submitted assignment ``key``."""
    db.execute(delete(TERMS).where(TERMS.c.id == key))
    db.execute(insert(TERMS).values(id=key, terms=msgspec.json.encode(terms).decode()))


# ---- nbgrader's plugins

_DAY = 24 * 60 * 60
CONFIG_NAME = "nbgrader_config.py"


class PenaltyPerDay(LateSubmissionPlugin):  # type: ignore[misc]
    """A plugin that takes a share of the points earned for each day, or part of a day, that a submission is late."""

    share = Float(0.0, help="Share of the points earned that each started day costs, from 0 to 1.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """Return the points lost: ``share`` of ``score`` for each started day, never more than all of them."""
        if total_seconds_late <= 0 or self.share <= 0:
            return None
        days = math.ceil(total_seconds_late / _DAY)
        return float(min(1.0, self.share * days) * score)


def nbgrader_configuration(root: Path) -> Config:
    """Return the configuration in the course's ``nbgrader_config.py``; empty if there is none.

    Raises:
        CourseError: the file does not run.
    """
    if not (root / CONFIG_NAME).is_file():
        return Config()
    try:
        loaded: Config = PyFileConfigLoader(CONFIG_NAME, path=str(root)).load_config()
        return loaded
    except Exception as error:  # It is a program: anything may go wrong in it.
        raise CourseError(f"{root / CONFIG_NAME} does not run: {error}. Correct it.") from error


def configured_penalty(root: Path) -> LatePenalty:
    """Return the late penalty that nbgrader's own plugin would take in the course at ``root``.

    Raises:
        CourseError: the configuration does not run or names no such plugin.
    """
    return _as_function(_plugin(root))


def late_rules(course: Course, assignment: str) -> LateRules:
    """Return the rules of ``course`` for lateness in ``assignment``.

    course.toml decides the price of lateness, unless nbgrader_config.py names a plugin of the course's own.

    Raises:
        CourseError: as :func:`configured_penalty` does, or students.csv is wrong.
    """
    plugin, policy = _plugin(course.root), course.late_policy(assignment)
    if type(plugin) is PenaltyPerDay:
        named = "share" in plugin.config.PenaltyPerDay
        if named and plugin.share != course.config.grading.late_penalty_per_day:  # A share of nbgrader_config.py's own.
            policy = msgspec.structs.replace(policy, late_penalty_per_day=plugin.share)
        return LateRules(policy, course=course, assignment=assignment)
    if type(plugin) is LateSubmissionPlugin and plugin.penalty_method == "none":
        return LateRules(policy, course=course, assignment=assignment)
    return LateRules(policy, _as_function(plugin), course, assignment)


def _plugin(root: Path) -> LateSubmissionPlugin:
    try:
        step = AssignLatePenalties(config=nbgrader_configuration(root))
        step.init_plugin()
    except CourseError:
        raise
    except Exception as error:  # traitlets raises ImportError, TraitError and more for a wrong plugin.
        raise CourseError(f"{root / CONFIG_NAME}: the late penalty's plugin cannot be used: {error}.") from error
    return step.plugin_inst


def _as_function(plugin: LateSubmissionPlugin) -> LatePenalty:
    def penalty(student: str, score: float, seconds_late: float) -> float | None:
        lost = plugin.late_submission_penalty(student, score, seconds_late)
        return None if lost is None else float(lost)

    return penalty

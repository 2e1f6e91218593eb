"""nbgrader's trait for late penalties: a plugin that takes a share per day, and the plugin that a course has chosen."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Float
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.course import Course
from autograder.errors import CourseError
from autograder.gradebook.lateness import LatePenalty, LateRules

__all__ = ["PenaltyPerDay", "configured_penalty", "late_rules", "nbgrader_configuration"]

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

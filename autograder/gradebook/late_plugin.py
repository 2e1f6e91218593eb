"""Penalties for late submissions: nbgrader's plugin trait, and a plugin that takes a share per day."""

from __future__ import annotations

import math
from pathlib import Path

from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Float
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import CourseError
from autograder.gradebook.write_submission import LatePenalty

__all__ = ["PenaltyPerDay", "configured_penalty", "nbgrader_configuration"]

_DAY = 24 * 60 * 60
CONFIG_NAME = "nbgrader_config.py"


class PenaltyPerDay(LateSubmissionPlugin):  # type: ignore[misc]
    """Takes a share of the points earned for each day, or part of a day, that a submission is late."""

    share = Float(0.0, help="Share of the points earned that each started day costs, from 0 to 1.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """The points lost: ``share`` of ``score`` for each started day, never more than all of them."""
        if total_seconds_late <= 0 or self.share <= 0:
            return None
        days = math.ceil(total_seconds_late / _DAY)
        return float(min(1.0, self.share * days) * score)


def nbgrader_configuration(root: Path) -> Config:
    """What the course's ``nbgrader_config.py`` says; empty if there is none.

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
    """The late penalty that nbgrader itself would use in the course at ``root``.

    Raises:
        CourseError: the configuration does not run or names no such plugin.
    """
    try:
        step = AssignLatePenalties(config=nbgrader_configuration(root))
        step.init_plugin()
    except CourseError:
        raise
    except Exception as error:  # traitlets raises ImportError, TraitError and more for a wrong plugin.
        raise CourseError(f"{root / CONFIG_NAME}: the late penalty's plugin cannot be used: {error}.") from error
    plugin = step.plugin_inst

    def penalty(student: str, score: float, seconds_late: float) -> float | None:
        lost = plugin.late_submission_penalty(student, score, seconds_late)
        return None if lost is None else float(lost)

    return penalty

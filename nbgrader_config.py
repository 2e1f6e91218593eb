"""nbgrader's configuration for this course: its folders, and isolated execution in every command.

With this file in place ``nbgrader autograde``, nbgrader's API and the formgrader's button grade as ``autograder grade``
does: hidden tests never share a process with a student's code.
"""

from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    GetGrades,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from autograder.course import Course
from autograder.gradebook.late_plugin import PenaltyPerDay
from autograder.gradebook.preprocessors import IsolatedExecute, RebuildSubmission, ShowSafely, StripHidden

c = get_config()  # noqa: F821
course = Course.find(Path(__file__).parent)

c.CourseDirectory.course_id = course.id
c.CourseDirectory.root = str(course.root)
c.CourseDirectory.db_url = course.gradebook_url
c.CourseDirectory.source_directory = course.config.directories.source
c.CourseDirectory.release_directory = course.config.directories.release
c.CourseDirectory.submitted_directory = course.config.directories.submitted
c.CourseDirectory.autograded_directory = course.config.directories.autograded
c.CourseDirectory.feedback_directory = course.config.directories.feedback
# Beside each source notebook lie its authors' files, with every answer in them: they must not be copied to a release.
c.CourseDirectory.ignore = [".*", "__pycache__", "*.pyc", "*.py", "feedback"]

c.Autograde.sanitize_preprocessors = [
    RebuildSubmission,
    ClearOutput,
    DeduplicateIds,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    IsolatedExecute,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.GenerateFeedback.preprocessors = [GetGrades, StripHidden, CSSHTMLHeaderPreprocessor]
c.HTMLExporter.preprocessors = [ShowSafely]

c.AssignLatePenalties.plugin_class = PenaltyPerDay
c.PenaltyPerDay.share = course.config.grading.late_penalty_per_day

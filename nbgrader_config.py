"""nbgrader's configuration for this course: its folders, and isolated execution in every command.

With this file in place ``nbgrader autograde``, nbgrader's API and the formgrader's button grade as ``autograder grade``
does: hidden tests never share a process with a student's code.
"""

import os
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    GetGrades,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
)

from autograder.course import Course
from autograder.gradebook.preprocessors import (
    AssignPenalties,
    IsolatedExecute,
    RebuildSubmission,
    SaveScores,
    ShowSafely,
    StripHidden,
)
from autograder.reporting.released import FeedbackExporter

c = get_config()  # noqa: F821
course = Course.find(Path(__file__).parent)

os.umask(0o077)  # Grades, feedback and hidden tests are not for other accounts of the machine.
c.Autograde.permissions = 400
c.GenerateFeedback.permissions = 600

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
    SaveScores,
    AssignPenalties,
    CheckCellMetadata,
]
c.GenerateFeedback.preprocessors = [GetGrades, StripHidden, CSSHTMLHeaderPreprocessor]
c.GenerateFeedback.exporter_class = FeedbackExporter
c.HTMLExporter.preprocessors = [ShowSafely]

# What lateness costs stands in course.toml. A plugin of your own, named in c.AssignLatePenalties.plugin_class, is used
# in its place.

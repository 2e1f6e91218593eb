"""Check a notebook before handing it in: the visible checks, on the student's own computer.

Nothing is isolated here and nothing is hidden: a student runs their own code, as JupyterLab does. Works wherever
Python does.
"""

from autograder.checking.examine import CheckReport, ExerciseState, VisibleCheck, check_notebook
from autograder.checking.show import print_report

__all__ = ["CheckReport", "ExerciseState", "VisibleCheck", "check_notebook", "print_report"]

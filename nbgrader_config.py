"""nbgrader's configuration for this course: its folders, and isolated execution in every command.

With this file in place ``nbgrader autograde``, nbgrader's API and the formgrader's button grade as ``autograder grade``
does: hidden tests never share a process with a student's code. Settings of your own may follow.
"""

from pathlib import Path

from autograder.gradebook.nbgrader_setup import configure

c = get_config()  # noqa: F821
configure(c, Path(__file__).parent)

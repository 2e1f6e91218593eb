"""The desk: written answers graded question by question, in a browser, into nbgrader's own gradebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from autograder.course import Course

__all__ = ["application"]


def application(course: Course) -> Starlette:
    """Return the desk's pages as an ASGI application, to be mounted where only the staff comes in.

    It asks nobody who they are: whoever mounts it does. The name of the person may stand in the request's scope as
    ``autograder.person``; else the pages ask for it.
    """
    from autograder.desk.desk_pages import DeskPages

    return DeskPages(course).application()

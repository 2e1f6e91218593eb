"""The students whom ``[leaderboard]`` names and the course does not have: mistyped, or not there yet."""

from __future__ import annotations

from autograder.challenge.competition_results import FILE_NAME
from autograder.course import Course
from autograder.errors import CourseError, GradebookError, LeaderboardError
from autograder.gradebook.roster_names import full_names
from autograder.leaderboard.competition_boards import read_results
from autograder.leaderboard.configuration import read_boards
from autograder.leaderboard.grades import roster

__all__ = ["find_unknown_students"]


def find_unknown_students(course: Course) -> list[str]:
    """Return a line for each such student, for the person who publishes.

    Raises:
        LeaderboardError: the configuration is wrong.
    """
    boards, known = read_boards(course.config.leaderboard), _everybody(course)
    named = {"excluded": boards.excluded, "withdrawn": boards.withdrawn, "names": boards.names}
    return [
        f"course.toml, [leaderboard] {key}: the course has no student {student!r} yet. Correct the id if mistyped."
        for key, students in named.items()
        for student in sorted(set(students) - known)
    ]


def _everybody(course: Course) -> set[str]:
    """Return everyone whom the course has met: on its roster, in its gradebook, by a submission or in the challenge."""
    folders = course.submitted.iterdir() if course.submitted.is_dir() else ()
    return {*_listed(course), *_graded(course), *_entrants(course), *(folder.name for folder in folders)}


def _listed(course: Course) -> set[str]:
    try:
        return set(full_names(course))
    except CourseError:  # Grading reports what is wrong with the roster; a board does not need it.
        return set()


def _graded(course: Course) -> tuple[str, ...]:
    try:
        return roster(course.gradebook_url)
    except GradebookError:  # The challenge needs no gradebook; every other board has read it by now.
        return ()


def _entrants(course: Course) -> set[str]:
    try:
        return {result.entrant for result in read_results(course.results / FILE_NAME)}
    except LeaderboardError:  # There is no challenge yet; its own board reports what is wrong with its results.
        return set()

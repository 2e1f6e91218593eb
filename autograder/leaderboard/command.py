"""The actions of ``autograder leaderboard``: one function for each purpose, called by the command line."""

from __future__ import annotations

import json
import tomllib
from functools import partial
from pathlib import Path

from rich.console import Console

from autograder.course import Course
from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Board
from autograder.leaderboard.configuration import Prize, read_prizes
from autograder.leaderboard.history import replay_board
from autograder.leaderboard.prizes import prize_changes, what_if
from autograder.leaderboard.pseudonyms import entrant_key
from autograder.leaderboard.publishing import board_of, log_of, write_whole
from autograder.leaderboard.render.gradescope import gradescope_results
from autograder.leaderboard.render.text_table import change_table, terminal

__all__ = ["export_gradescope", "preview", "try_prizes", "verify"]

_LONGEST_NAME = 255


def try_prizes(course: Course, assignment: str | None, rules: Path, console: Console | None = None) -> Board:
    """Show who would win under the ``[[prizes]]`` of another file; nothing is published or recorded.

    Raises:
        LeaderboardError: the file cannot be read, or a prize is wrong.
    """
    board = board_of(course, assignment)
    other = what_if(board, _prizes_of(rules))
    screen = console or Console()
    screen.print(terminal(other))
    screen.print(change_table(prize_changes(board, other), f"Under {rules.name}"))
    return other


def preview(course: Course, assignment: str | None, console: Console | None = None) -> Board:
    """Show what publishing now would change on the board published last, without publishing."""
    board, log = board_of(course, assignment), log_of(course, assignment or "course")
    key = partial(entrant_key, secret=course.secret)
    screen = console or Console()
    screen.print(terminal(board))
    if log.records():
        screen.print(change_table(prize_changes(replay_board(log), board, key), "Since the last time"))
    return board


def verify(course: Course, assignment: str | None, head: str | None = None, console: Console | None = None) -> Board:
    """Check a board's log, replay it, and show the board it leads to.

    Args:
        head: the hash that the published page names; a shortened log does not end with it.

    Raises:
        LeaderboardError: the log was changed or cut, or holds no board.
    """
    log = log_of(course, assignment or "course")
    log.verify(head)
    board = replay_board(log)
    (console or Console()).print(terminal(board))
    return board


def export_gradescope(course: Course, assignment: str | None, output: Path) -> list[Path]:
    """Write ``STUDENT/results.json`` for every entry of a board; return the files."""
    board = board_of(course, assignment)
    rows = (*board.standings, *board.apart)
    for row in rows:
        _check_folder_name(row.entry.entrant)
    written = []
    for row in rows:
        path = output / row.entry.entrant / "results.json"
        write_whole(path, json.dumps(gradescope_results(board, row.entry.entrant), indent=2) + "\n")
        written.append(path)
    return written


def _check_folder_name(entrant: str) -> None:
    """Refuse an id that would leave the output folder, or that no file system takes."""
    if entrant in (".", "..") or "/" in entrant or "\0" in entrant or len(entrant.encode()) > _LONGEST_NAME:
        raise LeaderboardError(
            f"{entrant[:60]!r} cannot name a folder: nothing was written. Correct the student's id in the gradebook."
        )


def _prizes_of(path: Path) -> tuple[Prize, ...]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("prizes")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LeaderboardError(f"{path} cannot be read: {error}. Correct the file.") from error
    if tables is None:
        raise LeaderboardError(f"{path} has no [[prizes]]. Write at least one, as in docs/leaderboard.md.")
    return read_prizes(tables, str(path))

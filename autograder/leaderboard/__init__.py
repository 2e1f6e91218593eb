"""Ranks that can be trusted: standings, prizes, statistics, and what may be shown of them."""

from autograder.leaderboard.challenge import (
    ChallengeResult,
    append_result,
    pack,
    private_board,
    public_board,
    read_results,
)
from autograder.leaderboard.configuration import Adjustment, Boards, Prize, read_boards, read_prizes
from autograder.leaderboard.entry import Attempt, Award, Board, Entry, Standing, Status
from autograder.leaderboard.ladder import Ladder
from autograder.leaderboard.log import Log, Record
from autograder.leaderboard.names import entrant_key, public_names
from autograder.leaderboard.prizes import Change, changes, what_if
from autograder.leaderboard.publishing import FORMATS, board_of, log_of, publish
from autograder.leaderboard.ranking import competition_ranks, standings
from autograder.leaderboard.render import (
    change_table,
    document_schema,
    gradescope_results,
    render_csv,
    render_html,
    render_json,
    render_notebook,
    render_terminal,
    terminal,
)
from autograder.leaderboard.replay import record, replay
from autograder.leaderboard.statistics.measuring import measured
from autograder.leaderboard.watching import watch

__all__ = [
    "FORMATS",
    "Adjustment",
    "Attempt",
    "Award",
    "Board",
    "Boards",
    "ChallengeResult",
    "Change",
    "Entry",
    "Ladder",
    "Log",
    "Prize",
    "Record",
    "Standing",
    "Status",
    "append_result",
    "board_of",
    "change_table",
    "changes",
    "competition_ranks",
    "document_schema",
    "entrant_key",
    "gradescope_results",
    "log_of",
    "measured",
    "pack",
    "private_board",
    "public_board",
    "public_names",
    "publish",
    "read_boards",
    "read_prizes",
    "read_results",
    "record",
    "render_csv",
    "render_html",
    "render_json",
    "render_notebook",
    "render_terminal",
    "replay",
    "standings",
    "terminal",
    "watch",
    "what_if",
]

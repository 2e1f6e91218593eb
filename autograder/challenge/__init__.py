"""The competition's fixed rules, its hidden test, and the run of one entry: trained again, asked, counted outside.

Nothing here ranks: what an entry answered rightly goes, packed, into its result, and from there to the leaderboard.
"""

from autograder.challenge.competition import Competition, Start
from autograder.challenge.entry import Entry
from autograder.challenge.hidden import HiddenTest, hidden_test
from autograder.challenge.packing import pack, unpack
from autograder.challenge.results import ChallengeResult, append_result, read_results, record_results, result_of
from autograder.challenge.rules import RULES, Rules

__all__ = [
    "RULES",
    "ChallengeResult",
    "Competition",
    "Entry",
    "HiddenTest",
    "Rules",
    "Start",
    "append_result",
    "hidden_test",
    "pack",
    "read_results",
    "record_results",
    "result_of",
    "unpack",
]

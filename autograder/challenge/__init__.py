"""The competition's fixed rules, its hidden test, and the run of one entry: trained again, asked, counted outside.

Nothing here ranks: what an entry answered rightly goes, packed, into its result, and from there to the leaderboard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.loading import lazily

if TYPE_CHECKING:
    from autograder.challenge.competition import Competition, Start
    from autograder.challenge.entry import Entry
    from autograder.challenge.hidden import HiddenTest, hidden_test
    from autograder.challenge.packing import pack, unpack
    from autograder.challenge.results import ChallengeResult, append_result, read_results, record_results, result_of
    from autograder.challenge.rules import ENTRY_FUNCTIONS, RULES, Rules

__all__ = [
    "ENTRY_FUNCTIONS",
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

__getattr__ = lazily(
    __name__,
    {
        "ChallengeResult": "results",
        "Competition": "competition",
        "Entry": "entry",
        "HiddenTest": "hidden",
        "ENTRY_FUNCTIONS": "rules",
        "RULES": "rules",
        "Rules": "rules",
        "Start": "competition",
        "append_result": "results",
        "hidden_test": "hidden",
        "pack": "packing",
        "read_results": "results",
        "record_results": "results",
        "result_of": "results",
        "unpack": "packing",
    },
)

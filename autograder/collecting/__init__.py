"""From what a learning platform hands over to ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``; nothing is lost."""

from autograder.collecting.collect import collect
from autograder.collecting.delivered import Delivered, Download
from autograder.collecting.platforms import PLATFORMS, Reading, read_download
from autograder.collecting.receipts import groups_of
from autograder.collecting.report import Collected, Placed, Unplaced
from autograder.collecting.senders import Sender
from autograder.roster import Roster
from autograder.times import time_zone

__all__ = [
    "PLATFORMS",
    "Collected",
    "Delivered",
    "Download",
    "Placed",
    "Reading",
    "Roster",
    "Sender",
    "Unplaced",
    "collect",
    "groups_of",
    "read_download",
    "time_zone",
]

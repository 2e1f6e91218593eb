"""From what a learning platform hands over to ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``; nothing is lost."""

from autograder.collecting.collect import Collected, collect
from autograder.collecting.delivered import Delivered, deliveries, time_zone
from autograder.collecting.roster import Roster
from autograder.collecting.senders import Sender, senders

__all__ = ["Collected", "Delivered", "Roster", "Sender", "collect", "deliveries", "senders", "time_zone"]

"""From what a learning platform hands over to ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``; nothing is lost."""

from autograder.collecting.collect import Collected, collect
from autograder.collecting.delivered import Delivered, deliveries, time_zone
from autograder.collecting.senders import Sender, senders
from autograder.roster import Roster

__all__ = ["Collected", "Delivered", "Roster", "Sender", "collect", "deliveries", "senders", "time_zone"]

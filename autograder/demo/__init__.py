"""A sample class, and the demonstration that grades and ranks it."""

from autograder.demo.notebooks import answered, solutions, written
from autograder.demo.run import run_demo
from autograder.demo.sample_class import Handed, hand_in, sample_class

__all__ = ["Handed", "answered", "hand_in", "run_demo", "sample_class", "solutions", "written"]

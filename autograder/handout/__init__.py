"""The student's kit: what a class gets of a course, without anything that gives an answer away."""

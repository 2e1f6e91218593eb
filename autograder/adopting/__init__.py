"""Courses of nbgrader's, taken over as they are: the needs of each check are found out by trial, and reported."""

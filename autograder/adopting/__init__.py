"""Courses of nbgrader's, taken over as they are: what each check needs is found out by trial, and reported."""

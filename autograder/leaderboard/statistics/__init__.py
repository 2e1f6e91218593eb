"""Intervals, paired tests and rank uncertainty for boards that count right answers."""

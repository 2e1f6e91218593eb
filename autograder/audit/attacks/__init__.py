"""Attacks on the grader: the catalogue, a run of it, and a judgement from outside."""

"""Attacks on the grader: what one is, a run of all of them, and a judgement from outside."""

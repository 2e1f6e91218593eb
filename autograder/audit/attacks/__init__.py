"""Attacks on the grader: what one is, a run of all of them, and a judgement from outside."""

from autograder.audit.attacks.catalogue import Attack, Intake, Pair, Target, Traps, attack, load_catalogue
from autograder.audit.attacks.report import AttackReport, Outcome
from autograder.audit.attacks.run import catalogue_folder, run_attacks

__all__ = [
    "Attack",
    "AttackReport",
    "Intake",
    "Outcome",
    "Pair",
    "Target",
    "Traps",
    "attack",
    "catalogue_folder",
    "load_catalogue",
    "run_attacks",
]

"""Right answers changed mechanically: a change that no check notices is work for the author, or marked equivalent."""

from autograder.audit.mutants.changes import Change, changes
from autograder.audit.mutants.run import Mutant, grade_mutants, mutants_of, read_equivalents, with_mutants

__all__ = ["Change", "Mutant", "changes", "grade_mutants", "mutants_of", "read_equivalents", "with_mutants"]

"""What `autograder similarity` finds of copies planted in a made-up class, on a small scale."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.authoring.assignment import load_assignment
from autograder.bench.planted_copies import measure_detection
from autograder.course import Course

pytestmark = pytest.mark.slow


def test_whole_copies_are_found_in_every_disguise_and_lead_the_list() -> None:
    """The measurement on 300 students, whose figures docs/similarity.md holds, takes a minute."""
    assignment = load_assignment(Course.find(Path(__file__).parents[2]), "02-feature-maps")
    found = measure_detection(assignment, students=70, copies=2)
    whole = [kind for kind in found.found if "one" not in kind and "answer" not in kind]
    assert len(whole) == 4
    assert all(found.found[kind] == (2, 2) for kind in whole)
    assert found.false_among_ten <= 1
    assert found.references_alike[0] == 0

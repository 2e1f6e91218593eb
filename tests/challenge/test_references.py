"""The three reference entries: they are read, they are what their names say, and their table can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autograder.authoring.assignment import load_assignment
from autograder.bench.reference_entries import MeasuredReference, read_references, render_scores
from autograder.challenge.competition_results import REFERENCE_SCORES
from autograder.challenge.entries import RULES, CompetitionEntry
from autograder.course import Course
from autograder.errors import AuthoringError

SOURCE = Course.find(Path(__file__)).source / "07-challenge" / "references.py"


@pytest.mark.parametrize("name", read_references(SOURCE))
def test_an_entry_trains_answers_and_keeps_within_the_room_for_weights(name: str) -> None:
    names: dict[str, object] = {}
    exec(read_references(SOURCE)[name], names)
    model = names["build_model"]()  # type: ignore[operator]
    names["train"](model, torch.rand(20, 1, 28, 28), torch.arange(20) % 10, 1)  # type: ignore[operator]
    with torch.no_grad():
        assert model.eval()(torch.rand(3, 1, 28, 28)).shape == (3, 10)
    assert sum(value.nbytes for value in model.state_dict().values()) <= RULES.weight_bytes


def test_a_file_without_shared_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "references.py").write_text("# %% linear\ndef build_model(): ...\n")
    with pytest.raises(AuthoringError, match="shared"):
        read_references(tmp_path / "references.py")


def test_the_table_gives_mean_and_spread_and_the_reason_of_an_entry_without_score() -> None:
    entries = [
        CompetitionEntry(weights=10, public_right=4, private_right=right, public_images=8, private_images=8)
        for right in (2, 4)
    ]
    runs = [MeasuredReference("linear", entry, (1.0,)) for entry in entries]
    lines = list(render_scores([*runs, MeasuredReference("late", CompetitionEntry(reason="out of time"), (120.0,))]))
    assert lines[2] == "| linear | 10 | 1.0 | 50.00 ± 0.00 % | 37.50 ± 17.68 % |"
    assert "out of time" in lines[3]


def test_the_thresholds_stand_on_the_way_from_the_linear_classifier_to_the_strong_network() -> None:
    score = {each.name: each.private for each in REFERENCE_SCORES}
    low, high = score["linear classifier"], score["strong small network"]
    cells = load_assignment(Course.find(Path(__file__)), "07-challenge").cells
    names: dict[str, object] = {}
    exec(next(cell.source for cell in cells if "THRESHOLDS = (" in cell.source), names)
    shares = [share for share, _ in names["THRESHOLDS"]]  # type: ignore[attr-defined]
    assert shares == [round(200 * (low + k * (high - low) / 6)) / 200 for k in range(1, 6)]

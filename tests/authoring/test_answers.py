"""Named answers are read as text, with the name that the exercise asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.authoring.answers import read_answers
from autograder.errors import AuthoringError

HEADER = "from autograder.authoring.answers import misconception\n\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "misconceptions.py"
    path.write_text(HEADER + text)
    return path


def test_an_answer_carries_its_source_without_the_marker(tmp_path: Path) -> None:
    text = '@misconception(of="double", says="You added two.")\ndef plus_two(x):\n    return x + 2\n'
    (answer,) = read_answers(write(tmp_path, text), "misconception")
    assert (answer.slug, answer.of, answer.text) == ("plus_two", "double", "You added two.")
    names: dict[str, object] = {}
    exec(answer.as_cell, names)
    assert names["double"](5) == 7  # type: ignore[operator]


def test_a_missing_file_holds_no_answers(tmp_path: Path) -> None:
    assert read_answers(tmp_path / "alternatives.py", "alternative") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def bare(x): return x\n", ["line 3", "marked @misconception"]),
        ("x = 1\n", ["line 3", "helpers inside"]),
        ('@misconception(of="f")\ndef g(x): return x\n', ["'g'", "says="]),
        ('@misconception(of="f", says=f"{1}")\ndef g(x): return x\n', ["'g'", "plain strings"]),
        ("def broken(:\n", ["line 3", "Correct the file"]),
        ('@misconception(of="f", says="a")\ndef g(): pass\n' * 2, ["two answers", "'g'"]),
    ],
)
def test_what_cannot_be_read_is_refused_by_line_and_name(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(AuthoringError) as caught:
        read_answers(write(tmp_path, text), "misconception")
    for word in words:
        assert word in str(caught.value)

"""What is printed for people breaks between words on a terminal, and nowhere else."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from autograder.terminal import echo, show

PATH = "/home/ada/courses/convolutional-networks/autumn/submitted/ada/01-convolution/convolution.ipynb"
SENTENCE = (
    f"There is no notebook [of yours] in this folder that could be graded: {PATH} cannot be read. Check the path."
)


def shown(text: str, *, terminal: bool, width: int = 80) -> str:
    stream = io.StringIO()
    show(Console(file=stream, force_terminal=terminal, width=width, color_system=None), text)
    return stream.getvalue()


def test_a_terminal_gets_whole_words_and_whole_paths() -> None:
    lines = shown(SENTENCE, terminal=True).splitlines()
    assert " ".join(lines) == SENTENCE
    assert PATH in lines
    assert all(len(line) <= 80 for line in lines if line != PATH)


def test_an_indentation_is_kept_on_every_line() -> None:
    lines = shown("Look at\n    " + "words and more words " * 9, terminal=True).splitlines()
    assert lines[0] == "Look at"
    assert len(lines) == 4
    assert all(line.startswith(("    words", "    more", "    and")) for line in lines[1:])


def test_a_file_gets_lines_as_they_are() -> None:
    assert shown(SENTENCE, terminal=False) == f"{SENTENCE}\n"


def test_empty_lines_stay() -> None:
    assert shown("a\n\nb", terminal=True) == "a\n\nb\n"


def test_echo_writes_where_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    echo(PATH)
    echo("a remark", err=True)
    assert capsys.readouterr() == (f"{PATH}\n", "a remark\n")


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("order", ["\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "\u202e", "\r", "\x1b", "\u200b"])
def test_no_terminal_obeys_what_is_told(order: str, terminal: bool) -> None:
    words = shown(f"ada{order} handed in\n\tand more", terminal=terminal).split()
    assert words == ["ada", "handed", "in", "and", "more"]

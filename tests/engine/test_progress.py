"""Progress is a live line on a terminal and plain lines elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from autograder.engine.progress import LiveProgress, PlainProgress, progress_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_plain_lines_with_done_rate_and_failures_by_kind() -> None:
    log = io.StringIO()
    with PlainProgress("01-convolution", log, every=0.0) as progress:
        progress.start(4, 0)
        progress.advance("graded")
        progress.advance("unreadable")
        progress.tick()
    line = log.getvalue().splitlines()[0]
    assert line.startswith("01-convolution: 2 of 4 · ")
    assert line.endswith(" left · 1 unreadable")
    assert "\x1b" not in log.getvalue()


def test_a_log_is_not_flooded() -> None:
    log = io.StringIO()
    with PlainProgress("x", log, every=60) as progress:
        progress.start(1000, 0)
        for _ in range(1000):
            progress.advance("graded")
            progress.tick()
    assert len(log.getvalue().splitlines()) == 1


def test_time_left_is_not_guessed_from_stored_results() -> None:
    progress = PlainProgress("x", io.StringIO())
    progress.start(10, 0)
    for _ in range(5):
        progress.advance("stored")
    assert progress.time_left() == "starting"


def test_a_terminal_gets_one_line_that_changes() -> None:
    terminal = Terminal()
    with LiveProgress("x", Console(file=terminal, force_terminal=True, width=100)) as progress:
        progress.start(2, 0)
        progress.advance("graded")
        progress.tick()
        progress.advance("graded")
    assert "1 of 2" in terminal.getvalue()
    assert "2 of 2" in terminal.getvalue()


def test_the_form_follows_the_stream() -> None:
    assert isinstance(progress_for("x", io.StringIO()), PlainProgress)
    assert isinstance(progress_for("x", Terminal()), LiveProgress)

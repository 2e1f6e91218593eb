"""A function in a forked child gives its bytes back, or a reason why not."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from autograder.errors import LayerMissing, MachineryError
from autograder.grading.child import Interrupted, run_in_child


def test_what_the_function_returns_comes_back() -> None:
    assert run_in_child(lambda: b"seven", 5).data == b"seven"


def test_a_result_larger_than_a_pipe_comes_back_whole() -> None:
    data = os.urandom(3_000_000)
    assert run_in_child(lambda: data, 5).data == data


def test_what_the_child_does_to_its_memory_stays_there() -> None:
    seen: list[int] = []

    def spoil() -> bytes:
        seen.append(1)
        return b""

    run_in_child(spoil, 5)
    assert seen == []


def test_the_child_s_use_of_the_processor_is_measured() -> None:
    def spin() -> bytes:
        end = time.process_time() + 0.15
        while time.process_time() < end:
            pass
        return b""

    outcome = run_in_child(spin, 5)
    assert 0.15 <= outcome.cpu_seconds < 2
    assert outcome.peak_rss_bytes > 1_000_000


def test_an_exception_names_its_type_and_place() -> None:
    def wrong() -> bytes:
        return dict[str, bytes]()["missing"]

    with pytest.raises(MachineryError, match=r"KeyError: 'missing'") as caught:
        run_in_child(wrong, 5)
    assert "test_child.py" in str(caught.value)


def test_a_known_failure_keeps_its_message_and_shows_no_frames() -> None:
    def missing() -> bytes:
        raise LayerMissing("seccomp is missing")

    with pytest.raises(MachineryError) as caught:
        run_in_child(missing, 5)
    assert str(caught.value) == "seccomp is missing"


def test_a_child_that_is_killed_names_the_signal() -> None:
    def die() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b"never"

    with pytest.raises(MachineryError, match="SIGKILL"):
        run_in_child(die, 5)


def test_a_child_that_exits_without_a_result_names_the_code() -> None:
    with pytest.raises(MachineryError, match="exit code 5"):
        run_in_child(lambda: os._exit(5), 5)


def test_a_child_past_its_deadline_is_killed() -> None:
    started = time.monotonic()
    with pytest.raises(MachineryError, match=r"longer than 0\.3 s"):
        run_in_child(lambda: time.sleep(60) or b"", 0.3)  # type: ignore[func-returns-value]
    assert time.monotonic() - started < 5


def test_a_child_is_killed_when_the_driver_goes_away() -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with pytest.raises(Interrupted):
        run_in_child(lambda: time.sleep(60) or b"", 30, stop_fd=reader)  # type: ignore[func-returns-value]
    os.close(reader)


def children() -> set[str]:
    """This process's children, dead ones that nobody waited for among them; other tests may keep some."""
    lists = Path("/proc/self/task").glob("*/children")
    return {number for each in lists for number in each.read_text().split()}


def test_no_child_is_left_behind() -> None:
    before = children()
    run_in_child(lambda: b"", 5)
    with pytest.raises(MachineryError):
        run_in_child(lambda: time.sleep(60) or b"", 0.1)  # type: ignore[func-returns-value]
    assert children() == before

"""The codec of the wire under a coverage-guided fuzzer, for a bounded time."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FUZZER = Path(__file__).with_name("fuzz_codec.py")


def fuzzed(corpus: Path, seconds: int) -> int:
    """Runs of the fuzzer in ``seconds``; fails with its report if it finds anything."""
    options = [f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=4096", "-max_len=4096", "-seed=1"]
    command = [sys.executable, str(FUZZER), str(corpus), f"-artifact_prefix={corpus}/found-", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 200, check=False)
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs is not None, done.stderr[-2000:]
    return int(runs[1])


def test_twenty_seconds_of_guided_input_find_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    runs = fuzzed(tmp_path, 20)
    record_property("runs", runs)
    assert runs > 1000


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_ten_minutes_of_guided_input_find_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    runs = fuzzed(tmp_path, 600)
    record_property("runs", runs)
    assert runs > 100_000

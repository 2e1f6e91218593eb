"""A stored result comes back exactly, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from autograder.authoring.assignment import Assignment
from autograder.errors import GradebookError
from autograder.gradebook.journal import ResultStore, result_key
from autograder.grading.grade import not_graded
from autograder.grading.result import GradingUsage, Result, decode_result, encode_result

KEY = result_key("submission", "assignment", "secret")


def test_what_was_put_comes_back(tmp_path: Path, result: Result) -> None:
    store = ResultStore(tmp_path / "results")
    assert store.get(KEY) is None
    store.put(KEY, result)
    assert store.get(KEY) == result


def test_seconds_by_check_are_no_part_of_what_a_result_says(result: Result) -> None:
    timed = replace(result, usage=GradingUsage(checks={"check-double-by-hand": 0.5}))
    assert timed.content() == result.content()
    assert decode_result(encode_result(timed)).usage.checks == {"check-double-by-hand": 0.5}


def test_a_result_that_was_stored_before_checks_were_timed_can_be_read(result: Result) -> None:
    older = json.loads(encode_result(result))
    del older["usage"]["checks"]
    assert decode_result(json.dumps(older).encode()) == result


def test_every_part_of_the_key_counts() -> None:
    parts = ["submission", "assignment", "secret", "1.0"]
    keys = {result_key(*parts)} | {result_key(*[*parts[:i], "other", *parts[i + 1 :]]) for i in range(4)}
    assert len(keys) == 5


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-1], lambda d: b"", lambda d: d.replace(b"1.0", b"2.0"), lambda d: b"{}"]
)
def test_a_damaged_file_counts_as_absent(damage: object, tmp_path: Path, result: Result) -> None:
    store = ResultStore(tmp_path)
    store.put(KEY, result)
    (path,) = tmp_path.glob("*/*.json")
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert store.get(KEY) is None


def test_what_was_not_graded_is_not_stored(tmp_path: Path, assignment: Assignment) -> None:
    with pytest.raises(GradebookError, match="not stored"):
        ResultStore(tmp_path / "results").put(KEY, not_graded(assignment, "key", "worker lost"))
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "ABCDEF0123456789", "zz"])
def test_a_name_that_is_no_key_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(GradebookError, match="not the key of a result"):
        ResultStore(tmp_path).get(key)

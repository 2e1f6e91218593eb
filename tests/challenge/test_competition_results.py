"""The record of entries: whole lines, each submission once, the last outcome of each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from autograder.challenge.competition_results import (
    ChallengeResult,
    append_result,
    read_results,
    record_results,
    result_of,
)
from autograder.challenge.entries import CompetitionEntry, pack
from autograder.errors import LeaderboardError

NOON = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
SCORED = CompetitionEntry(
    weights=9, public=("gA==",), private=("AA==",), public_right=1, public_images=1, private_images=1
)


def test_an_entry_becomes_a_line_for_its_student() -> None:
    one = result_of(SCORED, "ada", NOON)
    assert (one.entrant, one.status, one.public, one.private_images) == ("ada", "scored", SCORED.public, 1)
    refused = result_of(CompetitionEntry(reason="train raised ValueError"), "ada", NOON)
    assert (refused.status, refused.reason, refused.public) == ("failed", "train raised ValueError", ())


def test_a_time_without_a_zone_is_utc() -> None:
    assert result_of(SCORED, "ada", NOON.replace(tzinfo=None)) == result_of(SCORED, "ada", NOON)


def test_recording_twice_changes_nothing(tmp_path: Path) -> None:
    log, one = tmp_path / "challenge.jsonl", result_of(SCORED, "ada", NOON)
    assert record_results(log, [one]) == 1
    before = log.read_bytes()
    assert record_results(log, [one]) == 0
    assert log.read_bytes() == before


def test_a_submission_scored_again_counts_by_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "challenge.jsonl"
    record_results(log, [result_of(SCORED, "ada", NOON)])
    record_results(log, [result_of(CompetitionEntry(reason="train raised ValueError"), "ada", NOON)])
    assert [one.status for one in read_results(log)] == ["failed"]


def test_a_resubmission_is_another_entry(tmp_path: Path) -> None:
    log, later = tmp_path / "challenge.jsonl", NOON + dt.timedelta(hours=1)
    record_results(log, [result_of(SCORED, "ada", later), result_of(SCORED, "ada", NOON)])
    assert [one.at for one in read_results(log)] == [NOON, later]


@pytest.mark.parametrize("cut", range(2, 60, 7))
def test_what_a_killed_writer_left_is_cut_off_and_written_again(tmp_path: Path, cut: int) -> None:
    log = tmp_path / "challenge.jsonl"
    ada, bob = result_of(SCORED, "ada", NOON), result_of(SCORED, "bob", NOON)
    record_results(log, [ada, bob])
    log.write_bytes(log.read_bytes()[:-cut])
    with pytest.raises(LeaderboardError, match="line 2"):
        read_results(log)
    assert record_results(log, [ada, bob]) == 1
    assert read_results(log) == [ada, bob]


def test_a_damaged_line_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    log = tmp_path / "challenge.jsonl"
    append_result(log, result_of(SCORED, "ada", NOON))
    log.write_bytes(b"{}\n" + log.read_bytes())
    before = log.read_bytes()
    with pytest.raises(LeaderboardError, match="line 1"):
        record_results(log, [result_of(SCORED, "bob", NOON)])
    assert log.read_bytes() == before


def test_a_score_without_answers_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "challenge.jsonl"
    append_result(log, ChallengeResult(entrant="ada", at=NOON, public=(pack([True]),)))  # type: ignore[arg-type]
    with pytest.raises(LeaderboardError, match="ada is scored but lacks answers"):
        read_results(log)

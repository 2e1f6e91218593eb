"""The page of somebody who entered the competition, in a real browser: what it tells of the entry, and how it looks."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.challenge.competition_results import append_result, result_of
from autograder.challenge.entries import CompetitionEntry, pack
from autograder.course import Course
from autograder.gradebook.feedback import feedback_page
from autograder.gradebook.notice import BoardName
from autograder.grading.result import CheckResult, Result
from autograder.leaderboard.entrant import entrant_lines
from autograder.submission.alignment import align

ROOT = Path(__file__).resolve().parents[2]
START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
LONG = "weights = " + "torch.zeros(3, 4)@" * 20 + "images"
ROW = BoardName("brisk-heron-417", "07-challenge.html#brisk-heron-417", "challenge.html#brisk-heron-417")


def entry(right: int, reason: str = "", line: str = "") -> CompetitionEntry:
    """An entry with so many of 5,000 public pictures right; with a reason, one without a score."""
    if reason:
        return CompetitionEntry(reason=reason, line=line)
    answers = pack(np.arange(5000) < right)
    return CompetitionEntry(
        weights=71_266, public=(answers,), private=(answers,), public_right=right, private_right=right,
        public_images=5000, private_images=5000,
    )  # fmt: skip


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return load_assignment(Course.find(ROOT), "07-challenge")


def page_of(assignment: Assignment, folder: Path, *entries: CompetitionEntry) -> Path:
    """The page of feedback on the last of a student's entries, handed in an hour apart."""
    record = folder / "challenge.jsonl"
    for hour, each in enumerate(entries):
        append_result(record, result_of(each, "ada", START + dt.timedelta(hours=hour)))
    lines = entrant_lines(record, assignment, "ada", entries[-1], (21.0, 3.0))
    checks = tuple(CheckResult(each.grade_id, each.exercise, 0, each.points, "failed") for each in assignment.checks)
    submission = align(json.loads(assignment.release), assignment)
    result = Result(assignment.name, assignment.key, "", "graded", checks=checks, entry=entries[-1])
    page = feedback_page(assignment, submission, result, student="ada", on_board=ROW, entered=lines)
    (folder / "page.html").write_text(page, encoding="utf-8")
    return folder / "page.html"


def section(page: Any, path: Path) -> Any:
    page.goto(path.as_uri())
    return page.get_by_role("region", name="Your entry to the competition")


def test_all_that_an_entrant_wants_to_know_is_seen(assignment: Assignment, tmp_path: Path, page: Any) -> None:
    own = section(page, page_of(assignment, tmp_path, entry(2980), entry(4217)))
    for told in (
        "21 of 120 s of processor time to train", "3 of 60 s to answer", "71,266 of 100,000 numbers",
        "The Ladder moved, from 2,980", "4,217 of 5,000 public pictures right: 84.34 %", "95 % interval 83.3 to 85.3 %",
        "above the last threshold", "this entry counts",
    ):  # fmt: skip
        assert own.get_by_text(told).is_visible(), told
    assert own.get_by_role("link", name="brisk-heron-417").get_attribute("href") == ROW.competition


def test_the_gap_to_the_next_threshold_is_told(assignment: Assignment, tmp_path: Path, page: Any) -> None:
    own = section(page, page_of(assignment, tmp_path, entry(2980)))
    assert own.get_by_text("From there the next threshold, 60.5 %, is 0.90 points, or 45 pictures, away.").is_visible()


def test_a_worse_counting_entry_is_warned_of_in_a_box(assignment: Assignment, tmp_path: Path, page: Any) -> None:
    own = section(page, page_of(assignment, tmp_path, entry(4217), entry(2618)))
    warning = own.get_by_text("Warning: it is clearly worse")
    assert warning.is_visible()
    ground = "element => getComputedStyle(element).backgroundColor"
    assert warning.evaluate(ground) != own.evaluate(ground)
    assert "2,618" not in own.inner_text()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_crash_shows_the_error_and_the_students_own_line(
    assignment: Assignment, tmp_path: Path, chromium: Any, scheme: Any, width: int
) -> None:
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    own = section(page, page_of(assignment, tmp_path, entry(0, "train raised RuntimeError", LONG)))
    assert own.get_by_text("Your entry has no score: train raised RuntimeError.").is_visible()
    assert own.locator(".message").get_by_text(LONG).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()

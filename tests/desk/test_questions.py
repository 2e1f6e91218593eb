"""Rubric items from a marking scheme, answers that are alike, and how far two graders agree."""

from __future__ import annotations

import math
import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa, to_table

from autograder.authoring.adopted import Adoption
from autograder.authoring.assignment import adopted_assignment
from autograder.course import Course
from autograder.desk import questions
from autograder.desk.questions import agreement, alike, questions_of, start_items

COURSE = Course.find(Path(__file__).parents[2])
POINTS = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])


@pytest.mark.parametrize("name", COURSE.assignments())
def test_the_items_of_a_scheme_come_to_all_points_part_by_part(name: str) -> None:
    for question in questions_of(COURSE, name):
        items = start_items(question)
        parts = {item.part for item in items}
        assert len(items) == 2 * len(parts) == 6
        assert sum(max(item.points for item in items if item.part == part) for part in parts) == question.cell.points
        assert "BEGIN SOLUTION" not in question.scheme


def test_answers_that_differ_in_signs_and_case_are_equal_and_in_a_word_nearly() -> None:
    long = "the kernel is its own mirror image along both of its axes so that flipping it changes nothing at all"
    groups = alike({"a": long, "b": long.upper() + "!", "c": "I do not know.", "d": long.replace("own", "very own")})
    assert [(group.keys, group.equal) for group in groups] == [(("a", "b", "d"), False)]
    assert [group.equal for group in alike({"a": long, "b": f"  {long}."})] == [True]


def test_no_words_are_like_no_words_alone() -> None:
    assert [group.keys for group in alike({"a": "", "b": "…", "c": "something"})] == [("a", "b")]


def test_a_few_answers_as_long_as_books_hold_nobody_up() -> None:
    books = [" ".join(f"w{(book + 1) * word % 999_983}" for word in range(70_000)) for book in range(5)]
    texts = {f"s{number}": f"answer {number} in some words of its own" for number in range(100)}
    texts |= {f"book {number}": book for number, book in enumerate([*books, books[0]])}
    started = time.process_time()
    groups = alike(texts)
    assert time.process_time() - started < 3
    assert [group.keys for group in groups if "book 0" in group.keys] == [("book 0", "book 5")]


@given(st.lists(st.tuples(POINTS, POINTS), min_size=1, max_size=60))
def test_kappa_is_that_of_statsmodels(pairs: list[tuple[float, float]]) -> None:
    first, second = zip(*pairs, strict=True)
    found = agreement(first, second)
    levels = sorted({*first, *second})
    if len(levels) < 2:
        assert math.isnan(found.kappa)
        return
    table, _ = to_table(np.array(pairs), bins=np.array([level - 0.1 for level in levels] + [levels[-1] + 0.1]))
    expected = cohens_kappa(table, return_results=False)
    assert found.kappa == pytest.approx(expected, nan_ok=True)
    distance = np.subtract.outer(levels, levels) ** 2
    assert found.weighted == pytest.approx(cohens_kappa(table, weights=distance, return_results=False), nan_ok=True)


def test_without_a_second_mark_there_is_no_agreement() -> None:
    assert math.isnan(agreement([], []).kappa)


def test_the_questions_of_every_notebook_of_an_adopted_course_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(Path(__file__).parents[1] / "adopting" / "courses" / "texts" / "source", tmp_path / "source")
    (tmp_path / "course.toml").write_text('id = "texts"\n[directories]\nsource = "source"\n')
    (tmp_path / "adopted.toml").write_text("")
    adopted = partial(adopted_assignment, adoption=Adoption())  # without trying each check
    monkeypatch.setattr(questions, "load_cached_assignment", adopted)
    found = questions_of(Course.find(tmp_path), "week1")
    assert [(each.unit, each.name) for each in found] == [
        ("week1/tasks", "draw"),
        ("week1/tasks", "own"),
        ("week1/words", "explain"),
    ]
    assert found[2].path == {"assignment": "week1~words", "question": "explain"}

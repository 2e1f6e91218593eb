"""Marks of several graders at the same moment, and beside nbgrader's own reading of the gradebook."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import nbgrader.api
import pytest

from autograder.course import Course
from autograder.gradebook.mark_rows import ChangedMeanwhile
from autograder.gradebook.store import Gradebook
from autograder.gradebook.written_marks import WrittenMarks

from .conftest import NAME, QUESTION


def test_of_many_who_mark_one_answer_at_once_exactly_one_is_written(course: Course) -> None:
    written = WrittenMarks.of(course)
    ada = written.marks(NAME, QUESTION)[0]

    def give(number: int) -> str:
        try:
            written.give(ada.key, ada.seen, [], f"by {number}", f"grader {number}", points=number / 10)
        except ChangedMeanwhile:
            return ""
        return f"by {number}"

    with ThreadPoolExecutor(8) as pool:
        done = [each for each in pool.map(give, range(16)) if each]
    assert done == [written.marks(NAME, QUESTION)[0].comment]
    written.close()


def test_of_many_who_mark_different_answers_at_once_nothing_is_lost(course: Course) -> None:
    desks = [WrittenMarks.of(course) for _ in range(4)]
    marks = desks[0].marks(NAME, QUESTION)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda desk, mark: desk.give(mark.key, mark.seen, [], "", "g", points=0.5), desks, marks))
    assert [mark.points for mark in desks[0].marks(NAME, QUESTION)] == [0.5] * 4
    for desk in desks:
        desk.close()


def test_nbgrader_and_our_own_commands_count_the_points(course: Course) -> None:
    written = WrittenMarks.of(course)
    ada = written.marks(NAME, QUESTION)[0]
    written.give(ada.key, ada.seen, [], "Well said.", "grader", points=2.5)
    written.close()
    with nbgrader.api.Gradebook(course.gradebook_url) as gradebook:
        submission = gradebook.find_submission(NAME, "ada")
        assert (submission.written_score, submission.needs_manual_grade) == (2.5, False)
        comments = {each.name: each.comment for each in submission.notebooks[0].comments}
        assert comments[QUESTION] == "Well said."
    with Gradebook.of(course) as ours:
        assert ours.totals(NAME)["ada"].points == 2.5


def test_a_gradebook_that_cannot_be_used_is_named(course: Course) -> None:
    (course.root / "gradebook.db").write_bytes(b"nothing of the kind")
    with pytest.raises(Exception, match="is not an SQLite database"):
        WrittenMarks.of(course)

"""A student's errors become errors that a test can catch, with text that can do no harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import AutograderError
from autograder.isolation.failures import OpaqueValue, StudentError, WorkerLost, plain_text, student_error


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, IndexError, ZeroDivisionError, NotImplementedError])
def test_a_known_error_is_caught_as_such(kind: type[Exception]) -> None:
    error = student_error([kind.__name__, "Exception"], "said", "trace")
    assert isinstance(error, kind)
    assert isinstance(error, StudentError)
    assert str(error) == "said"


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "StopIteration", "GeneratorExit", "MemoryError"])
def test_errors_that_would_steer_the_grader_are_only_errors(name: str) -> None:
    error = student_error([name, "BaseException"], "x", "")
    assert type(error) is StudentError
    assert error.type_name == name


def test_the_nearest_known_class_counts() -> None:
    assert isinstance(student_error(["Mine", "OSError", "KeyError", "ValueError"], "", ""), KeyError)


def test_a_quiet_error_has_no_text_of_the_students() -> None:
    error = student_error(["Secret42", "ValueError"], "42", "42", quiet=True)
    assert (error.type_name, error.message, error.traceback, str(error)) == ("ValueError", "", "", "ValueError")


def test_no_error_of_a_student_is_an_error_of_the_grader() -> None:
    for error in (student_error(["ValueError"], "", ""), WorkerLost("timeout"), OpaqueValue("x")):
        assert not isinstance(error, AutograderError)


@pytest.mark.parametrize("reason", ["timeout", "protocol", "killed", "exited"])
def test_a_lost_worker_is_explained_to_the_student(reason: str) -> None:
    lost = WorkerLost(reason)
    assert lost.reason == reason
    assert str(lost).startswith("your code")


@given(st.text(), st.integers(1, 50))
def test_plain_text_is_short_and_has_no_controls(text: str, limit: int) -> None:
    plain = plain_text(text, limit)
    assert len(plain) <= limit
    assert all(character.isprintable() or character in "\n\t" or character.isspace() for character in plain)
    plain.encode()

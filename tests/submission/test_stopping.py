"""Whoever misses a name is told which cell took it along."""

from __future__ import annotations

import pytest

from autograder.submission.model import Stopped, SubmissionCell, cause_of, missing_name, stopped


def cell(source: str, exercise: str = "") -> SubmissionCell:
    kind = "exercise" if exercise else "extra"
    return SubmissionCell(kind, exercise, exercise or "extra-1", source, exercise, "code")  # type: ignore[arg-type]


IMPORTS = stopped(cell("import module_of_nobody\nimport scipy.signal as sg, torch\nTWO = 2"), "ModuleNotFoundError",
                  "No module named 'module_of_nobody'")  # fmt: skip
USES = stopped(
    cell("sg.convolve\nHALF = 1\ndef shift(x):\n    return x", "shift"), "NameError", "name 'sg' is not defined"
)


@pytest.mark.parametrize("name", ["scipy", "sg", "torch", "TWO", "module_of_nobody"])
def test_a_name_of_a_cell_that_stopped_is_traced_to_it(name: str) -> None:
    said = cause_of(name, [IMPORTS])
    assert said == (
        "your cell that begins `import module_of_nobody` stopped with "
        "ModuleNotFoundError: No module named 'module_of_nobody'."
    )


@pytest.mark.parametrize("name", ["shift", "HALF"])
def test_a_cell_that_stopped_for_want_of_a_name_is_not_the_cause(name: str) -> None:
    assert cause_of(name, [IMPORTS, USES]) == cause_of("sg", [IMPORTS])


@pytest.mark.parametrize("name", ["", "other", "con", "x"])
def test_a_name_that_no_such_cell_makes_has_no_cause_here(name: str) -> None:
    assert cause_of(name, [IMPORTS, USES]) == ""


def test_two_cells_that_wait_for_each_other_end_the_search() -> None:
    first = stopped(cell("a = b"), "NameError", "name 'b' is not defined")
    second = stopped(cell("b = a"), "NameError", "name 'a' is not defined")
    assert cause_of("b", [first, second]) != ""


def test_a_process_that_ended_is_told_in_words() -> None:
    ended = stopped(cell("double = 1", "double"), "Stopped", "Your code took too long and was stopped.")
    assert cause_of("double", [ended]) == "your cell of `double` was stopped: your code took too long and was stopped."


@pytest.mark.parametrize(
    ("message", "name"),
    [("name 'x' is not defined", "x"), ("name 'x' is not defined. Did you mean: 'y'?", "x"), ("no", ""), ("", "")],
)
def test_the_name_is_read_from_pythons_words(message: str, name: str) -> None:
    assert missing_name(message) == name


def test_a_message_is_one_short_line() -> None:
    assert len(Stopped.__struct_fields__) == 5
    assert stopped(cell("x"), "ValueError", "a" * 10_000 + "\nb").message == "a" * 300

"""No link is followed on the way from ``submitted/`` to a student's file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import files
from autograder.errors import UnreadableSubmission
from autograder.files import open_handed_in
from autograder.submission.notebook_reader import load


def linked(root: Path, step: int) -> Path:
    """A tree whose student folder (0), assignment folder (1) or file (2) is a link to a real one elsewhere."""
    real = root / "elsewhere" / "anna" / "01-a" / "a.ipynb"
    real.parent.mkdir(parents=True)
    real.write_text('{"cells": []}')
    (root / "submitted").mkdir()
    steps, target = ["bert", "01-a", "a.ipynb"], [real.parents[1], real.parent, real]
    link = root.joinpath("submitted", *steps[: step + 1])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target[step])
    return root.joinpath("submitted", *steps)


@pytest.fixture(params=["openat2", "step by step"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_has_openat2", lambda: request.param == "openat2")


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("step", range(3))
def test_a_link_at_any_step_is_not_followed(tmp_path: Path, step: int) -> None:
    path = linked(tmp_path, step)
    with pytest.raises(OSError) as refusal:
        open_handed_in(path)
    assert refusal.value.errno == errno.ELOOP


@pytest.mark.parametrize("step", range(3))
def test_the_message_names_the_link(tmp_path: Path, step: int) -> None:
    path = linked(tmp_path, step)
    name = [path.parents[1], path.parent, path][step]
    with pytest.raises(UnreadableSubmission, match=rf"^{name} is a symbolic link"):
        load(path)


@pytest.mark.usefixtures("both_ways")
def test_a_file_of_its_own_is_opened_also_where_the_course_lies_behind_a_link(tmp_path: Path) -> None:
    path = tmp_path / "real" / "submitted" / "anna" / "01-a" / "a.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    (tmp_path / "course").symlink_to(tmp_path / "real")
    descriptor = open_handed_in(tmp_path / "course" / "submitted" / "anna" / "01-a" / "a.ipynb")
    assert os.read(descriptor, 10) == b"mine"
    os.close(descriptor)


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: None], ids=["a pipe", "nothing"])
def test_a_pipe_is_not_waited_for_and_what_is_missing_is_said_to_be(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "submitted" / "anna" / "01-a" / "a.ipynb"
    path.parent.mkdir(parents=True)
    make(path)
    with pytest.raises(UnreadableSubmission, match=r"is not a regular file|does not exist"):
        load(path)

"""Damaged notebooks, by the hundred: each is graded on the student's own code, or refused with a message."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.authoring.assignment import Assignment
from autograder.errors import UnreadableSubmission
from autograder.submission.alignment import align
from autograder.submission.model import Submission
from autograder.submission.notebook_reader import read_submission

EACH = 40
Notebook = dict[str, Any]


def truncated(notebook: Notebook, rng: random.Random) -> bytes:
    data = json.dumps(notebook, indent=rng.choice([None, 1])).encode()
    return data[: rng.randrange(len(data))]


def cut_at_the_end(notebook: Notebook, rng: random.Random) -> bytes:
    data = json.dumps(notebook, indent=rng.choice([None, 1]), sort_keys=True).encode()
    return data[: rng.randrange(data.rindex(b"]") + 1, len(data))]


def byte_flipped(notebook: Notebook, rng: random.Random) -> bytes:
    data = bytearray(json.dumps(notebook, indent=1, ensure_ascii=False).encode())
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def shuffled(notebook: Notebook, rng: random.Random) -> bytes:
    rng.shuffle(notebook["cells"])
    return json.dumps(notebook).encode()


def saved_elsewhere(notebook: Notebook, rng: random.Random) -> bytes:
    """As Colab, VS Code and older Jupyters save: ids moved or gone, line lists, other metadata, other minor version."""
    notebook["nbformat_minor"] = rng.randrange(6)
    notebook["metadata"] = rng.choice([{}, {"colab": {"name": "x"}}, {"vscode": {"interpreter": {}}}])
    for cell in notebook["cells"]:
        if rng.random() < 0.5:
            cell["metadata"]["id"] = cell.pop("id")
        if rng.random() < 0.3:
            cell["metadata"].pop("nbgrader", None)
        if rng.random() < 0.5:
            cell["source"] = cell["source"].splitlines(keepends=True)
        cell["metadata"] |= rng.choice([{}, {"colab": {}}, {"tags": ["x"]}, {"vscode": {"languageId": "python"}}])
    return json.dumps(notebook, indent=rng.choice([None, 1, 2]), ensure_ascii=rng.random() < 0.5).encode()


DAMAGES: list[Callable[[Notebook, random.Random], bytes]] = [
    truncated, cut_at_the_end, byte_flipped, shuffled, saved_elsewhere,
]  # fmt: skip


def work_in(submission: Submission) -> dict[str, str]:
    return {cell.grade_id: cell.source.rstrip() for cell in submission.cells if cell.kind == "exercise"}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_graded_on_whole_work_or_refused(
    damage: Callable[[Notebook, random.Random], bytes],
    answered: Notebook,
    assignment: Assignment,
    record_property: Callable[[str, object], None],
) -> None:
    work = work_in(align(answered, assignment))
    outcomes: Counter[str] = Counter()
    for number in range(EACH):
        data = damage(copy.deepcopy(answered), random.Random(f"{damage.__name__} {number}"))
        try:
            submission = align(read_submission(data, "anna.ipynb"), assignment)
        except UnreadableSubmission:
            outcomes["refused"] += 1
            continue
        outcomes["salvaged"] += 1
        if damage is not byte_flipped:  # A byte changed within code leaves valid JSON: nobody can tell.
            assert work_in(submission) == work
        assert [cell.cell_id for cell in submission.cells if cell.kind not in ("extra", "note")] == [
            cell.cell_id for cell in assignment.cells
        ]
    share = outcomes["salvaged"] / EACH
    record_property("share_salvaged", share)
    print(f"{damage.__name__}: {share:.0%} salvaged")
    if damage in (cut_at_the_end, shuffled, saved_elsewhere):
        assert share == 1
    elif damage is byte_flipped:
        assert share >= 0.7
    else:
        assert outcomes["refused"] > 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | JSON,
        "source": st.text(max_size=60) | JSON,
        "id": JSON,
        "outputs": JSON,
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "nbgrader": st.fixed_dictionaries(
                    {}, optional={"grade_id": st.sampled_from(["double", "shift", "answer-why"]) | JSON, "points": JSON}
                )
                | JSON,
                "tags": JSON,
            },
        )
        | JSON,
    },
)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(cells=st.lists(CELL | JSON, max_size=6), top=JSON, data=st.data())
def test_anything_shaped_like_a_notebook_is_aligned_or_refused(
    cells: list[Any], top: Any, data: st.DataObject, assignment: Assignment
) -> None:
    shape = data.draw(st.sampled_from(["cells", "worksheets", "top"]))
    notebook = {"cells": cells, "nbformat": top}
    if shape == "worksheets":
        notebook = {"worksheets": [{"cells": cells}], "nbformat": 3}
    raw = json.dumps(top if shape == "top" else notebook).encode()
    try:
        submission = align(read_submission(raw, "x.ipynb"), assignment)
    except UnreadableSubmission:
        return
    assert len(submission.cells) >= len(assignment.cells)
    assert json.dumps([cell.source for cell in submission.cells]).encode("utf-8")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    with contextlib.suppress(UnreadableSubmission):
        assert isinstance(read_submission(data, "x.ipynb"), dict)

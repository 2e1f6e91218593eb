"""Damaged notebooks, whole classes of them: none stops the batch, and whole work is graded as if undamaged."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from autograder.engine.api import grade_class
from autograder.engine.progress import Silent
from autograder.errors import UnreadableSubmission
from autograder.submission.alignment import load_submission

if TYPE_CHECKING:
    from tests.faults.conftest import FaultyCourse, Shared

NAME = "00-two-functions"
RIGHT = {"double": "def double(x):\n    return x + x", "shift": "def shift(x):\n    return OFFSET + x"}
Notebook = dict[str, Any]


def truncated(notebook: Notebook, rng: random.Random) -> bytes:
    data = json.dumps(notebook, indent=rng.choice([None, 1])).encode()
    return data[: rng.randrange(len(data))]


def byte_flipped(notebook: Notebook, rng: random.Random) -> bytes:
    data = bytearray(json.dumps(notebook, indent=1).encode())
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def cell_shuffled(notebook: Notebook, rng: random.Random) -> bytes:
    rng.shuffle(notebook["cells"])
    return json.dumps(notebook).encode()


def cells_lost(notebook: Notebook, rng: random.Random) -> bytes:
    kept = [
        c
        for c in notebook["cells"]
        if c["metadata"].get("autograder", {}).get("kind") == "exercise" or rng.random() < 0.6
    ]
    return json.dumps({**notebook, "cells": kept}).encode()


def saved_by_colab(notebook: Notebook, rng: random.Random) -> bytes:
    notebook |= {"nbformat_minor": 0, "metadata": {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}}}
    for cell in notebook["cells"]:
        cell["metadata"] = {**cell["metadata"], "id": cell.pop("id")} if rng.random() < 0.8 else {"id": "x" * 12}
        cell["source"] = cell["source"].splitlines(keepends=True)
    return json.dumps(notebook, indent=2, ensure_ascii=False).encode()


def saved_by_vs_code(notebook: Notebook, rng: random.Random) -> bytes:
    notebook["nbformat_minor"] = 2
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"]["vscode"] = {"languageId": "python"}
        cell["source"] = cell["source"].replace("\n", "\r\n").splitlines(keepends=True)
    return json.dumps(notebook, indent=1).encode("utf-8-sig" if rng.random() < 0.5 else "utf-8")


def of_another_minor_version(notebook: Notebook, rng: random.Random) -> bytes:
    notebook["nbformat_minor"] = rng.randrange(6)
    for cell in notebook["cells"]:
        if notebook["nbformat_minor"] < 5:
            del cell["id"]
        if rng.random() < 0.3:
            cell["collapsed"] = cell.pop("metadata").get("collapsed", False)
            cell["metadata"] = {}
    return json.dumps(notebook).encode(rng.choice(["utf-8", "utf-16", "utf-8-sig"]))


DAMAGES: tuple[Callable[[Notebook, random.Random], bytes], ...] = (
    truncated, byte_flipped, cell_shuffled, cells_lost, saved_by_colab, saved_by_vs_code, of_another_minor_version,
)  # fmt: skip
HARMLESS = {cell_shuffled, cells_lost, saved_by_colab, saved_by_vs_code, of_another_minor_version}


def graded_shares(faulty: FaultyCourse, instant: Shared, count: int, seed: int) -> dict[str, float]:
    """Hand in ``count`` damaged notebooks, grade them as one class, and return the share salvaged of each damage."""
    whole, of = faulty.notebook(RIGHT), {}
    for number in range(count):
        damage, student = DAMAGES[number % len(DAMAGES)], f"s{number:04}"
        faulty.hand_in(student, damage(copy.deepcopy(whole), random.Random(f"{seed} {number}")))
        of[student] = damage
    report = grade_class(faulty.course, NAME, make_executor=lambda: instant, progress=Silent())
    kinds = {each.student: each for each in report.submissions}
    assert sorted(kinds) == sorted(of)
    assert {each.kind for each in report.submissions} <= {"graded", "stored", "unreadable"}
    salvaged, totals = Counter[str](), faulty.totals()
    for student, damage in of.items():
        if kinds[student].kind == "unreadable":
            assert kinds[student].reason
            assert student not in totals
            continue
        salvaged[damage.__name__] += 1
        submission = load_submission(
            faulty.root / "submitted" / student / NAME / "two_functions.ipynb", faulty.assignment
        )
        if damage in HARMLESS:
            assert totals[student] == 4.0, student
        if damage is cells_lost or damage is cell_shuffled:
            assert all(repair.what and repair.why for repair in submission.repairs)
    each = Counter(damage.__name__ for damage in of.values())
    return {name: salvaged[name] / number for name, number in each.items()} | {"all": salvaged.total() / count}


def test_a_class_of_damaged_notebooks_is_graded_or_refused_one_by_one(
    faulty: FaultyCourse, instant: Shared, record_property: Callable[[str, object], None]
) -> None:
    shares = graded_shares(faulty, instant, 63, seed=1)
    record_property("share_salvaged", shares)
    print(shares)
    assert all(shares[damage.__name__] == 1.0 for damage in HARMLESS)
    assert shares["byte_flipped"] >= 0.6


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_damaged_notebooks(
    faulty: FaultyCourse, instant: Shared, record_property: Callable[[str, object], None]
) -> None:
    shares = graded_shares(faulty, instant, 1001, seed=2)
    record_property("share_salvaged", shares)
    print(shares)
    assert all(shares[damage.__name__] == 1.0 for damage in HARMLESS)


def test_a_refusal_says_what_to_do(faulty: FaultyCourse) -> None:
    path = faulty.hand_in("ada", b"\x00" * 40)
    with pytest.raises(UnreadableSubmission, match=r"empty.*submit it again"):
        load_submission(path, faulty.assignment)

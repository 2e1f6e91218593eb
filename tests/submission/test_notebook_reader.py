"""Reading a file that claims to be a notebook: a notebook comes out, or a message that says what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.assignment import Assignment
from autograder.errors import UnreadableSubmission
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import MAX_BYTES, load, read_submission


def as_bytes(notebook: Any, **options: Any) -> bytes:
    return json.dumps(notebook, **options).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"\0" * 100, "is empty"),
        (b"hello", "is not a notebook"),
        (b"{", "is not a notebook"),
        (b"null", "contains nothing"),
        (b"[1, 2]", "contains a list"),
        (b'"cells"', "contains a string"),
        (b"3.5", "contains a number"),
        (b"{}", "no list of cells"),
        (b'{"cells": {}}', "no list of cells"),
        (b'{"cells": "print(1)", "nbformat": 4}', "no list of cells"),
        (b'{"cells": [' + b"{}," * 2_000_000 + b"{}]}", "more than 2,000,000 lists and objects"),
        (b"%PDF-1.7 ...", "a PDF file"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"cells": ' + b"[" * 200_000, "is not a notebook"),
        (b'{"n": ' + b"9" * 10_000 + b"}", "is not a notebook"),
        (b"\xff\xfe{\x00\x00\xd8", "damaged further on"),
        (bytes(range(250, 50, -2)).replace(b"{", b"x") + b"\xff", "is not a notebook"),
    ],
)
def test_what_is_no_notebook_is_refused_by_name(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableSubmission, match=r"anna\.ipynb") as refusal:
        read_submission(data, "anna.ipynb")
    assert says in str(refusal.value)
    assert str(refusal.value).endswith((".", ". Submit an undamaged copy."))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.ipynb"
    with path.open("wb") as stream:
        stream.truncate(500 * 2**20)  # Sparse: reading it would take memory that this test could not hide.
    with pytest.raises(UnreadableSubmission, match=r"500 MB; the limit is 64 MB"):
        load(path)
    with pytest.raises(UnreadableSubmission, match="the limit is 64 MB"):
        read_submission(b" " * (MAX_BYTES + 1), "big.ipynb")


def test_links_pipes_folders_and_missing_files_are_refused(tmp_path: Path, answered: dict[str, Any]) -> None:
    real = tmp_path / "real.ipynb"
    real.write_bytes(as_bytes(answered))
    (tmp_path / "link.ipynb").symlink_to(real)
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    for name, says in [
        ("link", "symbolic link"),
        ("pipe", "not a regular file"),
        ("folder", "not a regular file"),
        ("nothing", "does not exist"),
    ]:
        with pytest.raises(UnreadableSubmission, match=says):
            load(tmp_path / f"{name}.ipynb")
    assert load(real)["cells"] == answered["cells"]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_unicode_encodings_are_read_whole(codec: str, answered: dict[str, Any], assignment: Assignment) -> None:
    text = json.dumps(answered, ensure_ascii=False)
    submission = align(read_submission(text.encode(codec), "x"), assignment)
    assert submission.key == align(answered, assignment).key
    assert len(submission.repairs) == (0 if codec == "utf-8-sig" else 1)


def test_latin_1_is_read_when_nothing_in_the_file_is_utf_8(answered: dict[str, Any], assignment: Assignment) -> None:
    for cell in answered["cells"]:
        cell["source"] = cell["source"].replace("×", "x").replace("Because", "Voilà, déjà: because")
    data = json.dumps(answered, ensure_ascii=False).encode("latin-1")
    submission = align(read_submission(data, "x"), assignment)
    assert submission.cell("answer-why").source.startswith("Voilà, déjà")
    assert any("Latin-1" in repair.what for repair in submission.repairs)


def test_a_bad_byte_in_prose_costs_nothing_and_in_code_is_refused(
    answered: dict[str, Any], assignment: Assignment
) -> None:
    data = json.dumps(answered, ensure_ascii=False).encode()
    in_prose = data.replace(b"# A tiny", b"# A \xff tiny")
    assert align(read_submission(in_prose, "x"), assignment).key == align(answered, assignment).key
    in_code = data.replace(b"return x + x", b"return x \xff x")
    with pytest.raises(UnreadableSubmission, match="garbled"):
        align(read_submission(in_code, "x"), assignment)
    in_comment = data.replace(b"return x + x", b"return x + x  # \xff")
    assert "return x + x" in align(read_submission(in_comment, "x"), assignment).cell("double").source


def test_raw_control_characters_in_strings_are_tolerated(answered: dict[str, Any], assignment: Assignment) -> None:
    data = as_bytes(answered).replace(rb"\n    return x + x", b"\n    return x + x")
    assert "\n    return x + x" in align(read_submission(data, "x"), assignment).cell("double").source


def test_a_file_cut_off_after_the_last_work_is_graded(answered: dict[str, Any], assignment: Assignment) -> None:
    data = as_bytes(answered, indent=1)
    submission = align(read_submission(data[: data.rindex(b'"metadata"')], "x"), assignment)
    assert submission.key == align(answered, assignment).key
    assert any("cut off" in repair.what for repair in submission.repairs)


def test_a_file_cut_off_before_some_work_is_refused(answered: dict[str, Any], assignment: Assignment) -> None:
    data = as_bytes(answered, indent=1)
    with pytest.raises(UnreadableSubmission, match="your work on 'shift'"):
        align(read_submission(data[: data.index(b"## Shifting")], "x"), assignment)


def test_damage_within_outputs_costs_nothing(answered: dict[str, Any], assignment: Assignment) -> None:
    cell = next(c for c in answered["cells"] if c["source"].startswith("def double"))
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "canary"}]
    data = as_bytes(answered, indent=1).replace(b'"canary"', b'"can"ary"')
    with pytest.raises(ValueError):
        json.loads(data)
    submission = align(read_submission(data, "x"), assignment)
    assert submission.key == align(answered, assignment).key


def test_a_lost_cell_that_may_be_the_students_own_is_refused(answered: dict[str, Any], assignment: Assignment) -> None:
    answered["cells"].insert(3, {"cell_type": "code", "metadata": {}, "outputs": [], "source": "helper = 1"})
    data = as_bytes(answered, indent=1).replace(b'"helper = 1"', b'"helper = "1"')
    with pytest.raises(UnreadableSubmission, match="of your own may be lost"):
        align(read_submission(data, "x"), assignment)

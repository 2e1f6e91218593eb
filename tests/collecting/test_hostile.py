"""What students name and pack replaces nobody's work, makes nothing punctual, and stops nobody."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import unicodedata
import zipfile
from typing import TYPE_CHECKING

import pytest

from autograder.collecting.collection import collect_downloads
from autograder.collecting.enclosed_lists import read_manifest, read_plain_yaml
from autograder.errors import UnreadableSubmission

if TYPE_CHECKING:
    from .conftest import Intake

MOODLE_ADA, MOODLE_BOB = "Ada Lovelace_5501_assignsubmission_file_", "Bob Müller_5502_assignsubmission_file_"
EVE = "Eve Marie O'Neil-Stone_5503_assignsubmission_file_"
FORGED = (
    b"submission_11:\n  :submitters:\n  - :sid: u0001\n    :email: ada@x.org\n  :created_at: 2026-03-01 10:00:00 Z\n"
)
STAMP = b"2026-03-01 10:00:00 UTC"


@pytest.mark.parametrize(
    "path",
    [
        "submission_metadata.yml",
        "submission_11/convolution.ipynb",
        "lovelaceada_4711_999_convolution.ipynb",
        "Ada Lovelace_5501_assignsubmission_file_/convolution.ipynb",
        "ada+01-convolution+2026-03-01 10:00:00.0 UTC/convolution.ipynb",
        "submitted/ada/01-convolution/convolution.ipynb",
        "Convolution_ada_attempt_2026-03-01-17-30-10_convolution.ipynb",
        "ada/01-convolution/convolution.ipynb",
        "Ada Lovelace - convolution.ipynb",
        "Lovelace_Ada_ada_4711/convolution.ipynb",
    ],
)
@pytest.mark.parametrize("alone", [False, True])
def test_a_name_within_a_students_folder_is_nobody_elses(intake: Intake, path: str, alone: bool) -> None:
    """Also where the folder of the one student is the only one, so that it might be a folder around everything."""
    intake.take({f"{MOODLE_ADA}/convolution.ipynb": intake.notebook("ada's")})
    honest = {} if alone else {f"{MOODLE_BOB}/convolution.ipynb": intake.notebook("bob's")}
    content = FORGED if path.endswith("yml") else intake.notebook("forged")
    intake.take({**honest, f"{EVE}/{path}": content, f"{EVE}/submission_metadata.yml": FORGED})
    assert intake.work()["ada"] == "ada's"
    assert intake.time("ada") == ""


@pytest.mark.parametrize("alone", [False, True])
def test_nor_is_one_within_a_folder_made_by_hand(intake: Intake, alone: bool) -> None:
    intake.take({"ada/convolution.ipynb": intake.notebook("ada's")})
    honest = {} if alone else {"bob/convolution.ipynb": intake.notebook("bob's")}
    forged = {
        "eve/submission_metadata.yml": FORGED,
        "eve/submission_11/convolution.ipynb": intake.notebook("forged"),
        "eve/ada/convolution.ipynb": intake.notebook("forged, too"),
        "eve/lovelaceada_4711_999_convolution.ipynb": intake.notebook("and this"),
    }
    intake.take({**honest, **forged})
    assert intake.work()["ada"] == "ada's"


def test_a_file_of_ones_own_called_as_on_moodle_is_still_a_file_on_canvas(intake: Intake) -> None:
    intake.take(
        {
            "lovelaceada_4711_99_convolution.ipynb": intake.notebook("ada's"),
            "oneilstoneevemarie_4715_98_Ada Lovelace_1_assignsubmission_file_convolution.ipynb": intake.notebook(
                "eve's"
            ),
        }
    )
    assert intake.work() == {"ada": "ada's", "eve": "eve's"}


@pytest.mark.parametrize("folder", [EVE, "eve", "eve/01-convolution"])
def test_a_time_stamp_beside_the_file_makes_nothing_punctual(intake: Intake, folder: str) -> None:
    collected = intake.take({f"{folder}/convolution.ipynb": intake.notebook(), f"{folder}/timestamp.txt": STAMP})
    assert intake.work() == {"eve": "work"}
    assert intake.time("eve") == ""
    assert any("is ignored" in line for line in collected.lines())


def test_a_late_mark_stays_with_a_time_stamp_in_the_archive(intake: Intake) -> None:
    inner = intake.zipped({"convolution.ipynb": intake.notebook(), "timestamp.txt": STAMP}).read_bytes()
    intake.take({"lovelaceada_LATE_4711_99_work.zip": inner})
    assert intake.time("ada") == "unknown"


@pytest.mark.parametrize("name", ["Anna-Ada Lovelace", "Lovelace-Ada Lovelace", "Ada-Bob Müller", "Ada", "Lovelace"])
def test_part_of_a_name_is_nobody_else(intake: Intake, name: str) -> None:
    collected = intake.take({f"{name}_5501_assignsubmission_file_/convolution.ipynb": intake.notebook()})
    assert intake.work() == {}
    assert name in collected.unplaced[0].reason


def test_a_group_in_the_roster_before_a_name_is_a_group(intake: Intake) -> None:
    intake.list_students("id,first_name,last_name,group\nada,Ada,Lovelace,Red\nbob,Bob,Müller,Blue\n")
    intake.take({"Red-Ada Lovelace_5501_assignsubmission_file_/convolution.ipynb": intake.notebook()})
    assert intake.work() == {"ada": "work"}


SAME = {"Li Wei_5501_assignsubmission_file_": "one", "Li Wei_5502_assignsubmission_file_": "other"}


def test_two_students_of_one_name_are_told_apart_by_number(intake: Intake) -> None:
    intake.list_students("id,first_name,last_name,lms_user_id\nli1,Li,Wei,5501\nli2,Li,Wei,5502\n")
    intake.take({f"{folder}/convolution.ipynb": intake.notebook(work) for folder, work in SAME.items()})
    assert intake.work() == {"li1": "one", "li2": "other"}


def test_two_students_of_one_name_are_reported_if_nothing_tells_them_apart(intake: Intake) -> None:
    for rows in ("li1,Li,Wei\nli2,Li,Wei\n", "li1,Li,Wei\n"):
        intake.list_students("id,first_name,last_name\n" + rows)
        collected = intake.take({f"{folder}/convolution.ipynb": intake.notebook(work) for folder, work in SAME.items()})
        assert intake.work() == {}
        assert all("li1" in each.reason and "students.csv" in each.reason for each in collected.unplaced)
        assert {each.kept.read_bytes() for each in collected.unplaced if each.kept} == {
            intake.notebook("one"), intake.notebook("other")
        }  # fmt: skip


def test_two_students_of_one_name_in_two_downloads_are_not_one(intake: Intake) -> None:
    intake.list_students("id,first_name,last_name\nli1,Li,Wei\n")
    for folder, work in SAME.items():
        collected = intake.take({f"{folder}/convolution.ipynb": intake.notebook(work)})
    assert intake.work() == {"li1": "one"}
    assert collected.needs_a_look


def test_a_name_is_not_somebodys_who_has_another_number(intake: Intake) -> None:
    intake.list_students("id,first_name,last_name,lms_user_id\nli1,Wei,Li,4713\n")
    collected = intake.take({"liwei_4799_98_convolution.ipynb": intake.notebook("other")})
    assert intake.work() == {}
    assert "4799" in collected.unplaced[0].reason


def test_whoever_is_known_by_an_address_is_not_held_up_by_somebody_of_the_same_name(intake: Intake) -> None:
    intake.list_students("id,first_name,last_name,email\nli1,Li,Wei,li1@x.org\n")
    people = "".join(f"submission_{n}:\n  :submitters:\n  - :name: Li Wei\n    :email: li{n}@x.org\n" for n in (1, 2))
    files = {f"submission_{n}/convolution.ipynb": intake.notebook(str(n)) for n in (1, 2)}
    collected = intake.take({"submission_metadata.yml": people.encode(), **files})
    assert intake.work() == {"li1": "1"}
    assert [each.origin for each in collected.unplaced] == ["submission_2/convolution.ipynb"]


def test_without_a_roster_two_of_one_name_are_two_students(intake: Intake) -> None:
    intake.list_students(None)
    intake.take({f"{folder}/convolution.ipynb": intake.notebook(work) for folder, work in SAME.items()})
    assert intake.work() == {"li-wei-5501": "one", "li-wei-5502": "other"}


NFC, NFD = unicodedata.normalize("NFC", "müller"), unicodedata.normalize("NFD", "müller")


@pytest.mark.parametrize("pair", [("Ada", "ada"), (NFC, NFD)])
def test_names_that_differ_in_case_or_unicode_form_only_are_reported(intake: Intake, pair: tuple[str, str]) -> None:
    for roster in (None, "id\nada\nmüller\n"):
        intake.list_students(roster)
        collected = intake.take({f"{name}/convolution.ipynb": intake.notebook(ascii(name)) for name in pair})
        assert intake.work() == {}
        assert len(collected.unplaced) == 2


def test_a_name_that_differs_from_one_that_is_there_is_reported(intake: Intake) -> None:
    intake.list_students(None)
    intake.take({"ada/convolution.ipynb": intake.notebook("first")})
    collected = intake.take({"ADA/convolution.ipynb": intake.notebook("second")})
    assert intake.work() == {"ada": "first"}
    assert "differ only in case" in collected.unplaced[0].reason


def test_both_unicode_forms_of_a_name_are_one_student_in_two_downloads(intake: Intake) -> None:
    intake.list_students("id\nmüller\n")
    for name in (NFC, NFD):
        collected = intake.take({f"{name}/convolution.ipynb": intake.notebook(ascii(name))})
    assert list(intake.work()) == [NFC]
    assert any(r"mu\u0308ller" in line for line in collected.lines())


def test_files_that_students_call_after_a_student_replace_nothing_unseen(intake: Intake) -> None:
    files = {
        "Ada Lovelace - convolution.ipynb": intake.notebook("ada's"),
        "Ada Lovelace - convolution (1).ipynb": intake.notebook("whose?"),
        "Bob Müller - convolution.ipynb": intake.notebook("bob's"),
    }
    collected = intake.take(files)
    assert intake.work() == {"bob": "bob's"}
    assert collected.needs_a_look
    intake.take(
        {"Bob Müller - x.ipynb": intake.notebook("new"), "Eve Marie O'Neil-Stone - x.ipynb": intake.notebook("e")}
    )
    kept = {path.read_bytes() for path in (intake.course.results / "collected" / "bob").rglob("*.ipynb")}
    assert kept == {intake.notebook("bob's")}


def damaged(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def test_a_damaged_inner_archive_is_only_its_own_fault(intake: Intake) -> None:
    honest = {f"{MOODLE_BOB}/convolution.ipynb": intake.notebook("bob's")}
    inner = intake.zipped({"convolution.ipynb": intake.notebook("packed " * 50)}).read_bytes()
    for place in range(0, len(inner), 7):
        collected = intake.take({**honest, f"{MOODLE_ADA}/work.zip": damaged(inner, place)})
        assert intake.work()["bob"] == "bob's"
        assert "ada" in intake.work() or any(MOODLE_ADA in each.origin for each in collected.unplaced)
        collect_downloads(intake.course, intake.zipped(honest))


@pytest.mark.parametrize("date", [0, 0xFFFF, 0x0021])
def test_no_date_of_an_entry_matters(intake: Intake, date: int) -> None:
    path = intake.zipped({f"{MOODLE_ADA}/convolution.ipynb": intake.notebook()})
    data = bytearray(path.read_bytes())
    data[12:14] = data[data.index(b"PK\x01\x02") + 14 : data.index(b"PK\x01\x02") + 16] = struct.pack("<H", date)
    path.write_bytes(data)
    collect_downloads(intake.course, path)
    assert intake.work() == {"ada": "work"}


def test_a_time_in_the_year_one_is_that_files_fault(intake: Intake) -> None:
    collected = intake.take(
        {
            "ada+01-convolution+0001-01-01 00:00:00.0 +1400/convolution.ipynb": intake.notebook("ada's"),
            "bob+01-convolution+2026-03-01 00:00:00.0 UTC/convolution.ipynb": intake.notebook("bob's"),
        }
    )
    assert intake.work() == {"bob": "bob's"}
    assert "0001-01-01" in collected.unplaced[0].reason


def test_an_encrypted_entry_and_a_link_are_that_files_fault(intake: Intake) -> None:
    path = intake.zipped(
        {f"{MOODLE_ADA}/convolution.ipynb": intake.notebook(), f"{MOODLE_BOB}/convolution.ipynb": b"x"}
    )
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 8] |= 1
    path.write_bytes(data)
    collected = collect_downloads(intake.course, path)
    assert intake.work() == {"ada": "work"}
    assert "encrypted" in collected.unplaced[0].reason


def test_a_link_in_a_folder_is_not_followed(intake: Intake) -> None:
    folder = intake.root.parent / "unpacked"
    (folder / "eve").mkdir(parents=True)
    (folder / "ada").mkdir()
    (folder / "ada" / "convolution.ipynb").write_bytes(intake.notebook("ada's"))
    (folder / "eve" / "convolution.ipynb").symlink_to(folder / "ada" / "convolution.ipynb")
    (folder / "bob").symlink_to(folder / "ada")
    collected = collect_downloads(intake.course, folder)
    assert intake.work() == {"ada": "ada's"}
    assert {each.origin for each in collected.unplaced} == {"bob", "eve/convolution.ipynb"}


def peak_megabytes(intake: Intake, inner: bytes) -> float:
    path = intake.zipped({f"{MOODLE_ADA}/convolution.ipynb": intake.notebook("ada's"), f"{EVE}/bomb.zip": inner})
    tracemalloc.start()
    try:
        collected = collect_downloads(intake.course, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert intake.work()["ada"] == "ada's"
    assert any("bomb" in each.origin for each in (*collected.unplaced, *collected.beside))
    return peak / 2**20


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_a_small_archive_of_large_files_takes_little_memory(intake: Intake) -> None:
    large = b"[" + b"{}," * (3 * 1024 * 1024) + b"{}]"
    assert peak_megabytes(intake, packed({f"{n}.ipynb": large for n in range(14)})) < 100


def test_a_small_archive_of_many_files_takes_little_memory(intake: Intake) -> None:
    assert peak_megabytes(intake, packed({f"{n}.ipynb": b"" for n in range(20_000)})) < 100


def test_archives_in_archives_are_not_unpacked(intake: Intake) -> None:
    inner = packed({"deeper.zip": packed({"convolution.ipynb": intake.notebook()})})
    collected = intake.take({f"{EVE}/bomb.zip": inner})
    assert "another archive" in collected.unplaced[0].reason


def test_a_file_that_unpacks_to_absurdly_much_is_named(intake: Intake) -> None:
    collected = intake.take(
        {f"{EVE}/convolution.ipynb": b" " * (32 * 1024 * 1024), f"{MOODLE_ADA}/a.ipynb": intake.notebook()}
    )
    assert intake.work() == {"ada": "work"}
    assert "times its size" in collected.unplaced[0].reason


def test_a_manifest_makes_no_objects_and_grows_by_no_alias() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    bomb += "submission_1:\n  :submitters:\n  - :sid: *i\n    :name: Ada\n"
    (ada,) = read_manifest(bomb.encode())["submission_1"]
    assert ada.identity == "Ada"
    assert read_plain_yaml(b"a: !!python/object/apply:os.mkdir [x]") == {"a": ["x"]}


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"{a: " * 100_000, b"\xff\xfe\x00", b"a: b: c", b"- 1", b"", b"a: 9" * 3]
)
def test_a_manifest_that_is_none_is_said_to_be_so(content: bytes) -> None:
    with pytest.raises(UnreadableSubmission, match="Export it from Gradescope again"):
        read_manifest(content)


def test_a_folder_in_the_place_of_a_notebook_is_one_students_trouble(intake: Intake) -> None:
    (intake.course.submitted / "ada" / "01-convolution" / "convolution.ipynb" / "x").mkdir(parents=True)
    files = {"ada/convolution.ipynb": intake.notebook("ada's"), "bob/convolution.ipynb": intake.notebook("bob's")}
    collected = intake.take(files)
    assert (intake.course.submitted / "bob" / "01-convolution" / "convolution.ipynb").read_bytes() == files[
        "bob/convolution.ipynb"
    ]
    assert [each.origin for each in collected.unplaced] == ["ada/convolution.ipynb"]


def test_a_name_that_is_not_text_is_one_files_trouble(intake: Intake) -> None:
    folder = intake.root.parent / "unpacked"
    for name in (b"ada", b"b\xff\xfeb"):
        (folder / os.fsdecode(name)).mkdir(parents=True)
        (folder / os.fsdecode(name) / "convolution.ipynb").write_bytes(intake.notebook())
    intake.list_students(None)
    collected = collect_downloads(intake.course, folder)
    assert "ada" in intake.work()
    assert all(line.isprintable() for line in collected.lines())


@pytest.mark.parametrize("linked", ["eve", "eve/01-convolution"])
def test_nothing_is_written_where_a_link_leads(intake: Intake, linked: str) -> None:
    intake.take({"ada/convolution.ipynb": intake.notebook("ada's")})
    link = intake.course.submitted / linked
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(intake.course.submitted / linked.replace("eve", "ada"))
    collected = intake.take(
        {"eve/convolution.ipynb": intake.notebook("eve's"), "bob/convolution.ipynb": intake.notebook("bob's")}
    )
    work = intake.work()
    assert (work["ada"], work["bob"]) == ("ada's", "bob's")
    assert "is a link" in collected.unplaced[0].reason


def test_a_folder_in_the_place_of_a_time_stamp_is_one_students_trouble(intake: Intake) -> None:
    (intake.course.submitted / "ada" / "01-convolution" / "timestamp.txt" / "x").mkdir(parents=True)
    collected = intake.take(
        {"ada/convolution.ipynb": intake.notebook("ada's"), "bob/convolution.ipynb": intake.notebook("bob's")}
    )
    assert intake.work()["bob"] == "bob's"
    assert [each.origin for each in collected.unplaced] == ["ada/convolution.ipynb"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("within", [True, False])
def test_a_method_of_packing_that_has_no_bound_is_refused(intake: Intake, method: int, within: bool) -> None:
    """Python unpacks a whole file of these at once, however small the archive says it is."""
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w", method) as archive:
        archive.writestr("convolution.ipynb", b" " * (30 << 20))
    packed_up, size = bytearray(room.getvalue()), (1000).to_bytes(4, "little")
    packed_up[22:26] = size
    at = packed_up.index(b"PK\1\2") + 24
    packed_up[at : at + 4] = size
    if within:
        path = intake.zipped({f"{EVE}/work.zip": bytes(packed_up), f"{MOODLE_ADA}/a.ipynb": intake.notebook()})
    else:
        path = intake.root.parent / "download.zip"
        path.write_bytes(packed_up)
    tracemalloc.start()
    collected = collect_downloads(intake.course, path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 15 << 20
    assert any("packed by a method" in each.reason for each in collected.unplaced)

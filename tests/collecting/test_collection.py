"""Downloads from Canvas, Moodle, Gradescope and nbgrader's exchange end where the grader looks, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autograder.collecting.collection import collect_downloads
from autograder.collecting.records import Collected
from autograder.course import Course
from autograder.errors import AuthoringError, CourseError, UnreadableSubmission

ROSTER = """id,first_name,last_name,email,lms_user_id,sid,group
ada,Ada,Lovelace,ada@x.org,4711,s1,Team 1
bob,Bob,Müller,bob@x.org,4712,s2,Team 1
eve,Eve,Stone,eve@x.org,4713,s3,Team 2
"""
DUE = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
BEFORE, AFTER = (2026, 3, 1, 10, 0, 0), (2026, 3, 3, 10, 0, 0)


def notebook(topic: str, work: str = "") -> bytes:
    """A notebook with the marks of an assignment, and something in it."""
    names = [f"{topic}-{number}" for number in range(4)]
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "source": work, "metadata": {"nbgrader": {"grade_id": name}}} for name in names
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def course(tmp_path: Path) -> Course:
    root = tmp_path / "course"
    for name, topic in (("01-convolution", "convolution"), ("03-pooling", "pooling")):
        (root / "notebooks" / name).mkdir(parents=True)
        (root / "notebooks" / name / f"{topic}.ipynb").write_bytes(notebook(topic))
    (root / "course.toml").write_text(
        'id = "c"\nfixed_secret = "c"\n[assignments.01-convolution]\ndue = 2026-03-02T12:00:00Z\n'
    )
    (root / "students.csv").write_text(ROSTER)
    return Course.find(root)


def download(tmp_path: Path, files: Mapping[str, bytes], at: tuple[int, ...] = BEFORE) -> Path:
    path = tmp_path / "download.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, at), content)  # type: ignore[arg-type]
    return path


def submitted(course: Course) -> dict[str, bytes]:
    return {str(path.relative_to(course.submitted)): path.read_bytes() for path in course.submitted.rglob("*.ipynb")}


def stamp(course: Course, student: str, assignment: str = "01-convolution") -> dt.datetime:
    text = (course.submitted / student / assignment / "timestamp.txt").read_text()
    return dt.datetime.fromisoformat(text.strip().removesuffix(" UTC")).replace(tzinfo=dt.UTC)


def outcomes(collected: Collected) -> dict[str, str]:
    return {each.origin: each.outcome for each in collected.placed}


ADA, BOB = "ada/01-convolution/convolution.ipynb", "bob/01-convolution/convolution.ipynb"


def test_canvas_names_are_understood(course: Course, tmp_path: Path) -> None:
    files = {"lovelaceada_4711_99_convolution.ipynb": notebook("convolution", "a")}
    collected = collect_downloads(course, download(tmp_path, files))
    assert submitted(course) == {ADA: notebook("convolution", "a")}
    assert collected.unplaced == ()


def test_of_resubmissions_on_canvas_the_last_counts_and_the_others_are_kept(course: Course, tmp_path: Path) -> None:
    files = {f"lovelaceada_4711_9{n}_convolution{end}.ipynb": notebook("convolution", str(n))
             for n, end in enumerate(("-2", "", "-10", "-1"))}  # fmt: skip
    collected = collect_downloads(course, download(tmp_path, files))
    assert submitted(course) == {ADA: notebook("convolution", "2")}
    aside = course.results / "collected" / "ada" / "01-convolution"
    assert {path.read_bytes() for path in aside.iterdir()} == {notebook("convolution", n) for n in "013"}
    assert sorted(outcomes(collected).values()) == ["new", "older", "older", "older"]


def lateness(course: Course, student: str, assignment: str = "01-convolution") -> str:
    """What is known of a student's time without knowing it: ``unknown``, or nothing."""
    folder = course.submitted / student / assignment
    assert not (folder / "timestamp.txt").exists()
    return (folder / "lateness.txt").read_text().strip() if (folder / "lateness.txt").exists() else ""


def test_a_late_mark_on_canvas_is_late_by_an_unknown_time(course: Course, tmp_path: Path) -> None:
    files = {
        "lovelaceada_LATE_4711_99_convolution.ipynb": notebook("convolution", "a"),
        "mullerbob_4712_98_convolution.ipynb": notebook("convolution", "b"),
    }
    collected = collect_downloads(course, download(tmp_path, files))
    assert (lateness(course, "ada"), lateness(course, "bob")) == ("unknown", "")
    assert [each.student for each in collected.placed if "late" in each.remark] == ["ada"]


def test_downloading_after_the_due_time_makes_nobody_late(course: Course, tmp_path: Path) -> None:
    collect_downloads(course, download(tmp_path, {"x_4711_99_convolution.ipynb": notebook("convolution")}, AFTER))
    assert lateness(course, "ada") == ""


@pytest.mark.parametrize(
    "name",
    [
        "Bob Müller_5501_assignsubmission_file_/convolution.ipynb",
        "Bob Müller_5501_assignsubmission_file_convolution.ipynb",
        "Team 9-Bob Müller_5501_assignsubmission_file_/my work.ipynb",
    ],
)
def test_moodle_names_are_understood(course: Course, tmp_path: Path, name: str) -> None:
    collect_downloads(course, download(tmp_path, {name: notebook("convolution", "b")}, AFTER))
    assert submitted(course) == {BOB: notebook("convolution", "b")}
    assert lateness(course, "bob") == ""  # The archive's times may be those of packing.


def test_a_group_on_moodle_hands_in_for_all_of_its_members(course: Course, tmp_path: Path) -> None:
    collect_downloads(
        course, download(tmp_path, {"Team 1_77_assignsubmission_file_/convolution.ipynb": notebook("convolution")})
    )
    assert set(submitted(course)) == {ADA, BOB}


GRADESCOPE = """---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: s1
    :email: ada@x.org
  - :name: Bob Müller
    :sid:
    :email: bob@x.org
  :created_at: 2026-03-02 11:59:58.590263000 Z
  :history: []
submission_12:
  :submitters:
  - :name: Eve Stone
    :sid: s3
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-03-02 13:00:00.000000000 Z
    zone: !ruby/object:ActiveSupport::TimeZone
      name: Etc/UTC
"""


def test_a_gradescope_export_is_read_with_its_groups_and_times(course: Course, tmp_path: Path) -> None:
    files = {
        "assignment_5_export/submission_metadata.yml": GRADESCOPE.encode(),
        "assignment_5_export/submission_11/convolution.ipynb": notebook("convolution", "both"),
        "assignment_5_export/submission_12/convolution.ipynb": notebook("convolution", "eve"),
    }
    collected = collect_downloads(course, download(tmp_path, files))
    assert {name.partition("/")[0] for name in submitted(course)} == {"ada", "bob", "eve"}
    assert collected.unplaced == ()
    assert stamp(course, "ada") < DUE
    assert stamp(course, "eve") == DUE + dt.timedelta(hours=1)


def test_metadata_cannot_make_python_objects(course: Course, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = f"submission_11: !!python/object/apply:os.mkdir ['{mark}']\n"
    files = {
        "a_export/submission_metadata.yml": evil.encode(),
        "a_export/submission_11/convolution.ipynb": notebook("convolution"),
    }
    assert len(collect_downloads(course, download(tmp_path, files)).unplaced) == 1
    assert not mark.exists()


def test_folders_of_the_exchange_are_understood(course: Course, tmp_path: Path) -> None:
    folder = tmp_path / "inbound" / "ada+01-convolution+2026-03-02 11:00:00.5 UTC+abc"
    folder.mkdir(parents=True)
    (folder / "convolution.ipynb").write_bytes(notebook("convolution"))
    collect_downloads(course, folder.parent)
    assert set(submitted(course)) == {ADA}
    assert stamp(course, "ada") == dt.datetime(2026, 3, 2, 11, 0, 0, 500000, tzinfo=dt.UTC)


def test_plain_folders_of_students_are_understood(course: Course, tmp_path: Path) -> None:
    collect_downloads(course, download(tmp_path, {"ada/convolution.ipynb": notebook("convolution")}))
    assert set(submitted(course)) == {ADA}


def test_several_notebooks_of_one_student_go_where_their_content_says(course: Course, tmp_path: Path) -> None:
    files = {
        "lovelaceada_4711_1_final.ipynb": notebook("pooling"),
        "lovelaceada_4711_2_final (1).ipynb": notebook("convolution"),
    }
    collect_downloads(course, download(tmp_path, files))
    assert set(submitted(course)) == {ADA, "ada/03-pooling/pooling.ipynb"}


def test_a_notebook_that_cannot_be_read_is_placed_by_its_name(course: Course, tmp_path: Path) -> None:
    collect_downloads(course, download(tmp_path, {"lovelaceada_4711_1_Copy of convolution-1.ipynb": b"broken"}))
    assert submitted(course) == {ADA: b"broken"}


def test_a_notebook_that_a_student_packed_is_unpacked(course: Course, tmp_path: Path) -> None:
    inner = download(tmp_path, {"homework/convolution.ipynb": notebook("convolution")}).read_bytes()
    collect_downloads(course, download(tmp_path, {"lovelaceada_4711_1_homework.zip": inner}))
    assert submitted(course) == {ADA: notebook("convolution")}


def test_what_cannot_be_placed_is_reported_and_kept(course: Course, tmp_path: Path) -> None:
    files = {
        "lovelaceada_4711_1_scan.pdf": b"%PDF",
        "nobody_1_1_convolution.ipynb": notebook("convolution", "whose?"),
        "nameless.ipynb": notebook("convolution", "whose, too?"),
    }
    collected = collect_downloads(course, download(tmp_path, files))
    assert submitted(course) == {}
    assert {each.origin for each in collected.unplaced} == set(files)
    assert {each.kept.read_bytes() for each in collected.unplaced if each.kept} == set(files.values())


def test_paths_in_an_archive_cannot_leave_the_course(course: Course, tmp_path: Path) -> None:
    (course.root / "students.csv").unlink()
    files = {"../../evil/convolution.ipynb": notebook("convolution"), "/etc/convolution.ipynb": notebook("convolution")}
    collect_downloads(course, download(tmp_path, files))
    outside = [path for path in tmp_path.rglob("*.ipynb") if not path.is_relative_to(course.root)]
    assert outside == []


def test_collecting_again_changes_nothing(course: Course, tmp_path: Path) -> None:
    path = download(tmp_path, {"lovelaceada_4711_1_convolution.ipynb": notebook("convolution")})
    collect_downloads(course, path)
    assert [each.outcome for each in collect_downloads(course, path).placed] == ["unchanged"]


def test_a_newer_submission_replaces_and_an_older_one_does_not(course: Course, tmp_path: Path) -> None:
    def stamped(day: int, work: str) -> Path:
        folder = f"ada+01-convolution+2026-03-0{day} 11:00:00.0 UTC/convolution.ipynb"
        return download(tmp_path, {folder: notebook("convolution", work)})

    collect_downloads(course, stamped(2, "second"))
    assert [each.outcome for each in collect_downloads(course, stamped(1, "first")).placed] == ["older"]
    assert [each.outcome for each in collect_downloads(course, stamped(3, "third")).placed] == ["replaced"]
    assert submitted(course) == {ADA: notebook("convolution", "third")}
    kept = {path.read_bytes() for path in (course.results / "collected").rglob("*.ipynb")}
    assert kept == {notebook("convolution", "first"), notebook("convolution", "second")}


def test_a_dry_run_writes_nothing(course: Course, tmp_path: Path) -> None:
    collected = collect_downloads(
        course, download(tmp_path, {"x_4711_1_convolution.ipynb": notebook("convolution")}), dry_run=True
    )
    assert [each.outcome for each in collected.placed] == ["new"]
    assert not course.submitted.exists()
    assert not course.results.exists()


def test_without_a_roster_the_platforms_own_names_are_used(course: Course, tmp_path: Path) -> None:
    (course.root / "students.csv").unlink()
    collect_downloads(course, download(tmp_path, {"lovelaceada_4711_1_convolution.ipynb": notebook("convolution")}))
    assert set(submitted(course)) == {"lovelaceada-4711/01-convolution/convolution.ipynb"}


def test_litter_is_left_out(course: Course, tmp_path: Path) -> None:
    collected = collect_downloads(course, download(tmp_path, {"__MACOSX/._x.ipynb": b"x", ".DS_Store": b"x"}))
    assert (collected.placed, collected.unplaced) == ((), ())


def test_what_is_wrong_with_the_request_is_named(course: Course, tmp_path: Path) -> None:
    with pytest.raises(UnreadableSubmission, match=r"none\.zip"):
        collect_downloads(course, tmp_path / "none.zip")
    with pytest.raises(AuthoringError, match="04-nothing"):
        collect_downloads(course, course.root, assignment="04-nothing")
    (course.root / "students.csv").write_text("id\nada\nada\n")
    with pytest.raises(CourseError, match="'ada' is also in line"):
        collect_downloads(course, download(tmp_path, {}))


def entered(path: Path, files: Mapping[str, bytes], old: bytes = b"", new: bytes = b"") -> Path:
    """An archive of ``files`` in whose bytes ``old`` is replaced: names as no well-behaved program writes them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path.write_bytes(path.read_bytes().replace(old, new) if old else path.read_bytes())
    return path


@pytest.mark.parametrize("name", ["../ada/convolution.ipynb", "/ada/convolution.ipynb", "ada/../bob/convolution.ipynb"])
def test_a_path_that_leads_out_of_the_archive_is_nobodys(course: Course, tmp_path: Path, name: str) -> None:
    collected = collect_downloads(course, download(tmp_path, {name: notebook("convolution")}))
    assert submitted(course) == {}
    (stray,) = collected.unplaced
    assert stray.kept is not None
    assert stray.kept.read_bytes() == notebook("convolution")


def test_a_folder_around_everything_says_nothing(course: Course, tmp_path: Path) -> None:
    files = {f"Class 2026/{student}/convolution.ipynb": notebook("convolution") for student in ("ada", "bob")}
    assert collect_downloads(course, download(tmp_path, files)).unplaced == ()
    assert set(submitted(course)) == {ADA, BOB}


def test_a_students_own_folder_is_no_folder_around_everything(course: Course, tmp_path: Path) -> None:
    collect_downloads(course, download(tmp_path, {"ada/bob/convolution.ipynb": notebook("convolution")}))
    assert set(submitted(course)) == {ADA}


def test_of_two_files_of_the_same_time_it_is_said_which_counts(course: Course, tmp_path: Path) -> None:
    files = {f"ada/convolution{n}.ipynb": notebook("convolution", n) for n in ("", " (1)")}
    collected = collect_downloads(course, download(tmp_path, files))
    assert any("several files of the same time" in line for line in collected.lines())
    assert len(list((course.results / "collected" / "ada").rglob("*.ipynb"))) == 1


def test_names_in_utf_8_that_do_not_say_so_are_read(course: Course, tmp_path: Path) -> None:
    name = "Bob M##ller_5501_assignsubmission_file_/convolution.ipynb"
    source = entered(tmp_path / "mac.zip", {name: notebook("convolution")}, b"M##ller", "Müller".encode())
    collect_downloads(course, source)
    assert set(submitted(course)) == {BOB}


def test_names_that_no_program_can_read_are_an_error_with_a_way_out(course: Course, tmp_path: Path) -> None:
    source = entered(tmp_path / "odd.zip", {"é/a.ipynb": b""}, "é".encode(), b"\xff\xfe")
    with pytest.raises(UnreadableSubmission, match="Unpack it"):
        collect_downloads(course, source)


def test_half_an_archive_and_an_empty_one_are_said_to_be_so(course: Course, tmp_path: Path) -> None:
    source = download(tmp_path, {"ada/convolution.ipynb": notebook("convolution")})
    source.write_bytes(source.read_bytes()[:200])
    with pytest.raises(UnreadableSubmission, match="Download it again"):
        collect_downloads(course, source)
    assert collect_downloads(course, download(tmp_path, {})).lines()[0].startswith("The download contains no files.")


def test_a_name_cannot_write_to_the_terminal(course: Course, tmp_path: Path) -> None:
    files = {"\x1b[31mred\n/convolution.ipynb": notebook("convolution")}
    assert all(line.isprintable() for line in collect_downloads(course, download(tmp_path, files)).lines())


def test_a_course_is_not_collected_into_itself(course: Course) -> None:
    before = sorted(course.root.rglob("*"))
    with pytest.raises(CourseError, match=r"course's own folder.*Name the folder or the archive"):
        collect_downloads(course, course.root)
    assert sorted(course.root.rglob("*")) == before

"""Every platform's download is recognised by its root, and tells whose a file is and, if it does, when it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from autograder.errors import CourseError
from autograder.gradebook.stamps import time_zone

if TYPE_CHECKING:
    from .conftest import Intake

METADATA = """---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: u0001
    :email: ada@x.org
  :created_at: 2026-03-02 12:00:05.000000000 Z
  :history:
  - :id: 9
    :created_at: 2026-03-01 10:00:00.000000000 Z
submission_12:
  :submitters: []
  :created_at: 2026-03-01 09:00:00.000000000 Z
"""
PATHS = {
    "blackboard": [
        "Convolution_ada_attempt_2026-03-01-17-30-10_convolution.ipynb",
        "Convolution_u0002_attempt_2026-03-03-09-00-00_convolution.ipynb",
    ],
    "brightspace": [
        "12345-67890 - Ada Lovelace - Mar 1, 2026 1159 PM/convolution.ipynb",
        "12346-67890 - Bob Müller - Mar 3, 2026 101 AM/convolution.ipynb",
    ],
    "canvas": ["lovelaceada_LATE_4711_120_convolution-1.ipynb", "mullerbob_4712_98_convolution.ipynb"],
    "google": ["Ada Lovelace - convolution.ipynb", "Bob Müller - Copy of convolution.ipynb"],
    "google in a folder": [
        "Assignment 9/Ada Lovelace - convolution.ipynb",
        "Assignment 9/Bob Müller - convolution.ipynb",
    ],
    "google in the folder that its archive makes": [
        "Assignment 9-20260301T101010Z-001/Assignment 9/Ada Lovelace - convolution.ipynb",
        "Assignment 9-20260301T101010Z-001/Assignment 9/Bob Müller - convolution.ipynb",
    ],
    "github in the folder that its assistant makes": [
        "convolution-submissions/convolution-ada/convolution.ipynb",
        "convolution-submissions/convolution-bob/convolution.ipynb",
    ],
    "ilias under an exercise's name": [
        "multi_feedback_Uebung_1/Lovelace_Ada_ada_4711/convolution.ipynb",
        "multi_feedback_Uebung_1/Müller_Bob_bob_4712/convolution.ipynb",
    ],
    "github": ["convolution-ada/convolution.ipynb", "convolution-bob/convolution.ipynb"],
    "ilias": [
        "multi_feedback/Lovelace_Ada_ada_4711/convolution.ipynb",
        "multi_feedback/Müller_Bob_bob_4712/convolution.ipynb",
    ],
    "moodle": [
        "Ada Lovelace_5501_assignsubmission_file_/convolution.ipynb",
        "Team 9-Bob Müller_5502_assignsubmission_file_/convolution.ipynb",
    ],
    "exchange": [
        "ada+01-convolution+2026-03-02 12:30:00.000000 CET/convolution.ipynb",
        "bob+01-convolution+2026-03-02 12:30:00.5 +0530+Xy_-12345678/convolution.ipynb",
    ],
    "tree": ["submitted/ada/01-convolution/convolution.ipynb", "submitted/bob/01-convolution/convolution.ipynb"],
    "folders": ["ada/homework/final/convolution.ipynb", "bob/convolution/convolution.ipynb"],
}
TIMES = {
    "blackboard": ("03-01 17:30", "03-03 09:00"),
    "brightspace": ("03-01 23:59", "03-03 01:01"),
    "canvas": ("unknown", ""),
    "exchange": ("03-02 11:30", "03-02 07:00"),
}


@pytest.mark.parametrize("platform", PATHS)
def test_owners_and_times_are_the_platforms(intake: Intake, platform: str) -> None:
    collected = intake.take({path: intake.notebook(str(n)) for n, path in enumerate(PATHS[platform])})
    assert collected.unplaced == ()
    assert intake.work() == {"ada": "0", "bob": "1"}
    assert (intake.time("ada"), intake.time("bob")) == TIMES.get(platform, ("", ""))


def test_a_platform_without_a_zone_is_asked_about_and_the_zone_given(intake: Intake) -> None:
    files = {PATHS["blackboard"][0]: intake.notebook()}
    assert any("without a zone" in line for line in intake.take(files).lines())
    collected = intake.take(files, zone=time_zone("Europe/Berlin"))
    assert not any("without a zone" in line for line in collected.lines())
    assert intake.time("ada") == "03-01 16:30"  # The same file, and a stamp that nobody corrected by hand.


def test_a_stamp_that_a_person_corrected_stays(intake: Intake) -> None:
    files = {PATHS["exchange"][0]: intake.notebook()}
    intake.take(files)
    (intake.course.submitted / "ada" / "01-convolution" / "timestamp.txt").write_text("2026-03-01 10:00 UTC")
    intake.take(files)
    assert intake.time("ada") == "03-01 10:00"


@pytest.mark.parametrize("zone", ["IST", "XYZ"])
def test_a_zone_that_is_not_clear_is_refused_with_a_message(intake: Intake, zone: str) -> None:
    collected = intake.take({f"ada+01-convolution+2026-03-02 12:30:00.0 {zone}/convolution.ipynb": intake.notebook()})
    assert intake.work() == {}
    assert zone in collected.unplaced[0].reason


def test_an_abbreviation_means_what_the_zone_that_is_given_means_by_it(intake: Intake) -> None:
    files = {"ada+01-convolution+2026-03-02 12:30:00.0 IST/convolution.ipynb": intake.notebook()}
    intake.take(files, zone=time_zone("Asia/Kolkata"))
    assert intake.time("ada") == "03-02 07:00"


def test_anonymous_students_are_called_as_the_platform_calls_them(intake: Intake) -> None:
    intake.take(
        {"anon_a1b2c_99_convolution.ipynb": intake.notebook("a"), "anon_LATE_x9y8z_98_c.ipynb": intake.notebook("x")}
    )
    assert intake.work() == {"anon-a1b2c": "a", "anon-x9y8z": "x"}
    assert (intake.time("anon-a1b2c"), intake.time("anon-x9y8z")) == ("", "unknown")


def test_participants_on_moodle_are_known_by_its_grading_worksheet(intake: Intake) -> None:
    path = "Participant 12345_12345_assignsubmission_file_/convolution.ipynb"
    intake.take({path: intake.notebook("hidden")})
    assert intake.work() == {"participant-12345": "hidden"}
    intake.list_students(
        "Identifier,Full name,Email address,Status\nParticipant 12345,Ada Lovelace,ada@x.org,Submitted\n"
    )
    intake.take({path: intake.notebook("known")})
    assert intake.work()["ada"] == "known"


def test_a_team_on_moodle_is_known_with_and_without_a_name(intake: Intake) -> None:
    intake.take(
        {
            "Team 1-Participant_77_assignsubmission_file_/convolution.ipynb": intake.notebook("team"),
            "Default group-Eve Marie O'Neil-Stone_78_assignsubmission_file_/convolution.ipynb": intake.notebook("eve"),
        }
    )
    assert intake.work() == {"ada": "team", "bob": "team", "eve": "eve"}


def test_a_group_on_canvas_hands_in_for_all_of_its_members(intake: Intake) -> None:
    collected = intake.take({"team1_9001_77_convolution.ipynb": intake.notebook("team")})
    assert intake.work() == {"ada": "team", "bob": "team"}
    assert "01-convolution: handed in together: ada, bob" in collected.lines()


def test_on_gradescope_the_active_submissions_time_counts_and_an_inactive_one_is_nobodys(intake: Intake) -> None:
    collected = intake.take(
        {
            "assignment_5_export/submission_metadata.yml": METADATA.encode(),
            "assignment_5_export/submission_11/convolution.ipynb": intake.notebook("active"),
            "assignment_5_export/submission_12/convolution.ipynb": intake.notebook("inactive"),
        }
    )
    assert intake.work() == {"ada": "active"}
    assert intake.time("ada") == "03-02 12:00"
    assert "inactive" in collected.unplaced[0].reason


def test_text_that_was_typed_in_is_named_and_does_not_hide_the_file(intake: Intake) -> None:
    collected = intake.take(
        {
            "Ada Lovelace_5501_assignsubmission_file_/convolution.ipynb": intake.notebook("file"),
            "Ada Lovelace_5501_assignsubmission_onlinetext_/onlinetext.html": b"<p>see file</p>",
            "Bob Müller_5502_assignsubmission_onlinetext_/onlinetext.html": b"<p>https://example.org/x</p>",
        }
    )
    assert intake.work() == {"ada": "file"}
    assert [(each.origin[:3], "typed in" in each.reason) for each in collected.unplaced] == [("Bob", True)]


@pytest.mark.parametrize("ending", [".ipynb.txt", ".ipynb.json", ".json"])
def test_endings_that_browsers_add_hide_no_notebook(intake: Intake, ending: str) -> None:
    intake.take({f"lovelaceada_4711_99_convolution{ending}": intake.notebook("named oddly")})
    assert intake.work() == {"ada": "named oddly"}


@pytest.mark.parametrize(("ending", "kind"), [("rar", "RAR"), ("7z", "7-Zip"), ("tar.gz", "GZIP")])
def test_other_archives_are_named(intake: Intake, ending: str, kind: str) -> None:
    collected = intake.take({f"lovelaceada_4711_99_work.{ending}": b"x"})
    assert kind in collected.unplaced[0].reason
    assert collected.unplaced[0].kept is not None


def test_what_otter_packs_is_unpacked(intake: Intake) -> None:
    packed = {"convolution.ipynb": intake.notebook("otter"), "__zip_filename__": b"x", "convolution.pdf": b"%PDF"}
    inner = intake.zipped(packed).read_bytes()
    collected = intake.take({"lovelaceada_4711_99_convolution_2026_03_01.zip": inner})
    assert intake.work() == {"ada": "otter"}
    assert collected.unplaced == ()


def test_an_export_of_otters_that_names_nobody_is_nobodys(intake: Intake) -> None:
    inner = intake.zipped({"convolution.ipynb": intake.notebook()}).read_bytes()
    collected = intake.take({"convolution_2026_03_01T10_00_00_000000.zip": inner})
    assert intake.work() == {}
    assert len(collected.unplaced) == 1


def test_what_lies_beside_a_notebook_is_kept_and_asks_nobody_for_a_look(intake: Intake) -> None:
    path = "submitted/ada/01-convolution"
    collected = intake.take(
        {
            f"{path}/convolution.ipynb": intake.notebook("mine"),
            f"{path}/timestamp.txt": b"2026-03-01 11:00:00.000000 UTC",
            f"{path}/helper.py": b"x = 1",
            f"{path}/data/rain.csv": b"1,2",
        }
    )
    assert intake.time("ada") == "03-01 11:00"
    assert not collected.needs_a_look
    assert {each.kept.read_bytes() for each in collected.beside if each.kept} == {b"x = 1", b"1,2"}


def test_a_pattern_with_named_groups_reads_everything_else(intake: Intake) -> None:
    pattern = r"(?P<last_name>\w+)-(?P<first_name>\w+)/(?P<assignment>\d+)/(?P<timestamp>[\d-]+)\.ipynb"
    collected = intake.take(
        {"Lovelace-Ada/01/2026-03-01-15-00-00.ipynb": intake.notebook("a"), "other.ipynb": intake.notebook("b")},
        pattern=pattern,
    )
    assert intake.work() == {"ada": "a"}
    assert intake.time("ada") == "03-01 15:00"
    assert "the pattern does not fit" in collected.unplaced[0].reason


@pytest.mark.parametrize("pattern", ["(", r"(?P<timestamp>\d+)"])
def test_a_pattern_that_cannot_work_is_refused(intake: Intake, pattern: str) -> None:
    with pytest.raises(CourseError, match="--pattern"):
        intake.take({"a.ipynb": intake.notebook()}, pattern=pattern)


def test_a_platform_that_does_not_exist_is_refused(intake: Intake) -> None:
    with pytest.raises(CourseError, match="canvas"):
        intake.take({"a.ipynb": intake.notebook()}, platform="canvass")


IDS = ["first", "second", "third"]


@pytest.mark.parametrize(
    ("path", "options", "there"),
    [
        ("lovelaceada_4711_1_sums.ipynb", {}, "ada/05-sums"),
        ("lovelaceada_4711_1_differences (1).ipynb", {}, "ada/06-differences"),
        ("ada/06-differences/work.ipynb", {}, "ada/06-differences"),
        ("ada+05-sums+2026-03-01 10:00:00.0 UTC/differences.ipynb", {}, "ada/05-sums"),
        ("lovelaceada_4711_1_sums.ipynb", {"assignment": "06-differences"}, "ada/06-differences"),
    ],
)
def test_where_marks_fit_two_assignments_the_path_and_the_request_decide(
    intake: Intake, path: str, options: dict[str, str], there: str
) -> None:
    intake.release("05-sums", "sums", IDS)
    intake.release("06-differences", "differences", IDS)
    intake.take({path: intake.with_ids(IDS, "x")}, **options)
    assert intake.work() == {there: "x"}


def test_where_nothing_decides_between_two_assignments_a_person_is_asked(intake: Intake) -> None:
    intake.release("05-sums", "sums", IDS)
    intake.release("06-differences", "differences", IDS)
    collected = intake.take({"ada/work.ipynb": intake.with_ids(IDS)})
    assert "--assignment" in collected.unplaced[0].reason


def test_an_assignment_whose_marks_are_part_of_anothers_is_told_apart(intake: Intake) -> None:
    intake.release("05-sums", "sums", IDS)
    intake.release("06-more", "more", [*IDS, "fourth", "fifth", "sixth"])
    intake.take(
        {
            "ada/a.ipynb": intake.with_ids(IDS, "short"),
            "bob/a.ipynb": intake.with_ids([*IDS, "fourth", "fifth"], "long"),
        }
    )
    assert intake.work() == {"ada/05-sums": "short", "bob/06-more": "long"}


def test_an_older_download_of_canvas_does_not_replace_a_newer_one(intake: Intake) -> None:
    intake.take({"lovelaceada_4711_120_final.ipynb": intake.notebook("second")})
    collected = intake.take({"lovelaceada_4711_99_convolution.ipynb": intake.notebook("first")})
    assert [each.outcome for each in collected.placed] == ["older"]
    assert intake.work() == {"ada": "second"}


def test_handing_in_again_in_time_takes_the_mark_of_lateness_away(intake: Intake) -> None:
    intake.take({"lovelaceada_LATE_4711_99_convolution.ipynb": intake.notebook("late")})
    intake.take({"lovelaceada_4711_120_convolution.ipynb": intake.notebook("excused")})
    assert (intake.work(), intake.time("ada")) == ({"ada": "excused"}, "")


def test_beside_a_blank_original_the_notebook_with_work_counts(intake: Intake) -> None:
    blank = (intake.root / "notebooks" / "01-convolution" / "convolution.ipynb").read_bytes()
    folder = "Ada Lovelace_5501_assignsubmission_file_"
    collected = intake.take({f"{folder}/convolution.ipynb": blank, f"{folder}/a copy.ipynb": intake.notebook("work")})
    assert intake.work() == {"ada": "work"}
    assert any("as it was handed out" in line for line in collected.lines())


def test_a_platform_that_tells_no_time_erases_none(intake: Intake) -> None:
    intake.take({PATHS["blackboard"][1]: intake.notebook("same")})
    collected = intake.take({"Bob Müller - convolution.ipynb": intake.notebook("same")})
    assert [each.outcome for each in collected.placed] == ["unchanged"]
    assert intake.time("bob") == "03-03 09:00"


def test_a_file_that_was_put_there_by_hand_gets_the_time_that_a_platform_tells(intake: Intake) -> None:
    folder = intake.course.submitted / "ada" / "01-convolution"
    folder.mkdir(parents=True)
    (folder / "convolution.ipynb").write_bytes(intake.notebook("same"))
    intake.take({PATHS["blackboard"][0]: intake.notebook("same")})
    assert intake.time("ada") == "03-01 17:30"


WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Last modified (submission)\n"
    'Participant 5501,Li Wei,ada@x.org,Submitted,,"Monday, 2 March 2026, 1:30 PM"\n'
    "Participant 5502,Li Wei,bob@x.org,Submitted,,-\n"
)


@pytest.mark.parametrize("name", ["Li Wei", "Participant"])
def test_moodles_worksheet_tells_who_is_behind_a_number_and_when_they_handed_in(intake: Intake, name: str) -> None:
    path = intake.root.parent / "worksheet.csv"
    path.write_text(WORKSHEET)
    files = {f"{name}_{n}_assignsubmission_file_/a.ipynb": intake.notebook(str(n)) for n in (5501, 5502)}
    intake.take(files, worksheet=path, zone=time_zone("Europe/Berlin"))
    assert intake.work() == {"ada": "5501", "bob": "5502"}
    assert (intake.time("ada"), intake.time("bob")) == ("03-02 12:30", "")


def test_a_worksheet_that_does_not_fit_is_refused(intake: Intake) -> None:
    path = intake.root.parent / "worksheet.csv"
    path.write_text("id\nada\n")
    moodle = {"Ada Lovelace_5501_assignsubmission_file_/a.ipynb": intake.notebook()}
    with pytest.raises(CourseError, match="not a grading worksheet"):
        intake.take(moodle, worksheet=path)
    with pytest.raises(CourseError, match="read as Canvas"):
        intake.take({"lovelaceada_4711_1_a.ipynb": intake.notebook()}, worksheet=path)

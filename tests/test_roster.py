"""Rosters are read as platforms export them and as spreadsheets save them; what is wrong is named by line and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.errors import CourseError
from autograder.roster import Roster, Student

PLAIN = "id,first_name,last_name\nada,Ada,Lovelace\nbob,Bob,Müller\n"
ADA, BOB = Student("ada", "Ada", "Lovelace"), Student("bob", "Bob", "Müller")


def roster(tmp_path: Path, data: bytes | str) -> tuple[Student, ...]:
    path = tmp_path / "students.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return Roster.read(path).students


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_of_a_spreadsheet_is_read(tmp_path: Path, encoding: str) -> None:
    assert roster(tmp_path, PLAIN.encode(encoding)) == (ADA, BOB)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace(",", ";"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\n,,\n\n"),
        "\n\n" + PLAIN,
        PLAIN.replace("id,first_name,last_name", "ID, First Name ,LAST-NAME"),
        PLAIN.replace("ada,Ada", '"ada"," Ada "'),
        PLAIN.replace("id,first_name,last_name", "Id,Vorname,Nachname"),
        PLAIN.replace("ü", "u\u0308"),
    ],
)
def test_every_form_of_a_spreadsheet_is_read(tmp_path: Path, text: str) -> None:
    assert roster(tmp_path, text) == (ADA, BOB)


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Differences (88123),Final Score
,,,,,Manual Posting,
    Points Possible,,,,,33,(read only)
"Lovelace, Ada",4711,u0001,ada,Sec 1,,
"Müller, Bob",4712,u0002,bob,Sec 1,,
"Student, Test",4799,,f00d,Sec 1,,
"""
ADA_EVERYWHERE = Student("ada", "Ada", "Lovelace", lms_user_id="4711", sid="u0001")


@pytest.mark.parametrize(
    ("text", "ada"),
    [
        (CANVAS, ADA_EVERYWHERE),
        ('Student,ID,Section\n"Lovelace, Ada",4711,S\n', Student("4711", "Ada", "Lovelace", lms_user_id="4711")),
        (
            "First name,Last name,ID number,Email address,Groups\nAda,Lovelace,u0001,ada@x.org,Team 1\n",
            Student("u0001", "Ada", "Lovelace", "ada@x.org", sid="u0001", group="Team 1"),
        ),
        (
            "Vorname;Nachname;Anmeldename;E-Mail-Adresse;Gruppen\nAda;Lovelace;ada;ada@x.org;Team 1, Labor\n",
            Student("ada", "Ada", "Lovelace", "ada@x.org", group="Team 1, Labor"),
        ),
        (
            "First Name,Last Name,SID,Email,Sections\nAda,Lovelace,u0001,ada@x.org,Sec 1\n",
            Student("u0001", "Ada", "Lovelace", "ada@x.org", sid="u0001"),
        ),
        ("Name,SID,Email\nAda Lovelace,,ada@x.org\n", Student("ada", "Ada", "Lovelace", "ada@x.org")),
        (
            "Identifier,Full name,Email address,Status,Grade\nParticipant 5501,Ada Lovelace,ada@x.org,Submitted,-\n",
            Student("ada", "Ada", "Lovelace", "ada@x.org", participant="5501"),
        ),
        (
            '"Last Name","First Name","Username","Student ID"\n"Lovelace","Ada","ada","u0001"\n',
            Student("ada", "Ada", "Lovelace", sid="u0001"),
        ),
        (
            "OrgDefinedId,Username,Last Name,First Name,Email\n#u0001,#ada,Lovelace,Ada,ada@x.org\n",
            Student("ada", "Ada", "Lovelace", "ada@x.org", sid="u0001"),
        ),
        ("identifier,github_username\nada,ada-l\n", Student("ada", github="ada-l")),
    ],
)
def test_exports_of_platforms_are_read(tmp_path: Path, text: str, ada: Student) -> None:
    assert roster(tmp_path, text)[0] == ada


def test_what_canvas_puts_among_its_students_is_left_out(tmp_path: Path) -> None:
    assert [each.id for each in roster(tmp_path, CANVAS)] == ["ada", "bob"]


def test_two_addresses_with_the_same_beginning_are_two_students(tmp_path: Path) -> None:
    found = roster(tmp_path, "Name,SID,Email\nAda L,,ada@x.org\nAda M,,ada@y.org\nBob M,,bob@y.org\n")
    assert [each.id for each in found] == ["ada@x.org", "ada@y.org", "bob"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,first_name\nada,Ada\n\n,Bob\n", r"line 4: the id is empty \('Bob'\)"),
        ("id\nada\nbob\nada\n", r"line 4: the id 'ada' is also in line 2"),
        ("id,first_name\nada,Ada,Lovelace\n", r"line 2: 'Lovelace' does not belong to a column"),
        ("id\n../x\n", r"line 2: '../x' cannot be an id"),
        ("first,last\nAda,Lovelace\n", r"no column 'id'.*'first, last'"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CourseError, match=rf"students\.csv.*{message}"):
        roster(tmp_path, text)


def test_ids_that_differ_in_case_or_unicode_form_only_are_remarked_on(tmp_path: Path) -> None:
    found = Roster([Student("ada"), Student("Ada"), Student("bob")])
    (remark,) = found.remarks()
    assert "'Ada' and 'ada'" in remark
    assert Roster([Student("ada"), Student("bob")]).remarks() == []


def test_a_number_is_nobodys_name_and_a_name_nobodys_id() -> None:
    people = Roster([Student("stone", "Ada", "Lovelace", lms_user_id="7"), Student("7", "Eve", "Stone")])
    assert people.candidates([("number", "7")]) == ("stone",)
    assert people.candidates([("name", "stone")]) == ()
    assert people.candidates([("id", "7")]) == ("7",)


def test_a_name_with_and_without_an_accent_are_two_people() -> None:
    people = Roster([Student("a", "Bob", "Müller"), Student("b", "Bob", "Muller")])
    assert people.candidates([("name", "Bob Müller")]) == ("a",)
    assert people.candidates([("name", "bob muller")]) == ("b",)
    assert people.candidates([("name", "mullerbob")]) == ("a", "b")

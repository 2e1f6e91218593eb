"""Times, extensions and the price of lateness in course.toml: understood, or refused with file, key and value."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from autograder.course import Course, LatePolicy
from autograder.errors import CourseError

DAY = 24 * 60 * 60


def course_with(tmp_path: Path, text: str) -> Course:
    (tmp_path / "course.toml").write_text(f'id = "cnn"\n{text}')
    return Course.find(tmp_path)


def due(tmp_path: Path, value: str, head: str = "") -> str:
    course = course_with(tmp_path, f"{head}\n[assignments.01-a]\ndue = {value}\n")
    moment = course.settings("01-a").due
    assert moment is not None
    assert moment.utcoffset() == dt.timedelta(0)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-02T23:59:00Z", "2026-03-02 23:59:00"),
        ("2026-03-02T23:59:00+01:00", "2026-03-02 22:59:00"),
        ("2026-03-02 23:59:00-11:30", "2026-03-03 11:29:00"),
        ("2026-03-02T23:59:00", "2026-03-02 23:59:00"),
        ("2026-03-02", "2026-03-02 23:59:59"),
        ('"2026-03-02T23:59+05:45"', "2026-03-02 18:14:00"),
        ('"2026-03-02"', "2026-03-02 23:59:59"),
    ],
)
def test_a_deadline_in_any_form_is_understood(tmp_path: Path, value: str, moment: str) -> None:
    assert due(tmp_path, value) == moment


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-02T23:59:00", "2026-03-02 22:59:00"),
        ("2026-07-02T23:59:00", "2026-07-02 21:59:00"),
        ("2026-07-02", "2026-07-02 21:59:59"),
        ("2026-07-02T23:59:00Z", "2026-07-02 23:59:00"),
        ("2026-10-25T02:30:00", "2026-10-25 01:30:00"),  # It happens twice: the later one.
        ("2026-03-29T02:30:00", "2026-03-29 01:30:00"),  # It does not happen: the later reading.
    ],
)
def test_a_local_deadline_is_in_the_courses_time_zone(tmp_path: Path, value: str, moment: str) -> None:
    assert due(tmp_path, value, 'time_zone = "Europe/Berlin"') == moment


@pytest.mark.parametrize(
    "value", ["23:59:00", "1", "true", '"soon"', '"2026-13-01"', "0001-01-01", "9999-12-31T00:00:00Z", "[2026-03-02]"]
)
def test_what_is_not_a_deadline_is_refused_with_key_and_value(tmp_path: Path, value: str) -> None:
    with pytest.raises(CourseError) as caught:
        due(tmp_path, value)
    message = str(caught.value)
    assert "course.toml, assignments.01-a.due: " in message
    assert "is not a" in message
    assert value[1:5].lower() in message.lower()


@pytest.mark.parametrize(
    "value", ["2026-3-2", "2026-02-30", "2026-03-02T25:00:00Z", "2026-03-02T23:59:00 CET", "02.03.2026"]
)
def test_what_toml_does_not_take_for_a_time_is_quoted_with_the_right_form(tmp_path: Path, value: str) -> None:
    with pytest.raises(CourseError) as caught:
        due(tmp_path, value)
    assert f"due = {value}" in str(caught.value)
    assert "A time is written as 2026-03-02T23:59:00+01:00" in str(caught.value)


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    for zone in ('"Europe/Atlantis"', "1", '""', '"../etc"'):
        with pytest.raises(CourseError, match="time_zone"):
            course_with(tmp_path, f"time_zone = {zone}")


def extension(tmp_path: Path, value: str) -> dt.datetime:
    course = course_with(tmp_path, f"[extensions.ada]\n01-a = {value}\n")
    (found,) = course.extensions("01-a", ["ada"])
    return found.applied(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("value", "until"),
    [
        ("2026-03-09T23:59:00+01:00", "2026-03-09 22:59"),
        ("2026-03-09", "2026-03-09 23:59"),
        ('"3 days"', "2026-03-04 12:00"),
        ('"36 hours"', "2026-03-03 00:00"),
        ('"90 minutes"', "2026-03-01 13:30"),
        ('"1 week"', "2026-03-08 12:00"),
        ("2", "2026-03-03 12:00"),
        ("0.5", "2026-03-02 00:00"),
    ],
)
def test_an_extension_is_a_new_deadline_or_so_much_later(tmp_path: Path, value: str, until: str) -> None:
    assert extension(tmp_path, value).strftime("%Y-%m-%d %H:%M") == until


@pytest.mark.parametrize(
    "value", ['"a while"', "-1", "nan", "inf", "true", "23:59:00", "1e9", '"3 years"', "{days = 3}"]
)
def test_what_is_not_an_extension_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(CourseError, match=r"course.toml, extensions\.ada\.01-a"):
        extension(tmp_path, value)


def test_an_extension_without_an_assignment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"extensions\.ada: .* is not a table"):
        course_with(tmp_path, "[extensions]\nada = 2026-03-09\n")


def test_extensions_are_found_either_way_round_and_for_groups(tmp_path: Path) -> None:
    course = course_with(tmp_path, '[extensions]\nada.01-a = 1\n01-a = { bob = 2, ada = 3 }\n"Team 1" = { 01-a = 4 }\n')
    assert [each.seconds / DAY for each in course.extensions("01-a", ["ada", "Team 1"])] == [1, 4, 3]
    assert [each.seconds / DAY for each in course.extensions("01-a", ["bob"])] == [2]
    assert course.extensions("02-b", ["ada", "Team 1"]) == []


def test_an_extension_for_no_assignment_is_said(tmp_path: Path) -> None:
    (tmp_path / "solutions" / "01-a").mkdir(parents=True)
    course = course_with(tmp_path, "[extensions]\nada = { 01-b = 1 }\nbob = { 01-a = 1 }\n")
    (remark,) = course.remarks()
    assert "ada" in remark
    assert "01-b" in remark


def test_an_extension_for_nobody_is_said(tmp_path: Path) -> None:
    (tmp_path / "solutions" / "01-a").mkdir(parents=True)
    (tmp_path / "students.csv").write_text("id,group\nada,Team 1\n")
    text = '[extensions]\nada.01-a = 1\n"Team 1".01-a = 1\n01-a = { aad = 1 }\n'
    (remark,) = course_with(tmp_path, text).remarks()
    assert "aad is neither a student nor a group" in remark


@pytest.mark.parametrize(
    "line",
    [
        "grace_minutes = -1", "grace_minutes = nan", "grace_minutes = inf", 'grace_minutes = "5"',
        "late_penalty_fixed = 2", "late_penalty_max = -0.1", "late_penalty_per_day = nan", "late_days_accepted = -1",
        'late_unknown = "never"',
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_with_its_key(tmp_path: Path, line: str) -> None:
    for table in ("grading", "assignments.01-a"):
        with pytest.raises(CourseError, match=line.split()[0]):
            course_with(tmp_path, f"[{table}]\n{line}\n")


def test_an_assignment_has_its_own_policy_and_the_courses_for_the_rest(tmp_path: Path) -> None:
    course = course_with(
        tmp_path,
        "[grading]\nlate_penalty_per_day = 0.1\ngrace_minutes = 5\n[assignments.01-a]\nlate_penalty_per_day = 0.0\n",
    )
    assert (course.late_policy("01-a").late_penalty_per_day, course.late_policy("01-a").grace_minutes) == (0.0, 5.0)
    assert course.late_policy("02-b").late_penalty_per_day == 0.1


@pytest.mark.parametrize(
    ("policy", "days", "share"),
    [
        (LatePolicy(late_penalty_per_day=0.1), 0, 0.0),
        (LatePolicy(late_penalty_per_day=0.1), 1 / DAY, 0.1),
        (LatePolicy(late_penalty_per_day=0.1), 1, 0.1),
        (LatePolicy(late_penalty_per_day=0.1), 1 + 1 / DAY, 0.2),
        (LatePolicy(late_penalty_per_day=0.1), 100, 1.0),
        (LatePolicy(late_penalty_per_day=0.1, late_penalty_max=0.3), 100, 0.3),
        (LatePolicy(late_penalty_fixed=0.2), 100, 0.2),
        (LatePolicy(late_penalty_fixed=0.2, late_penalty_per_day=0.1), 2, 0.4),
        (LatePolicy(late_days_accepted=7), 7, 0.0),
        (LatePolicy(late_days_accepted=7), 7 + 1 / DAY, 1.0),
        (LatePolicy(late_days_accepted=0, late_penalty_max=0.5), 1 / DAY, 1.0),
        (LatePolicy(), 100, 0.0),
    ],
)
def test_what_lateness_costs(policy: LatePolicy, days: float, share: float) -> None:
    assert policy.share(days * DAY) == pytest.approx(share)
    assert policy.free == (policy == LatePolicy())

"""The log cannot be changed unseen, and leads anyone to the same board."""

import datetime as dt
import json
from dataclasses import replace

import msgspec
import pytest

from autograder.errors import LeaderboardError
from autograder.leaderboard.board import Attempt, BoardEntry, Status
from autograder.leaderboard.configuration import read_prizes
from autograder.leaderboard.history import BoardLog, frozen_at, record_board, replay_board
from autograder.leaderboard.ranking import prize_changes, standings
from autograder.leaderboard.render.document import render_json

AT = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PRIZES = read_prizes([{"rank": 1, "award": "automatic A+"}, {"percentile": 50, "award": "bump", "minimum": 3.5}])


def key(entrant):
    return f"key-of-{entrant[::-1]}"


def board(*scores, apart=(), **settings):
    entries = [BoardEntry(f"s{n}", score, AT + dt.timedelta(hours=n)) for n, score in enumerate(scores)]
    names = lambda entrant: f"name {entrant}"  # noqa: E731
    return standings([*entries, *apart], name="b", maximum=66, prizes=PRIZES, names=names, **settings)


@pytest.fixture
def log(tmp_path):
    return BoardLog(tmp_path / "boards" / "b.jsonl")


def test_a_replay_gives_the_published_board(log):
    apart = [BoardEntry("w", status=Status.WITHDRAWN), BoardEntry("f", status=Status.FAILED, reason="over budget")]
    signed = record_board(board(9, 9, 4, apart=apart, show=2, notes=["a note"]), log, key)
    assert render_json(replay_board(log)) == render_json(signed)


def test_a_replay_gives_the_last_of_many_boards(log):
    record_board(board(9, 9, 4), log, key)
    record_board(board(9, 12, 4, 1), log, key, reason="regrade: the mask was too strict")
    past = BoardEntry("s1", 3, AT, history=(Attempt(AT, 1), Attempt(None, 3, "again")), badges=("adjusted",))
    last = record_board(board(2, apart=[past]), log, key, reason="two withdrew their consent")
    assert render_json(replay_board(log)) == render_json(last)


def test_publishing_the_same_board_again_writes_nothing(log):
    record_board(board(9, 4), log, key)
    before = log.path.read_bytes()
    record_board(board(9, 4), log, key)
    assert log.path.read_bytes() == before


def test_a_regrade_is_recorded_with_its_reason_and_shows_before_and_after(log):
    record_board(board(9, 4), log, key)
    record_board(board(9, 12), log, key, reason="question 3")
    last = log.records()[-1]
    assert (last.kind, last.reason, last.data["score"]) == ("regrade", "question 3", 12)
    found = {c.entrant: (c.rank_before, c.rank_after) for c in prize_changes(board(9, 4), board(9, 12))}
    assert found == {"s0": (1, 2), "s1": (2, 1)}


def test_a_frozen_board_changes_only_for_a_reason(log):
    record_board(board(9, 4), log, key, freeze=True, at=AT)
    assert frozen_at(log) == AT
    with pytest.raises(LeaderboardError, match="frozen"):
        record_board(board(9, 5), log, key)
    assert record_board(board(9, 5), log, key, reason="appeal").log.startswith("8 records")


def test_the_log_does_not_name_a_student(log):
    record_board(board(9, 4), log, key)
    assert b'"s0"' not in log.path.read_bytes()


def tampered(log, line, change):
    lines = log.path.read_text().splitlines(keepends=True)
    change(lines, line)
    log.path.write_text("".join(lines))


def edit(lines, line):
    content = json.loads(lines[line])
    content["data"]["score"] = 66
    lines[line] = json.dumps(content) + "\n"


def drop(lines, line):
    del lines[line]


def swap(lines, line):
    lines[line], lines[line - 1] = lines[line - 1], lines[line]


def double(lines, line):
    lines.insert(line, lines[line])


def garble(lines, line):
    lines[line] = "{nonsense\n"


@pytest.mark.parametrize("change", [edit, drop, swap, double, garble])
def test_tampering_is_found_out_and_the_line_named(log, change):
    record_board(board(9, 8, 7, 6), log, key)
    tampered(log, 5, change)
    with pytest.raises(LeaderboardError, match=r"line [567]"):
        log.verify()


def test_a_log_cut_short_does_not_match_the_published_head(log):
    head = record_board(board(9, 8), log, key).log.split()[-1]
    assert log.verify(head) == log.verify(head[:12]) == 6
    tampered(log, -1, drop)
    with pytest.raises(LeaderboardError, match="cut off"):
        log.verify(head)


def test_half_a_record_left_by_a_crash_was_never_written(log):
    record_board(board(9), log, key)
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + b'{"number": 5, "at')
    assert log.verify() == 4
    log.append([("freeze", {}, "")])
    assert log.verify() == 5


def test_an_empty_log_holds_no_board(log):
    with pytest.raises(LeaderboardError, match="contains no board"):
        replay_board(log)


def test_statistics_and_signature_do_not_enter_the_log(log):
    signed = record_board(board(9), log, key)
    assert record_board(replace(signed, log="something else"), log, key).log == signed.log


def test_an_adjustment_is_recorded_with_its_own_reason(log):
    given = BoardEntry("s0", 10, AT, badges=("adjusted",), adjustments=("+0.5: the readme",))
    signed = record_board(board(4, apart=[]), log, key)
    assert signed.standings[0].history == ()
    record_board(standings([given], name="b", maximum=66, prizes=PRIZES, names=lambda e: f"name {e}"), log, key)
    last = log.records()[-1]
    assert (last.kind, last.reason, last.data["adjustments"]) == (
        "adjustment",
        "+0.5: the readme",
        ["+0.5: the readme"],
    )
    record_board(board(4), log, key, reason="taken back")
    assert (log.records()[-1].kind, log.records()[-1].reason) == ("adjustment", "taken back")


def test_the_log_gives_each_row_its_history_and_a_replay_the_same(log):
    record_board(board(9, 4), log, key, at=AT)
    record_board(board(9, 12), log, key, at=AT + dt.timedelta(hours=1))
    signed = record_board(board(9, 11), log, key, at=AT + dt.timedelta(hours=2))
    past = {row.entry.entrant: [(a.score, a.note) for a in row.history] for row in signed.standings}
    assert past == {"s0": [], "s1": [(4, "grade"), (12, "regrade"), (11, "regrade")]}
    assert render_json(replay_board(log)) == render_json(signed)
    assert render_json(record_board(signed, log, key)) == render_json(signed)


def test_a_history_follows_the_boards_units(log):
    record_board(board(9, 4), log, key)
    signed = record_board(board(18, 10, scale=4), log, key)
    assert [(a.score, signed.points(a.score)) for a in signed.standings[1].history] == [(8, "2.00"), (10, "2.50")]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("grade", {"entrant": "x", "at": "yesterday", "status": "scored", "score": 3}),
        ("grade", {"score": 3}),
        ("open", {"title": "no units"}),
        ("prizes", {"prizes": [{"award": "x", "wins": 1}]}),
        ("grade", {"entrant": "nameless", "status": "scored", "score": 3}),
    ],
)
def test_records_that_make_no_board_are_told_even_where_their_hashes_hold(log, kind, data):
    record_board(board(9), log, key)
    log.append([(kind, data, "")])
    with pytest.raises(LeaderboardError, match=r"b\.jsonl"):
        replay_board(log)


def test_a_freeze_at_no_time_is_named_by_line(log):
    record_board(board(9), log, key)
    log.append([("freeze", {}, "")])
    lines = log.path.read_text().splitlines()
    bad = msgspec.structs.replace(log.records()[-1], at="yesterday")
    bad = msgspec.structs.replace(bad, hash=bad.computed_hash())
    log.path.write_text("\n".join([*lines[:-1], msgspec.json.encode(bad).decode()]) + "\n")
    with pytest.raises(LeaderboardError, match=r"line 5: 'yesterday' is not a time"):
        frozen_at(log)


@pytest.mark.parametrize("field", ["history", "late", "provisional", "prize", "badges", "adjustments", "reason", "at"])
def test_a_field_that_is_newer_than_the_log_changes_nothing(log, tmp_path, field):
    now = board(9, 4, apart=[BoardEntry("w", status=Status.WITHDRAWN)]) if field != "at" else undated()
    record_board(now, log, key)
    older = BoardLog(tmp_path / "older.jsonl")
    entries = {"grade", "status", "withdrawal"}
    events = [
        (each.kind, {k: v for k, v in each.data.items() if each.kind not in entries or k != field}, each.reason)
        for each in log.records()
    ]
    assert any(field in each.data for each in log.records()) or field == "adjustments"
    older.append([*events, ("freeze", {}, "")])
    count = older.verify()
    record_board(now, older, key)  # It is frozen, and there is no reason to give.
    assert older.verify() == count
    assert render_json(replay_board(older)) == render_json(record_board(now, older, key))


def undated():
    return standings(
        [BoardEntry("a", 3), BoardEntry("b", 2)], name="b", maximum=66, names=lambda entrant: f"name {entrant}"
    )


@pytest.mark.parametrize("setting", ["show", "notes", "times"])
def test_a_setting_that_is_newer_than_the_log_changes_nothing(log, tmp_path, setting):
    record_board(undated(), log, key)
    older = BoardLog(tmp_path / "older.jsonl")
    older.append(
        [(each.kind, {k: v for k, v in each.data.items() if k != setting}, each.reason) for each in log.records()]
    )
    count = older.verify()
    record_board(undated(), older, key)
    assert older.verify() == count


def test_a_field_that_has_gone_changes_nothing(log, tmp_path):
    record_board(undated(), log, key)
    newer = BoardLog(tmp_path / "newer.jsonl")
    newer.append(
        [(each.kind, {**each.data, "colour": 1} if each.kind == "grade" else each.data, "") for each in log.records()]
    )
    count = newer.verify()
    record_board(undated(), newer, key)
    assert newer.verify() == count


def test_a_newer_field_that_says_something_is_recorded(log):
    record_board(board(9, 4), log, key)
    before = log.verify()
    late = standings(
        [BoardEntry("s0", 9, AT, late=True), BoardEntry("s1", 4, AT + dt.timedelta(hours=1))],
        name="b", maximum=66, prizes=PRIZES, names=lambda entrant: f"name {entrant}",
    )  # fmt: skip
    record_board(late, log, key)
    assert [each.kind for each in log.records()[before:]] == ["regrade"]

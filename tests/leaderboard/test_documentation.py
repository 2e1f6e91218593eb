"""docs/leaderboard.md says what the code does."""

import re
import tomllib
from pathlib import Path

import autograder.leaderboard
from autograder.leaderboard.configuration import Boards, Prize, read_boards, read_prizes
from autograder.leaderboard.simulation import simulate

PAGE = (Path(__file__).parents[2] / "docs" / "leaderboard.md").read_text(encoding="utf-8")
SETTINGS, PRIZES = (tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL))


def test_the_example_settings_are_valid_and_name_every_key():
    assert read_boards(SETTINGS["leaderboard"])
    assert set(SETTINGS["leaderboard"]) == set(Boards.__struct_fields__)


def test_the_example_prizes_are_valid_and_name_every_key():
    assert [prize.award for prize in read_prizes(PRIZES["prizes"])] == ["automatic A+", "grade bump", "a handshake"]
    assert {key for prize in PRIZES["prizes"] for key in prize} == set(Prize.__struct_fields__)


def test_the_simulations_table_is_what_the_command_prints():
    printed = [f"{100 * v:.2f} %" for run in simulate() for v in (run.shown, run.private, run.inflation)]
    table = PAGE.split("| entrant |")[1].split("\n\n")[0]
    assert re.findall(r"[\d.]+ %", table) == printed


def test_the_package_offers_what_it_says():
    assert all(hasattr(autograder.leaderboard, name) for name in autograder.leaderboard.__all__)
    assert autograder.leaderboard.__all__ == sorted(
        autograder.leaderboard.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n)
    )

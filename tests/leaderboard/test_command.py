"""The purposes of ``autograder leaderboard`` beside publishing."""

import io
import json

import pytest
from rich.console import Console

from autograder.errors import LeaderboardError
from autograder.leaderboard.command import export_gradescope, preview, try_prizes, verify
from autograder.leaderboard.publishing import publish_boards


@pytest.fixture
def screen():
    return Console(file=io.StringIO(), width=120)


@pytest.fixture
def graded(course, hand_in):
    hand_in("ada", 20)
    hand_in("bob", 10)
    return course


def test_other_prizes_can_be_tried_without_publishing(graded, screen, tmp_path):
    rules = tmp_path / "generous.toml"
    rules.write_text('[[prizes]]\npercentile = 100\naward = "everybody wins"\n')
    board = try_prizes(graded, "01-convolution", rules, screen)
    assert [row.award.name for row in board.standings] == ["everybody wins"] * 2
    assert "grade bump → everybody wins" in screen.file.getvalue()
    assert not (graded.root / "leaderboard").exists()
    rules.write_text("[[prizes")
    with pytest.raises(LeaderboardError, match=r"generous\.toml cannot be read"):
        try_prizes(graded, "01-convolution", rules, screen)
    rules.write_text('[[prize]]\nrank = 1\naward = "x"\n')
    with pytest.raises(LeaderboardError, match=r"generous\.toml has no \[\[prizes\]\]"):
        try_prizes(graded, "01-convolution", rules, screen)
    rules.write_text('[[prizes]]\nrank = 1\nawrd = "x"\n')
    with pytest.raises(LeaderboardError, match=r"generous\.toml, \[\[prizes\]\] 1: .*awrd"):
        try_prizes(graded, "01-convolution", rules, screen)


def test_a_regrade_can_be_looked_at_before_it_is_published(graded, hand_in, screen):
    publish_boards(graded, "01-convolution", formats=[])
    hand_in("bob", 25)
    preview(graded, "01-convolution", screen)
    assert "2 → 1" in screen.file.getvalue()
    assert [row.rank for row in verify(graded, "01-convolution", console=screen).standings] == [1, 2]


def test_the_published_head_verifies_and_another_does_not(graded, screen):
    head = publish_boards(graded, "01-convolution", formats=[]).log.split()[-1]
    assert len(verify(graded, "01-convolution", head[:12], screen).standings) == 2
    with pytest.raises(LeaderboardError, match="cut off"):
        verify(graded, "01-convolution", "0" * 12, screen)


def test_gradescope_gets_one_file_per_student(graded, tmp_path):
    files = export_gradescope(graded, "01-convolution", tmp_path / "out")
    assert sorted(path.parent.name for path in files) == ["ada", "bob"]
    assert json.loads((tmp_path / "out" / "ada" / "results.json").read_text())["score"] == 20


@pytest.mark.parametrize("student", ["../eve", "..", "e" * 300])
def test_an_id_that_cannot_name_a_folder_stops_the_export_before_it_writes(graded, hand_in, tmp_path, student):
    hand_in(student, 5)
    with pytest.raises(LeaderboardError, match="cannot name a folder: nothing was written"):
        export_gradescope(graded, "01-convolution", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_named(graded, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(LeaderboardError, match=r"taken.* cannot be written.*Choose another --output"):
        publish_boards(graded, "01-convolution", ["csv"], tmp_path / "taken")

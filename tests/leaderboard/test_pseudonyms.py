"""Names on a board: pseudonyms that reveal nothing, and display names that deceive nobody."""

import pytest

from autograder.errors import LeaderboardError
from autograder.leaderboard.entrant import entrant_key, public_names
from autograder.secrets import Secret

SECRET = Secret.fixed("names")


class OnePseudonym(Secret):
    """A secret under which everyone draws the same pseudonym."""

    def __init__(self):
        super().__init__(b"0" * 32)

    def pseudonym(self, student_id):
        return "quiet-heron-001"


def test_a_pseudonym_is_the_same_on_every_board_and_another_under_another_secret():
    assert public_names(["ada", "bob"], SECRET)("ada") == public_names(["eve", "ada"], SECRET)("ada")
    assert public_names(["ada"], SECRET)("ada") != public_names(["ada"], Secret.fixed("other"))("ada")


def test_ten_thousand_students_get_ten_thousand_names():
    students = [f"student-{n}" for n in range(10_000)]
    assert len(set(map(public_names(students, SECRET), students))) == 10_000


def test_equal_pseudonyms_are_told_apart_by_a_keyed_mark():
    names = public_names(["ada", "bob"], OnePseudonym())
    assert names("ada") != names("bob")
    assert names("ada").startswith("quiet-heron-001-")


def test_a_student_who_asks_for_it_is_shown_under_a_chosen_name():
    names = public_names(["ada", "bob"], SECRET, {"ada": "  Ada   L. "})
    assert names("ada") == "Ada L."
    assert names("bob") == SECRET.pseudonym("bob")


@pytest.mark.parametrize("wish", ["", "=1+1", "<b>ada</b>", "a\u202eb", "x" * 41, "-5", "a;=1", "\u200b"])
def test_a_name_that_could_do_harm_is_refused(wish):
    with pytest.raises(LeaderboardError, match="ada"):
        public_names(["ada"], SECRET, {"ada": wish})


def test_a_name_that_could_be_taken_for_anothers_is_refused():
    with pytest.raises(LeaderboardError, match="could be taken for"):
        public_names(["ada", "bob"], SECRET, {"ada": SECRET.pseudonym("bob").replace("-", " ").upper()})
    with pytest.raises(LeaderboardError, match="could be taken for the display name of ada"):
        public_names(["ada", "bob"], SECRET, {"ada": "Zoë", "bob": "zoe"})


def test_a_key_in_a_log_is_stable_and_needs_the_secret():
    assert entrant_key("ada", SECRET) == entrant_key("ada", Secret.fixed("names")) != entrant_key("bob", SECRET)
    assert len(entrant_key("ada", SECRET)) == 16

"""One secret per course, and what is derived from it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from autograder.errors import CourseError
from autograder.secrets import Secret


def test_a_secret_is_made_on_first_use_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = Secret.load_or_make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Secret.load_or_make(path).seed("a") == first.seed("a")


def test_two_courses_share_nothing(tmp_path: Path) -> None:
    one, other = (Secret.load_or_make(tmp_path / name) for name in "ab")
    assert one.seed("check") != other.seed("check")
    assert one.pseudonym("ada") != other.pseudonym("ada")


def test_names_do_not_run_together() -> None:
    secret = Secret.fixed("test")
    assert secret.derive("ab", "c") != secret.derive("a", "bc")
    assert secret.seed("ab", "c") != secret.seed("a", "bc")


def test_seeds_fit_a_random_generator_and_spread() -> None:
    seeds = {Secret.fixed("test").seed(str(number)) for number in range(1000)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert 0.4 < sum(seed & 1 for seed in seeds) / 1000 < 0.6


def test_a_damaged_secret_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("not hexadecimal")
    with pytest.raises(CourseError, match="does not contain a course secret"):
        Secret.load_or_make(path)
    assert path.read_text() == "not hexadecimal"


def test_a_secret_does_not_print_itself() -> None:
    assert repr(Secret.fixed("test")) == "<Secret>"

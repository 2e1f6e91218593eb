"""The hidden test is made from the secret, the same each time, and no copy of the published one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autograder.challenge.competition import HiddenTest, _hidden_test, hidden_test
from autograder.errors import MachineryError
from autograder.lab.datasets import read_idx
from autograder.secrets import Secret

DATA = Path(__file__).parents[2] / "data"
HERE, THERE = Secret.fixed("here"), Secret.fixed("there")


@pytest.fixture(scope="module")
def test() -> HiddenTest:
    return hidden_test(HERE, DATA / "hidden")


def test_every_picture_is_there_and_split_in_halves(test: HiddenTest) -> None:
    assert test.images.shape == (10_000, 1, 28, 28)
    assert test.images.dtype == np.float32
    assert 0 <= test.images.min() < test.images.max() <= 1
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert test.public.sum() == 5000


def test_the_same_secret_makes_it_again(test: HiddenTest) -> None:
    _hidden_test.cache_clear()
    again = hidden_test(HERE, DATA / "hidden")
    assert again is not test
    assert np.array_equal(again.images, test.images)
    assert np.array_equal(again.labels, test.labels)
    assert np.array_equal(again.public, test.public)


def test_another_secret_makes_another(test: HiddenTest) -> None:
    other = hidden_test(THERE, DATA / "hidden")
    assert other.training_seed != test.training_seed
    assert 0.05 < (other.labels == test.labels).mean() < 0.15
    assert 0.4 < (other.public == test.public).mean() < 0.6


def test_no_picture_is_the_published_one(test: HiddenTest) -> None:
    """The nearest published picture is far off: who has them, with labels, cannot simply look the answers up."""
    published = read_idx(DATA / "hidden" / "fashion-test-images.idx.xz").reshape(10_000, -1).astype(np.float32) / 255
    some = test.images[:200].reshape(200, -1)
    squares = (some**2).sum(1)[:, None] - 2 * some @ published.T + (published**2).sum(1)
    assert squares.min() > 1


def test_the_halves_are_no_harder_than_each_other(test: HiddenTest) -> None:
    public, private = test.images[test.public], test.images[~test.public]
    assert abs(public.mean() - private.mean()) < 0.01
    counts = np.bincount(test.labels[test.public], minlength=10)
    assert counts.min() > 400


def test_missing_pictures_are_the_machinerys_failure(tmp_path: Path) -> None:
    with pytest.raises(MachineryError, match="hidden_data"):
        hidden_test(HERE, tmp_path)

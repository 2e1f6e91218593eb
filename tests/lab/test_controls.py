"""Sliders where somebody can move them, and one drawing anywhere else."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import IPython.core.getipython as shell
import ipywidgets
import pytest

from autograder.lab import move

Drawn = list[tuple[int, int]]


@pytest.fixture
def drawn() -> Drawn:
    return []


def draw_into(drawn: Drawn) -> Any:
    def draw(stride: int, padding: int = 1) -> None:
        drawn.append((stride, padding))

    return draw


@pytest.fixture
def sliders(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A kernel, and the sliders that it is given to show."""
    shown: list[Any] = []
    monkeypatch.setattr(shell, "get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr(ipywidgets, "interact", lambda draw, **sliders: shown.extend(sliders.values()))
    return shown


def test_without_a_kernel_it_is_drawn_once_at_the_default_or_the_first_value(drawn: Drawn) -> None:
    move(draw_into(drawn), stride=range(2, 5), padding=range(3))
    assert drawn == [(2, 1)]


def test_without_the_package_it_is_drawn_once(
    drawn: Drawn, sliders: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    move(draw_into(drawn), stride=[4], padding=[0])
    assert (drawn, sliders) == ([(4, 0)], [])


def test_a_notebook_gets_a_slider_for_each_argument(drawn: Drawn, sliders: list[Any]) -> None:
    move(draw_into(drawn), stride=range(2, 5), padding=range(3))
    assert [(each.description, each.value, list(each.options)) for each in sliders] == [
        ("stride", 2, [2, 3, 4]),
        ("padding", 1, [0, 1, 2]),
    ]

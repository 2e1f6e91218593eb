"""Figures say in words what they show."""

from __future__ import annotations

import nbformat
from matplotlib.figure import Figure
from nbclient import NotebookClient

from autograder.lab.alternative_text import alternative_text

BEGINNING = """
import matplotlib.pyplot as plt
from autograder.lab import style
style(); style()
"""
SHOWN = """
fig, ax = plt.subplots()
ax.set(title="Does it rise?", xlabel="time, s", ylabel="height, m")
"""


def panels(*titles: str) -> Figure:
    figure = Figure()
    for axes, title in zip(figure.subplots(1, len(titles), squeeze=False).flat, titles, strict=True):
        axes.set_title(title, loc="left")
    return figure


def test_titles_axes_and_legends_are_told() -> None:
    figure = panels("Which one rises?")
    figure.suptitle("Two curves")
    (axes,) = figure.axes
    axes.set(xlabel="pass", ylabel="error, %")
    axes.plot([1, 2], label="training")
    axes.plot([2, 1], label="test")
    axes.legend()
    assert alternative_text(figure) == "Two curves. Which one rises?; error, % against pass; training, test."


def test_equal_panels_are_told_once_and_empty_ones_not_at_all() -> None:
    assert alternative_text(panels("a", "b", "a", "")) == "a. b."


def test_a_figure_without_words_says_so() -> None:
    assert alternative_text(panels("")) == "A figure without words."


def test_a_long_description_is_cut() -> None:
    assert len(alternative_text(panels(*(f"panel number {number}" for number in range(60))))) == 600


def test_a_figure_shown_in_a_notebook_carries_its_words() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in (BEGINNING, SHOWN)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [output for output in notebook.cells[1].outputs if output.output_type == "display_data"]
    assert [output.metadata["image/png"]["alt"] for output in shown] == ["Does it rise?; height, m against time, s."]

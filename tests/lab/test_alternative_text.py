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
    axes.plot([1, 2, 3], [1, 0.5, 0.25], label="training")
    axes.plot([1, 2, 3], [2, 1, 3], label="test")
    axes.axhline(1)
    axes.legend()
    assert alternative_text(figure) == (
        "Two curves. Which one rises?; error, % against pass; training goes from 1 to 0.25; "
        "test goes from 2 to 3, lowest 1 at 2."
    )


def test_images_and_bars_are_told_by_their_size_and_range() -> None:
    figure = panels("An image", "Bars", "Nothing that is a number")
    image, bars, nothing = figure.axes
    image.imshow([[0.0, 1.0, 0.5], [float("nan"), -2.0, 0.25]])
    bars.bar(["a", "b"], [3.0, 5.0])
    nothing.plot([float("nan")] * 4)
    assert alternative_text(figure) == (
        "An image; an image of 2 × 3 pixels, values from -2 to 1. Bars; 2 bars, from 3 to 5. Nothing that is a number."
    )


def test_bars_drawn_one_by_one_are_one_group_and_equal_values_are_told_once() -> None:
    figure = panels("One by one", "A single one", "With labels", "Equal")
    many, single, labelled, equal = figure.axes
    for place, height in enumerate([4.0, 2.0, 1.0]):
        many.bar(place, height)
    single.bar(0, 7.0)
    labelled.bar([0, 1], [1.0, 2.0], label="before")
    labelled.bar([0, 1], [3.0, 3.0], label="after")
    equal.imshow([[1.0, 1.0]])
    assert alternative_text(figure) == (
        "One by one; 3 bars, from 1 to 4. A single one; a bar of 7. "
        "With labels; before: 2 bars, from 1 to 2; after: 2 bars, all 3. Equal; an image of 1 × 2 pixels, values all 1."
    )


def test_many_curves_are_counted() -> None:
    figure = panels("Many")
    for number in range(9):
        figure.axes[0].plot([number, number, number])
    assert alternative_text(figure).endswith("; 3 more curves.")


def test_equal_panels_are_told_once_and_empty_ones_not_at_all() -> None:
    assert alternative_text(panels("a", "b", "a", "")) == "a. b."


def test_a_figure_without_words_says_so() -> None:
    assert alternative_text(panels("")) == "A figure without words."


def test_a_long_description_is_cut() -> None:
    assert len(alternative_text(panels(*(f"panel number {number}" for number in range(90))))) == 1000


def test_a_figure_shown_in_a_notebook_carries_its_words() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in (BEGINNING, SHOWN)])
    NotebookClient(notebook, timeout=120, iopub_timeout=60, kernel_name="python3").execute()
    shown = [output for output in notebook.cells[1].outputs if output.output_type == "display_data"]
    said, picture = shown
    assert said.data["text/html"].endswith(">Figure: Does it rise?; height, m against time, s.</p>")
    assert picture.metadata["image/png"]["alt"] == "Does it rise?; height, m against time, s."

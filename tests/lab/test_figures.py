"""Figures: what is drawn, in whose axes, and that no number lies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from autograder.lab import (
    lecture_image,
    lecture_kernel,
    show,
    show_curves,
    show_filters,
    show_grid,
    show_matrix,
    style,
    sweep,
    sweep_step,
)
from autograder.lab.curves import spread
from autograder.lab.figures import number

RESULT = [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


@pytest.fixture(autouse=True)
def _course_style() -> Iterator[None]:
    mpl.use("Agg")
    with mpl.rc_context():
        style()
        yield
    plt.close("all")


def texts(ax: Axes) -> list[str]:
    """What is written in the axes, in the order it was drawn."""
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("draw", [show, show_matrix])
def test_a_given_axes_is_drawn_into_and_no_other_figure_made(draw) -> None:
    _, (left, right) = plt.subplots(1, 2)
    draw(lecture_image(), right, title="here")
    assert plt.get_fignums() == [1]
    assert (len(left.images), len(right.images)) == (0, 1)
    assert right.get_title(loc="left") == "here"


def test_zero_is_mid_grey_in_a_signed_image() -> None:
    show(np.array([[-1.0, 0.0], [0.5, 4.0]]), signed=True)
    drawn = plt.gca().images[0]
    assert drawn.get_clim() == (-4, 4)
    assert np.allclose(drawn.to_rgba(np.zeros((1, 1)))[0, 0, :3], 0.5, atol=0.01)


def test_a_constant_image_is_drawn_without_a_warning() -> None:
    show(np.zeros((3, 3)))
    show(np.zeros((3, 3)), signed=True)
    show_matrix(np.full((2, 2), np.nan))
    plt.gcf().canvas.draw()


@pytest.mark.parametrize("image", [torch.rand(1, 4, 5), np.ones((4, 5), dtype=bool), np.zeros((4, 5, 3))])
def test_an_image_may_be_a_tensor_binary_or_in_colour(image: Any) -> None:
    show(image)
    assert plt.gca().images[0].get_array().shape[:2] == (4, 5)


@pytest.mark.parametrize("shape", [(3,), (2, 4, 5), (4, 5, 4), (1, 1, 4, 5)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"image must have shape .* not \("):
        show(np.zeros(shape))


def test_a_colorbar_is_as_high_as_its_image() -> None:
    show(lecture_image(), colorbar=True)
    plt.gcf().canvas.draw()
    image, bar = plt.gcf().axes[0], plt.gcf().axes[0].child_axes[0]
    assert bar.get_window_extent().height == pytest.approx(image.get_window_extent().height, rel=0.01)


@pytest.mark.parametrize(("count", "columns"), [(3, 3), (4, 4), (9, 9), (12, 6), (20, 10), (16, 8), (25, 5), (11, 8)])
def test_a_grid_leaves_no_gap_where_it_can(count: int, columns: int) -> None:
    show_grid(np.zeros((count, 4, 4)))
    grid = plt.gcf().axes[0].get_gridspec()
    assert grid.ncols == columns
    assert sum(bool(ax.images) for ax in plt.gcf().axes) == count


def test_a_grid_scales_each_image_or_all_alike() -> None:
    images = [np.array([[0.0, 1.0]]), np.array([[0.0, 8.0]])]
    show_grid(images)
    assert [ax.images[0].get_clim() for ax in plt.gcf().axes] == [(0, 1), (0, 8)]
    show_grid(images, same_scale=True)
    assert [ax.images[0].get_clim() for ax in plt.gcf().axes] == [(0, 8), (0, 8)]


def test_a_grid_takes_labels_as_titles() -> None:
    images: Any = torch.rand(3, 1, 4, 4)
    labels: Any = np.array([7, 8, 9])
    show_grid(images, labels)
    assert [ax.get_title(loc="left") for ax in plt.gcf().axes] == ["7", "8", "9"]


def test_a_grid_refuses_nothing_and_too_few_titles() -> None:
    with pytest.raises(ValueError, match="images holds none"):
        show_grid([])
    with pytest.raises(ValueError, match="titles must hold 2"):
        show_grid(np.zeros((2, 3, 3)), ["one"])


def test_titles_in_a_grid_do_not_overlap() -> None:
    show_grid(np.zeros((10, 4, 4)), ["a title that is longer than its image"] * 10)
    plt.gcf().canvas.draw()
    axes: list[Any] = plt.gcf().axes
    boxes = [ax._left_title.get_window_extent() for ax in axes]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))


def test_a_matrix_shows_each_number_in_its_cell() -> None:
    show_matrix([[1, -2.5, np.nan], [0.125, 1e6, -0.001]])
    ax = plt.gca()
    assert texts(ax) == ["1", "−2.5", "0.12", "1000000", "0"]
    assert ax.texts[2].get_position() == (0, 1)


def test_numbers_stay_inside_their_cells() -> None:
    figure, axes = plt.subplots(1, 3, figsize=(7, 2))
    for ax in axes:
        show_matrix(np.full((5, 5), -12.75), ax)
    figure.canvas.draw()
    for ax in axes:
        cell = ax.get_window_extent().width / 5
        assert max(text.get_window_extent().width for text in ax.texts) <= cell


@given(st.floats(-1e6, 1e6))
def test_a_written_number_is_the_rounded_value(value: float) -> None:
    assert float(number(value, 2).replace("−", "-")) == pytest.approx(value, abs=0.005 + 1e-9)


def panels() -> list[tuple[Axes, Axes]]:
    """The pairs of image and feature map in the current figure."""
    axes = [ax for ax in plt.gcf().axes if ax.images]
    return list(zip(axes[::2], axes[1::2], strict=True))


def test_a_sweep_fills_the_feature_map_position_by_position() -> None:
    sweep(lecture_image(), lecture_kernel(), RESULT)
    maps = [texts(right) for _, right in panels()]
    assert maps == [[str(value) for value in np.ravel(RESULT)[: step + 1]] for step in range(9)]


def test_a_sweep_frames_the_patch_that_gave_the_number() -> None:
    image, kernel = lecture_image(), lecture_kernel()
    sweep(image, kernel, RESULT)
    for left, right in panels():
        patch, cell = left.patches[0], right.patches[0]
        assert isinstance(patch, Rectangle)
        assert isinstance(cell, Rectangle)
        top, start = int(patch.get_y() + 0.5), int(patch.get_x() + 0.5)
        total = (image[top : top + 3, start : start + 3] * kernel).sum()
        assert total == RESULT[int(cell.get_y() + 0.5)][int(cell.get_x() + 0.5)]


def test_a_sweep_writes_each_weight_beside_its_pixel() -> None:
    kernel = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])
    image = np.arange(12.0).reshape(3, 4)
    sweep(image, kernel, np.zeros((2, 2)))
    weights = [text for text in panels()[3][0].texts if text.get_text().startswith("×")]
    assert [text.get_text() for text in weights] == ["×1", "×2", "×3", "×4", "×5", "×6.5"]
    assert [round(text.get_position()[0]) for text in weights] == [1, 2, 3, 1, 2, 3]
    assert [round(text.get_position()[1]) for text in weights] == [1, 1, 1, 2, 2, 2]


def test_a_long_sweep_shows_the_first_the_last_and_some_between() -> None:
    sweep(np.zeros((9, 11)), np.ones((2, 3)), np.zeros((4, 5)), stride=2, positions=4)
    titles = [left.get_title(loc="left") for left, _ in panels()]
    assert (len(titles), titles[0], titles[-1]) == (4, "position 0, 0", "position 3, 4")


@pytest.mark.parametrize(
    ("image", "kernel", "feature_map", "stride", "argument"),
    [
        (np.zeros((13, 5)), np.ones((2, 2)), np.zeros((12, 4)), 1, "image"),
        (np.zeros(5), np.ones((2, 2)), np.zeros((4, 4)), 1, "image"),
        (np.zeros((3, 5)), np.ones((4, 2)), np.zeros((1, 4)), 1, "kernel"),
        (np.zeros((3, 5)), np.ones((2, 2)), np.zeros((4, 2)), 1, "feature_map"),
        (np.zeros((3, 5)), np.ones((2, 2)), np.zeros((2, 4)), 0, "stride"),
    ],
)
def test_a_sweep_names_a_wrong_argument(image, kernel, feature_map, stride: int, argument: str) -> None:
    with pytest.raises(ValueError, match=f"^{argument} must"):
        sweep(image, kernel, feature_map, stride=stride)


def test_curves_are_named_at_their_ends_and_told_apart_in_grey() -> None:
    show_curves(
        {"training": [3, 2, 1.0], "test": [3, 2.5, 2.0], "chance": [5, 5, 5]}, xlabel="epoch", ylabel="error (%)"
    )
    ax = plt.gca()
    assert texts(ax) == ["training", "test", "chance"]
    assert len({line.get_linestyle() for line in ax.get_lines()}) == 3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "error (%)")
    assert np.asarray(ax.get_lines()[0].get_xdata()).tolist() == [1, 2, 3]


def test_repeated_runs_are_drawn_as_mean_and_band() -> None:
    show_curves({"runs": [[1.0, 2.0], [3.0, 6.0]]}, x=[0, 10])
    ax = plt.gca()
    assert np.asarray(ax.get_lines()[0].get_ydata()).tolist() == [2, 4]
    band = np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 1]
    assert (band.min(), band.max()) == (1, 6)


def test_a_curve_of_another_length_is_named() -> None:
    with pytest.raises(ValueError, match=r"x must have shape .* as 'b' has"):
        show_curves({"a": [1, 2], "b": [1, 2, 3]}, x=[1, 2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_spread_names_keep_their_order_and_distance(heights: list[float]) -> None:
    placed = np.array(spread(heights, 0.05))
    order = np.argsort(heights, kind="stable")
    assert (np.diff(placed[order]) > 0.05 - 1e-3).all()


def test_filters_draw_differences_around_mid_grey_and_others_as_the_photograph() -> None:
    photo = np.random.default_rng(0).random((8, 9))
    show_filters(photo, {"edge": [[1, -1]], "blur": [[0.5, 0.5]]}, lambda image, kernel: image[:, 1:] * kernel.sum())
    *_, edge, blur = (ax for ax in plt.gcf().axes if ax.images)
    low, high = edge.images[0].get_clim()
    assert low == -high
    assert blur.images[0].get_clim() == (photo.min(), photo.max())


def test_the_style_is_the_course_style() -> None:
    colours = mpl.rcParams["axes.prop_cycle"].by_key()
    assert len(set(colours["color"])) == 6
    assert "linestyle" in colours


def test_one_step_of_a_sweep_shows_the_feature_map_up_to_there() -> None:
    sweep_step(lecture_image(), lecture_kernel(), RESULT, 1, 2)
    left, right = plt.gcf().axes
    assert left.get_title(loc="left") == "position 1, 2"
    assert [text for text in texts(right) if text] == ["4", "3", "4", "2", "4", "3"]


@pytest.mark.parametrize(("row", "column"), [(3, 0), (0, -1)])
def test_a_step_that_there_is_not_is_refused(row: int, column: int) -> None:
    with pytest.raises(ValueError, match="row and column"):
        sweep_step(lecture_image(), lecture_kernel(), RESULT, row, column)

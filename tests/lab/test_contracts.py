"""Contract checks: one promise of a docstring, tried in all its cases; right answers pass, each wrong one is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from autograder.lab import (
    CheckFailed,
    domain,
    fresh_result,
    keeps_arguments,
    makes_no_difference,
    refuses_each,
    types_of,
)
from autograder.lab.arrays import LAYOUTS, laid

TABLE = np.array([[0.5, -1.25, 2.0], [3.75, 0.1, -0.5]])


def scaled(table: Any, factor: Any) -> Any:
    """Every entry times factor, in double precision."""
    return np.asarray(table, dtype=float) * factor


def message(check: Callable[..., None], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(CheckFailed) as failure:
        check(*args, **kwargs)
    return str(failure.value)


# ---- types_of


def test_a_function_that_converts_first_passes_every_type() -> None:
    types_of(scaled, lambda table, factor: table * factor, TABLE, 2.0)
    types_of(scaled, scaled, TABLE, 2.0, types=("bool", "float16", "list"))


def test_eight_bits_that_wrap_are_named() -> None:
    kernel = np.array([[1.0, 2.0, 3.0], [0.5, 0.25, 4.0]])
    told = message(types_of, lambda a, b: a * b, lambda a, b: a * b, TABLE, kernel)
    assert "argument 1 and argument 2 as int8" in told or "`a` and `b` as int8" in told


def test_whole_numbers_that_fit_stay_as_they_are() -> None:
    seen = []

    def keep(image: Any) -> Any:
        seen.append(image)
        return np.asarray(image, dtype=float)

    types_of(keep, keep, np.array([200.0, 100.0]), types=("uint8", "int8"), layouts=())
    assert [image.tolist() for image in seen if image.dtype == np.uint8] == [[200, 100]]
    assert [image.tolist() for image in seen if image.dtype == np.int8] == [[127, -128]]


def test_a_result_in_the_type_of_an_argument_is_noticed() -> None:
    def like_its_image(image: Any) -> Any:
        return np.array([float(np.mean(image))], dtype=image.dtype)

    assert "`image` as int8" in message(types_of, like_its_image, lambda image: np.array([image.mean()]), TABLE)


def test_a_promised_dtype_is_asked_for() -> None:
    def single(image: Any) -> Any:
        return np.asarray(image, dtype=np.float32) * 2

    types_of(single, lambda image: image * 2, TABLE)
    assert "another type of numbers" in message(types_of, single, lambda image: image * 2, TABLE, dtype=float)


@pytest.mark.parametrize("wrap", [tuple, list, lambda parts: dict(enumerate(parts))])
def test_a_promised_dtype_is_asked_of_every_part(wrap: Callable[[list[Any]], Any]) -> None:
    fresh_result(lambda table: wrap([table + 1, 2.0]), TABLE, dtype=float)
    second = np.float32(2.0)
    assert "another type of numbers" in message(
        fresh_result, lambda table: wrap([table + 1, second]), TABLE, dtype=float
    )


def test_without_a_reference_the_function_has_to_agree_with_itself() -> None:
    types_of(scaled, None, TABLE, 2.0)
    assert "as int8" in message(types_of, lambda table: table * table, None, TABLE)


def test_an_argument_of_whole_numbers_is_tried_with_whole_types() -> None:
    def picked(values: Any, places: Any) -> Any:
        return np.asarray(values, dtype=float)[places]

    types_of(picked, picked, np.arange(5.0), np.array([3, 0]), vary=["values", "places"])


def test_a_memory_layout_that_is_taken_for_granted_is_named() -> None:
    def by_bytes(table: Any) -> Any:
        return np.frombuffer(table.tobytes(order="A"), table.dtype).reshape(table.shape).astype(float)

    assert "`table`: Fortran order" in message(types_of, by_bytes, lambda table: table, TABLE)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_changes_no_value(layout: str) -> None:
    for array in (TABLE, np.arange(5.0), np.array(3.0), np.zeros((0, 2))):
        assert np.array_equal(laid(array, layout), array)
    found = laid(TABLE, layout)
    told = {
        "non-contiguous": not found.flags.c_contiguous and not found.flags.f_contiguous,
        "Fortran order": found.flags.f_contiguous,
        "reversed": all(stride < 0 for stride in found.strides),
        "read-only": not found.flags.writeable,
    }
    assert told[layout]


# ---- refuses_each


def pooled(x: Any, window: Any, mode: str = "max") -> Any:
    """Obeys: x of two dimensions, window of two positive whole numbers, mode max or mean."""
    if np.ndim(x) != 2:
        raise ValueError("x must have two dimensions")
    if len(window) != 2 or any(side != int(side) or side < 1 for side in window):
        raise ValueError("window must be two positive whole numbers")
    if mode not in ("max", "mean"):
        raise ValueError("mode must be max or mean")
    return np.zeros(1)


ALLOWED: dict[int | str, domain.Domain] = {
    "x": domain.dimensions(2),
    "window": domain.pair(least=1),
    "mode": domain.word("max", "mean"),
}


def test_a_function_that_refuses_everything_wrong_passes() -> None:
    refuses_each(pooled, TABLE, (1, 2), "max", allowed=ALLOWED, named=True)
    refuses_each(pooled, TABLE, (1, 2), mode="max", allowed=ALLOWED)
    refuses_each(pooled, TABLE, (1, 2), allowed={0: domain.dimensions(2)})


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("np.ndim(x) != 2", "np.ndim(x) < 2", "`x` with one dimension more"),
        ("np.ndim(x) != 2", "np.ndim(x) > 2", "`x` with one dimension less"),
        ("side < 1", "side < 0", "`window` with 0 in the first place"),
        ("any(side != int(side) or side < 1 for side in window)", "window[0] * window[1] < 1", "−1 in both places"),
        ("side != int(side) or ", "", "`window` with a fraction in the first place"),
        ("len(window) != 2 or ", "", "`window` with a single entry"),
        ("mode not in", "mode.lower() not in", "`mode` with capitals"),
        ("mode not in", "mode[:3] not in ('max', 'mea') and mode not in", "`mode` with a space behind"),
    ],
)
def test_a_narrower_test_of_an_argument_is_named(old: str, new: str, told: str) -> None:
    import inspect

    source = inspect.getsource(pooled)
    assert old in source
    names: dict[str, Any] = {"np": np, "Any": Any}
    exec(source.replace(old, new), names)
    assert told in message(refuses_each, names["pooled"], TABLE, (1, 2), "max", allowed=ALLOWED)


def test_two_negative_numbers_whose_product_is_positive_are_tried_together() -> None:
    def area(height: int, width: int, depth: float) -> float:
        if height * width < 1 or depth < 0:
            raise ValueError("height, width or depth is too small")
        return height * width * depth

    domains = {"height": domain.whole(1, fractions=False), "width": domain.whole(1, fractions=False)}
    told = message(refuses_each, area, 2, 3, 0.5, allowed={**domains, "depth": domain.number(least=0.0)})
    assert "`height` and `width` both negative" in told


def test_fractions_and_other_lengths_are_tried_only_where_they_are_promised_to_be_refused() -> None:
    def positive(window: Any) -> None:
        if min(window) < 1:
            raise ValueError("window")

    refuses_each(positive, (1, 2), allowed={"window": domain.pair(1, fractions=False, lengths=False)})
    for domain_, told in [
        (domain.pair(1, lengths=False), "a fraction"),
        (domain.pair(1, fractions=False), "single entry"),
    ]:
        assert told in message(refuses_each, positive, (1, 2), allowed={"window": domain_})


def test_refusing_everything_is_not_enough() -> None:
    def refusing(*_: Any) -> Any:
        raise ValueError("x window mode")

    with pytest.raises(ValueError, match="x window mode"):
        refuses_each(refusing, TABLE, allowed={0: domain.dimensions(2)})


def test_the_right_call_is_compared_with_a_reference() -> None:
    refuses_each(pooled, TABLE, (1, 2), "max", allowed=ALLOWED, reference=lambda x, window, mode: np.zeros(1))
    told = message(refuses_each, pooled, TABLE, (1, 2), "max", allowed=ALLOWED, reference=lambda *_: np.ones(1))
    assert "arguments that are allowed" in told


def test_an_argument_that_the_call_does_not_have_is_an_author_s_mistake() -> None:
    with pytest.raises(ValueError, match="no argument 'stride'"):
        refuses_each(pooled, TABLE, (1, 2), allowed={"stride": domain.whole(1)})


def test_shapes_next_to_the_right_one_are_all_wrong() -> None:
    wrong = {text: value.shape for text, value in domain.shape()(TABLE)}
    assert TABLE.shape not in wrong.values()
    assert {(3, 3), (2, 4), (1, 3), (2, 1), (6,), (3, 2), (1, 2, 3), (3,)} <= set(wrong.values())


def test_numbers_are_tried_on_both_sides_of_a_bound() -> None:
    wrong = [value for _, value in domain.number(above=0.0, most=1.0, finite=True)(0.5)]
    assert all(not 0 < value <= 1 for value in wrong)
    assert {0.0, -1e-9, np.nextafter(1.0, 2.0)} <= set(wrong)


# ---- fresh_result, keeps_arguments, makes_no_difference


def test_a_new_array_passes() -> None:
    fresh_result(scaled, TABLE, 2.0, kind=np.ndarray, dtype=float)


@pytest.mark.parametrize(
    "same_memory", [lambda table: table, lambda table: table.T, lambda table: (1.0, table[0]), lambda table: table[:]]
)
def test_an_argument_or_a_view_of_it_is_no_new_array(same_memory: Callable[..., Any]) -> None:
    assert "shares memory with `table`" in message(fresh_result, same_memory, TABLE)


def test_the_same_array_at_every_call_is_no_new_one() -> None:
    kept = np.zeros(2)
    assert "the result before" in message(fresh_result, lambda table: kept, TABLE)


@pytest.mark.parametrize(
    ("result", "kind"),
    [([1], tuple), (np.float64(1), int), (True, int), (np.ones(1), float), (1, float), (1, np.ndarray)],
)
def test_a_result_of_another_kind_is_noticed(result: object, kind: type) -> None:
    assert f"of type {kind.__name__}" in message(fresh_result, lambda: result, kind=kind)


@pytest.mark.parametrize(("result", "kind"), [((1,), tuple), (np.float64(1), float), (np.int32(1), int), (True, bool)])
def test_numpy_s_numbers_count_as_python_s(result: object, kind: type) -> None:
    fresh_result(lambda: result, kind=kind)


def test_arguments_that_stay_pass() -> None:
    keeps_arguments(lambda table, names: table + 1, TABLE, {"a": np.ones(2)})


def changes_a_dictionary(table: Any, names: Any) -> None:
    names["a"] += 1


def adds_a_key(table: Any, names: Any) -> None:
    names["b"] = 1


def changes_and_restores(table: Any, names: Any) -> None:
    table += 1
    table -= 1


@pytest.mark.parametrize("function", [changes_a_dictionary, adds_a_key])
def test_changes_are_seen_wherever_they_are(function: Callable[..., Any]) -> None:
    assert "changed one of its arguments, `names`" in message(keeps_arguments, function, TABLE, {"a": np.ones(2)})


def test_an_array_that_cannot_be_changed_is_tried() -> None:
    with pytest.raises(ValueError, match="read-only") as failure:
        keeps_arguments(changes_and_restores, np.arange(4.0), {"a": np.ones(2)})
    assert failure.value.__notes__ == ["This was asked: `table`: read-only."]


def test_an_argument_that_matters_though_it_should_not_is_named() -> None:
    def power(x: Any, mode: str, p: float) -> Any:
        return x**p if mode == "lp" else x * 2

    makes_no_difference(power, TABLE, "double", 2.0, vary={"p": [0.0, -1.0, 7.5]})
    told = message(makes_no_difference, lambda x, mode, p: x * p, TABLE, "double", 2.0, vary={"p": [3.0]})
    assert "another `p`, which makes no difference here" in told


@pytest.mark.parametrize("training", [True, False])
def test_a_network_is_to_be_left_with_its_weights_and_in_its_mode(training: bool) -> None:
    network = torch.nn.Linear(2, 1).train(training)
    keeps_arguments(lambda model, x: model(x).detach(), network, torch.ones(1, 2))
    for spoil in (
        lambda model, _: model.train(not training),
        lambda model, _: model.weight.data.add_(1),
        lambda model, _: model.requires_grad_(False),
        lambda model, _: model.bias.requires_grad_(False),
    ):
        assert "changed one of its arguments" in message(keeps_arguments, spoil, network, 1)

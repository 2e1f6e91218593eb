"""The domains of arguments, and with them the wrong values next to a good one: for `refuses_each`.

Each function returns a domain: a function of the good value that gives pairs of a description and a wrong value. The
description goes into the message, so it names the kind and no value of a hidden test::

    refuses_each(pool, x, (2, 3), "max", allowed={
        "x": domain.dimensions(4), "window": domain.pair(least=1), "mode": domain.word("max", "mean"),
    })
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["Domain", "also", "dimensions", "nonempty", "number", "pair", "shape", "values", "whole", "word"]

Domain = Callable[[Any], Iterator[tuple[str, Any]]]
"""A function from a good value to pairs of (what is wrong, wrong value)."""


def dimensions(count: int, *, filled: bool = False) -> Domain:
    """Return the domain of arrays of exactly ``count`` dimensions; with ``filled``, of at least one entry."""

    def wrong(good: Any) -> Iterator[tuple[str, Any]]:
        yield "one dimension more", good[None]
        if count:
            yield "one dimension more, at the end", good[..., None]
            yield "one dimension less", good[0]
        if count > 1:
            yield "no dimension", good.reshape(-1)[0]
        for axis in range(count) if filled else ():
            yield f"no entry along axis {axis}", good[(slice(None),) * axis + (slice(0),)]

    return wrong


def shape() -> Domain:
    """Return the domain of arrays whose shape the other arguments determine."""

    def wrong(good: Any) -> Iterator[tuple[str, Any]]:
        for axis, length in enumerate(good.shape):
            everything = (slice(None),) * axis
            yield f"one entry more along axis {axis}", _joined(good, good[(*everything, slice(1))], axis)
            if length > 1:
                yield f"one entry less along axis {axis}", good[(*everything, slice(1, None))]
                yield f"a single entry along axis {axis}", good[(*everything, slice(1))]
        if good.ndim > 1:
            yield "all entries in one axis", good.reshape(-1)
        for axis in range(good.ndim - 1):
            if good.shape[axis] != good.shape[axis + 1]:
                yield f"axes {axis} and {axis + 1} exchanged", good.swapaxes(axis, axis + 1)
        yield "one dimension more", good[None]
        if good.ndim:
            yield "one dimension less", good[0]

    return wrong


def whole(least: int | None = None, most: int | None = None, *, fractions: bool = True) -> Domain:
    """Return the domain of whole numbers from ``least`` to ``most``; without ``fractions``, these are not tried."""

    def wrong(good: Any) -> Iterator[tuple[str, Any]]:
        yield from _outside(least, most)
        if fractions:
            yield "a fraction", good + 0.5

    return wrong


def pair(least: int | None = None, most: int | None = None, *, fractions: bool = True, lengths: bool = True) -> Domain:
    """Return the domain of tuples of two whole numbers from ``least`` to ``most``, tried alone and together.

    With ``fractions=False`` and ``lengths=False``, fractions and tuples that are not pairs are not tried.
    """

    def wrong(good: Any) -> Iterator[tuple[str, Any]]:
        first, second = good
        for text, bad in _outside(least, most):
            yield f"{text} in the first place", (bad, second)
            yield f"{text} in the second place", (first, bad)
            yield f"{text} in both places", (bad, bad)
        if fractions:
            yield "a fraction in the first place", (first + 0.5, second)
            yield "a fraction in the second place", (first, second + 0.5)
        if lengths:
            yield "a single entry", (first,)
            yield "three entries", (first, second, second)

    return wrong


def number(
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    finite: bool = False,
) -> Domain:
    """Return the domain of real numbers; ``least`` and ``most`` belong to it, ``above`` and ``below`` do not."""

    def wrong(good: Any) -> Iterator[tuple[str, Any]]:
        if above is not None:
            yield "its lower bound, which is excluded", above
        if below is not None:
            yield "its upper bound, which is excluded", below
        low, high = least if above is None else above, most if below is None else below
        if low is not None:
            yield "a little too small", math.nextafter(low, -math.inf) if low else -1e-9
            yield "far too small", low - 1000.0
        if high is not None:
            yield "a little too large", math.nextafter(high, math.inf) if high else 1e-9
            yield "far too large", high + 1000.0
        if finite:
            yield from (("not a number", math.nan), ("infinity", math.inf), ("minus infinity", -math.inf))

    return wrong


def word(*words: str) -> Domain:
    """Return the domain of these words, spelled exactly so."""

    def wrong(good: Any) -> Iterator[tuple[str, Any]]:
        tried = {"": "no text", "nonsense": "another word"}
        for each in (good, *words):
            tried |= {each.upper(): "capitals", each.capitalize(): "a capital", f"{each} ": "a space behind"}
            tried |= {each[:1]: "a first letter only", each[:-1]: "an abbreviation", f"{each}s": "a letter too many"}
        yield from ((text, bad) for bad, text in tried.items() if bad not in words)
        yield "None instead of a word", None

    return wrong


def nonempty() -> Domain:
    """Return the domain of lists, tuples, texts, arrays or dictionaries with something in them."""

    def wrong(good: Any) -> Iterator[tuple[str, Any]]:
        yield "nothing in it", good[:0] if hasattr(good, "__getitem__") and not isinstance(good, dict) else type(good)()

    return wrong


def values(**wrong_values: Any) -> Domain:
    """Return the domain of all but these: ``values(too_long=[1, 2, 3])``; messages show the name, ``_`` as a space."""
    return lambda good: ((name.replace("_", " "), bad) for name, bad in wrong_values.items())


def also(*domains: Domain) -> Domain:
    """Return the intersection of these domains: wrong values of each are tried."""
    return lambda good: (found for domain in domains for found in domain(good))


def _joined(first: Any, second: Any, axis: int) -> Any:
    """Return both arrays, or tensors, joined along ``axis``."""
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second], axis)
    return sys.modules["torch"].cat([first, second], axis)


def _outside(least: int | None, most: int | None) -> Iterator[tuple[str, int]]:
    """Yield 0 and -1 where they are too small, and the numbers next to both bounds."""
    bad: dict[int, str] = {}
    if least is not None:
        bad |= {number: text for number, text in ((0, "0"), (-1, "−1")) if number < least}
        bad.setdefault(least - 1, "one less than the least")
    if most is not None:
        bad.setdefault(most + 1, "one more than the most")
    yield from ((text, number) for number, text in bad.items())

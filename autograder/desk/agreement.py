"""The agreement of two graders beyond chance: Cohen's kappa."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

__all__ = ["Agreement", "agreement"]


class Agreement(msgspec.Struct, frozen=True):
    """Two graders' marks of the same answers.

    Attributes:
        answers: the number that both have marked.
        equal: the share of answers with equal points, 0 to 1.
        kappa: Cohen's kappa; 1 if they always agree, 0 if as often as by chance; nan where both always give the same.
        weighted: the same with quadratic weights, so that half a point apart is a smaller matter than two.
        mean_difference: the mean difference of the second from the first, in points.
    """

    answers: int
    equal: float
    kappa: float
    weighted: float
    mean_difference: float


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Return the agreement on answers that both have marked.

    Source: J. Cohen, Educational and Psychological Measurement 20 (1960); weights: Psychological Bulletin 70 (1968).

    Raises:
        ValueError: the two are not of the same length.
    """
    pairs = list(zip(first, second, strict=True))
    if not pairs:
        return Agreement(0, math.nan, math.nan, math.nan, math.nan)
    equal = sum(one == other for one, other in pairs) / len(pairs)
    difference = sum(other - one for one, other in pairs) / len(pairs)
    plain = _kappa(pairs, squared=False)
    return Agreement(len(pairs), equal, plain, _kappa(pairs, squared=True), difference)


def _kappa(pairs: Sequence[tuple[float, float]], *, squared: bool) -> float:
    """Return one minus the observed disagreement over the one that their two distributions would show by chance."""

    def apart(one: float, other: float) -> float:
        return (one - other) ** 2 if squared else float(one != other)

    count = len(pairs)
    firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    observed = sum(apart(one, other) for one, other in pairs) / count
    chance = sum(n * m * apart(one, other) for one, n in firsts.items() for other, m in seconds.items()) / count**2
    return 1 - observed / chance if chance else math.nan

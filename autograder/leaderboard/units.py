"""Points as exact whole numbers of units, and times with a zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

__all__ = ["SCALES", "hundredths", "moment", "scale_for"]

SCALES = (2, 4, 10, 20, 50, 100)


def hundredths(points: float) -> int:
    """Return ``points`` in hundredths, the finest step that a board shows, without binary noise such as 0.1 + 0.2."""
    return int((Decimal(repr(float(points))) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def scale_for(points: Iterable[float]) -> int:
    """Return the smallest number of units per point in which every score is whole: 2 unless something finer occurs."""
    values = {hundredths(value) for value in points}
    return next(scale for scale in SCALES if all(value * scale % 100 == 0 for value in values))


def moment(at: dt.datetime) -> dt.datetime:
    """Return ``at`` with a zone: a time without one is UTC, as in nbgrader's gradebook."""
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)

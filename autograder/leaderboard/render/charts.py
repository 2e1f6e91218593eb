"""Figures as inline SVG. Colours come from the page's style sheet; nothing here needs a script."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from autograder.leaderboard.render.document import Document, Past, Row

__all__ = ["histogram", "interval_plot", "score_against_time", "sparkline"]

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 72, 18, 44, 54
LABEL = 170
MOST_BINS = 33
MOST_CIRCLES = 500
MOST_INTERVALS = 40
ROW = 21


@dataclass(frozen=True)
class _Axis:
    """A linear scale from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def histogram(page: Document, scores: Sequence[float]) -> Markup:
    """Draw how many entries have which score, with the mean (dashed) and the median (solid).

    Args:
        scores: the scores of every ranked entry, shown in the table or not, in points; shape (n,).
    """
    edges = _edges(scores, page)
    counts = [0] * (len(edges) - 1)
    for score in scores:
        counts[min(int((score - edges[0]) / (edges[1] - edges[0]) + 1e-9), len(counts) - 1)] += 1
    x = _Axis(edges[0], edges[-1], LEFT, WIDTH - RIGHT)
    y = _Axis(0, max(counts), HEIGHT - BOTTOM, TOP)
    bars = [_bar(x, y, edges[i], edges[i + 1], count, page) for i, count in enumerate(counts) if count]
    marks = _marks(x, float(page.mean), float(page.median), page)
    axes = _x_ticks(x, _ticks(edges[0], edges[-1], 8)) + _y_ticks(y, _ticks(0, max(counts), 4, whole=True))
    words = f"Histogram of {len(scores)} scores from {min(scores):g} to {max(scores):g}; mean {page.mean}, "
    words += f"median {page.median}."
    return _svg("histogram", words, axes + Markup("").join(bars) + marks + _labels(f"score, {page.unit}", "entries"))


def score_against_time(page: Document) -> Markup:
    """Draw each shown entry's score against the time it was handed in; empty if fewer than two times are known."""
    points = [(_time(row.at), float(row.score), row.name) for row in page.rows if row.at]
    if len({at for at, _, _ in points}) < 2:
        return Markup("")
    x = _spread([at for at, _, _ in points], LEFT + 8, WIDTH - RIGHT - 8)
    y = _spread([score for _, score, _ in points], HEIGHT - BOTTOM - 6, TOP - 20)
    axes = _time_ticks(x) + _y_ticks(y, _ticks(y.low, y.high, 5))
    words = f"Score against time of handing in, for {len(points)} entries."
    return _svg("score-time", words, axes + _cloud(x, y, points) + _labels("handed in (UTC)", f"score, {page.unit}"))


def interval_plot(page: Document) -> Markup:
    """Draw the accuracy and its interval for the first entries, best on top; empty without statistics."""
    rows = [row for row in page.rows if row.statistics][:MOST_INTERVALS]
    if not rows:
        return Markup("")
    found = [row.statistics for row in rows if row.statistics]
    height = TOP + ROW * len(rows) + BOTTOM
    x = _spread([100 * s.low for s in found] + [100 * s.high for s in found], 206, WIDTH - RIGHT - 4)
    lines = Markup("").join(_interval(x, TOP - 16 + ROW * place, row) for place, row in enumerate(rows))
    axes = _x_ticks(x, _ticks(x.low, x.high, 6), height, TOP - 28)
    label = Markup('<text class="label" x="{}" y="{}" text-anchor="middle">accuracy, %</text>').format(
        (206 + WIDTH) // 2, height - 4
    )
    words = f"Accuracy with its interval for the first {len(rows)} entries, best on top."
    return _svg("intervals", words, axes + lines + label, height)


def sparkline(history: Sequence[Past]) -> Markup:
    """Draw the course of one entry's attempts as a small line; empty below two attempts."""
    if len(history) < 2:
        return Markup("")
    x = _Axis(0, len(history) - 1, 3, 97)
    y = _spread([past.units for past in history], 25, 3)
    path = " ".join(f"{x(place)},{y(past.units)}" for place, past in enumerate(history))
    return Markup(
        '<svg class="sparkline" viewBox="0 0 100 28" width="100" height="28" aria-hidden="true">'
        '<polyline points="{}"/></svg>'
    ).format(path)


def _svg(name: str, words: str, body: Markup, height: int = HEIGHT) -> Markup:
    return Markup(
        '<svg id="{0}" viewBox="0 0 {1} {2}" role="img" aria-labelledby="{0}-title">'
        '<title id="{0}-title">{3}</title>{4}</svg>'
    ).format(name, WIDTH, height, words, body)


def _edges(scores: Sequence[float], page: Document) -> list[float]:
    """Return bin edges on a round step that whole and half points fall on; at most MOST_BINS bins."""
    low, high = min(scores), max(scores)
    smallest = 1.0
    step = next(
        smallest * 10**power * factor
        for power in range(12)
        for factor in (1, 2, 5)
        if (high - low) / (smallest * 10**power * factor) < MOST_BINS - 1
    )
    first = math.floor(low / step)
    return [step * place for place in range(first, math.floor(high / step) + 2)]


def _bar(x: _Axis, y: _Axis, low: float, high: float, count: int, page: Document) -> Markup:
    entries = "entry" if count == 1 else "entries"
    last = "" if high - low == 1 and page.scale == 1 else f" to under {high:g}"
    return Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="1.5"><title>{}</title></rect>').format(
        round(x(low) + 0.75, 1),
        y(count),
        round(max(1.0, x(high) - x(low) - 1.5), 1),
        round(HEIGHT - BOTTOM - y(count), 1),
        f"{low:g}{last}: {count} {entries}",
    )


def _marks(x: _Axis, mean: float, median: float, page: Document) -> Markup:
    """Draw lines at the mean and the median. The labels stand in two rows; no line crosses the other's label."""
    marks = [(mean, f"mean {page.mean}", "mean"), (median, f"median {page.median}", "median")]
    (low, low_text, low_kind), (high, high_text, high_kind) = sorted(marks)
    if x(low) < LEFT + LABEL:
        return _mark(x(low), low_text, low_kind, 18, "start") + _mark(x(high), high_text, high_kind, 38, "start")
    if x(high) > WIDTH - RIGHT - LABEL:
        return _mark(x(low), low_text, low_kind, 38, "end") + _mark(x(high), high_text, high_kind, 18, "end")
    return _mark(x(low), low_text, low_kind, 18, "end") + _mark(x(high), high_text, high_kind, 18, "start")


def _mark(at: float, text: str, kind: str, height: int, anchor: str) -> Markup:
    shift = -5 if anchor == "end" else 5
    return Markup(
        '<line class="mark {0}" x1="{1}" x2="{1}" y1="{2}" y2="{3}"/>'
        '<text class="mark-label" x="{4}" y="{5}" text-anchor="{6}">{7}</text>'
    ).format(kind, at, height - 12, HEIGHT - BOTTOM, round(at + shift, 1), height, anchor, text)


def _cloud(x: _Axis, y: _Axis, points: Sequence[tuple[float, float, str]]) -> Markup:
    """Draw one circle for each entry; past MOST_CIRCLES one path of dots, which stays small and fast."""
    if len(points) > MOST_CIRCLES:
        dots = "".join(sorted({f"M{x(at)} {y(score)}h0" for at, score, _ in points}))
        return Markup('<path class="dots" d="{}"/>').format(dots)
    return Markup("").join(
        Markup('<circle class="dot" cx="{}" cy="{}" r="4.5"><title>{}</title></circle>').format(
            x(at), y(score), f"{name}: {score:g}"
        )
        for at, score, name in points
    )


def _interval(x: _Axis, height: float, row: Row) -> Markup:
    found = row.statistics
    if found is None:
        return Markup("")
    name = row.name if len(row.name) <= 20 else row.name[:19] + "…"
    words = f"{row.name}: {100 * found.accuracy:.2f} %, from {100 * found.low:.2f} to {100 * found.high:.2f} %"
    return Markup(
        '<g><title>{0}</title><text class="tick" x="196" y="{1}" text-anchor="end">{2}</text>'
        '<line class="whisker" x1="{3}" x2="{4}" y1="{5}" y2="{5}"/><circle class="dot" cx="{6}" cy="{5}" r="4"/></g>'
    ).format(words, height + 4, name, x(100 * found.low), x(100 * found.high), height, x(100 * found.accuracy))


def _labels(below: str, beside: str) -> Markup:
    return Markup(
        '<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>'
        '<text class="label beside" x="14" y="{}" text-anchor="middle" transform="rotate(-90 14 {})">{}</text>'
    ).format(
        (LEFT + WIDTH - RIGHT) // 2,
        HEIGHT - 4,
        below,
        (TOP + HEIGHT - BOTTOM) // 2,
        (TOP + HEIGHT - BOTTOM) // 2,
        beside,
    )


def _x_ticks(x: _Axis, ticks: Sequence[float], height: int = HEIGHT, grid_from: int | None = None) -> Markup:
    base = height - BOTTOM
    top = base if grid_from is None else grid_from
    return Markup("").join(
        Markup(
            '<line class="grid" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
            '<text class="tick" x="{0}" y="{3}" text-anchor="middle">{4}</text>'
        ).format(x(tick), top, base + 4, base + 20, f"{tick:g}")
        for tick in ticks
    )


def _y_ticks(y: _Axis, ticks: Sequence[float]) -> Markup:
    return Markup("").join(
        Markup(
            '<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
            '<text class="tick" x="{3}" y="{4}" text-anchor="end">{5}</text>'
        ).format(LEFT, WIDTH - RIGHT, y(tick), LEFT - 6, round(y(tick) + 4, 1), f"{tick:g}")
        for tick in ticks
    )


def _time_ticks(x: _Axis) -> Markup:
    """Return at most six labels at whole days, or four at whole hours within two days."""
    hour, day = 3600.0, 86400.0
    unit, form, most = (hour, "%d %b %H:%M", 3) if x.high - x.low < 2 * day else (day, "%d %b", 5)
    step = unit * max(1, math.ceil((x.high - x.low) / unit / most))
    first = math.ceil(x.low / step)
    marks = [step * place for place in range(first, int(x.high // step) + 1)] or [x.low]
    return Markup("").join(
        Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            x(mark), HEIGHT - BOTTOM + 20, dt.datetime.fromtimestamp(mark, dt.UTC).strftime(form)
        )
        for mark in marks
    )


def _ticks(low: float, high: float, most: int, whole: bool = False) -> list[float]:
    """Return round numbers between ``low`` and ``high``, at most about ``most`` of them."""
    raw = (high - low) / most or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    step = max(1.0, step) if whole else step
    return [round(step * place, 10) for place in range(math.ceil(low / step), int(high // step) + 1)]


def _spread(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or 0.5
    return _Axis(low - margin, high + margin, start, end)


def _time(text: str) -> float:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=dt.UTC).timestamp()

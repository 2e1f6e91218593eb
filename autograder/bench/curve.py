"""The picture of the long run: speed and memory over the whole of it."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from autograder.bench.scale import Scale
from autograder.lab import style

__all__ = ["draw_curve"]


def draw_curve(found: Scale, path: Path) -> None:
    """Write the picture to ``path``: submissions per second above, memory below, one colour an assignment."""
    style()
    highest = max(max(rates) for rates in found.rates().values())
    fig, (speed, memory) = plt.subplots(2, 1, figsize=(7, 5), sharex=True)
    for name in found.finished:
        middles, rates = zip(*found.windows(name), strict=True)
        speed.plot(middles, rates, marker=".")
        speed.annotate(name[:2], (middles[len(middles) // 2], max(rates)), xytext=(0, 4), textcoords="offset points")
    memory.plot(*zip(*found.memory, strict=True), color="0.3", linewidth=1)
    total = sum(map(len, found.finished.values()))
    title = f"{total:,} submissions to {len(found.finished)} assignments: is each piece flat?"
    speed.set(ylabel="submissions per second", ylim=(0, 1.15 * highest), title=title)
    memory.set(ylabel="MB in all", ylim=(0, None), xlabel="seconds from the start")
    fig.savefig(path, dpi=120)
    plt.close(fig)

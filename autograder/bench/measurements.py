"""The way from single measurements to the figures that are reported: medians over rounds, marginal costs, ratios."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from autograder.bench.contenders import NotebookTime
from autograder.bench.process_usage import ProcessUsage, parts_of
from autograder.bench.scale import Scale

__all__ = ["Figures", "Measurements", "figures_of", "machine", "notebook_figures", "scale_figures"]


class Measurements(msgspec.Struct):
    """The runs of one benchmark, round by round.

    Attributes:
        class_size: the number of submissions that this grader and the floor got.
        stock_size: the number of submissions that nbgrader got in each round.
        start: this grader, one worker, one submission that names torch, as some of the class do: what starting costs.
        single: this grader, one worker, one submission that does not name torch.
        warm: this grader's workers, kept from one submission to the next.
        stock_single: nbgrader's stock autograde, one submission.
        one: this grader, one worker, whole class.
        two: this grader, two workers, whole class.
        stock: nbgrader's stock autograde.
        floor: the bare process.
        again: this grader, whole class, then unchanged, then after one hidden test changed.
        otter: otter-grader.
        otter_missing: the reason that otter-grader did not run.
        profile: this grader's CPU time by its parts.
    """

    class_size: int
    stock_size: int
    start: list[ProcessUsage] = msgspec.field(default_factory=list)
    single: list[ProcessUsage] = msgspec.field(default_factory=list)
    warm: list[ProcessUsage] = msgspec.field(default_factory=list)
    stock_single: list[ProcessUsage] = msgspec.field(default_factory=list)
    one: list[ProcessUsage] = msgspec.field(default_factory=list)
    two: list[ProcessUsage] = msgspec.field(default_factory=list)
    stock: list[ProcessUsage] = msgspec.field(default_factory=list)
    floor: list[ProcessUsage] = msgspec.field(default_factory=list)
    again: list[ProcessUsage] = msgspec.field(default_factory=list)
    otter: list[ProcessUsage] = msgspec.field(default_factory=list)
    otter_missing: str = ""
    profile: list[ProcessUsage] = msgspec.field(default_factory=list)


Figures = dict[str, Any]
"""The content of benchmarks.json."""


def figures_of(found: Measurements) -> Figures:
    """Return every figure, each a median over the rounds."""
    size = found.class_size
    start_wall, start_cpu = _median(found.start, _wall), _median(found.start, _cpu)
    one_wall, two_wall = _median(found.one, _wall), _median(found.two, _wall)
    one_cpu = _marginal(_median(found.one, _cpu), start_cpu, size)
    floor_cpu = median(each.answer["cpu_seconds"] / each.answer["submissions"] for each in found.floor)
    stock_each = median(second for each in found.stock for second in each.answer["seconds"])
    stock_whole = _median(found.stock, lambda each: each.wall_seconds - sum(_all_seconds(each))) + size * stock_each
    figures: Figures = {
        "assignment": "01-convolution",
        "machine": machine(),
        "class_size": size,
        "rounds": len(found.one),
        "submissions_per_second": round(size / two_wall, 2),
        "submissions_per_second_one_worker": round(size / one_wall, 2),
        "steady_submissions_per_second": round(1 / _marginal(two_wall, start_wall, size), 2),
        "steady_submissions_per_second_one_worker": round(1 / _marginal(one_wall, start_wall, size), 2),
        "start_seconds": round(start_wall, 2),
        "single_seconds": round(_median(found.single, _wall), 2),
        "nbgrader_single_seconds": round(_median(found.stock_single, _wall), 2),
        "warm_single_seconds": round(median(each.answer["warm"]["seconds"] for each in found.warm), 3),
        "peak_mb_one_worker_without_torch": round(_median(found.single, _peak)),
        "cpu_seconds_per_submission": round(one_cpu, 4),
        "peak_mb_one_worker": round(_median(found.one, lambda each: each.peak_mb)),
        "peak_mb_two_workers": round(_median(found.two, lambda each: each.peak_mb)),
        "rss_mb_per_worker": round(_median(found.two, _peak) - _median(found.one, _peak)),
        "floor_cpu_seconds_per_submission": round(floor_cpu, 4),
        "floor_cells_ms": round(_floor_cells(found.floor) * 1000, 1),
        "cpu_ratio_to_floor": round(one_cpu / floor_cpu, 2),
        "nbgrader_submissions": found.stock_size * len(found.stock),
        "nbgrader_seconds_per_submission": round(stock_each, 3),
        "nbgrader_feedback_seconds_per_submission": round(_feedback(found.stock), 3),
        "nbgrader_cpu_seconds_per_submission": round(_median(found.stock, _cpu_of_peer), 3),
        "nbgrader_peak_mb": round(_median(found.stock, _peak)),
        "ratio_to_nbgrader_equal_workers": round(stock_whole / one_wall, 1),
        "steady_ratio_to_nbgrader_equal_workers": round(stock_each / _marginal(one_wall, start_wall, size), 1),
        "ms_per_submission": _phases(found.one, size),
        "cpu_share": _shares(found.one),
        "cpu_ms_by_process": _cpu_by_process(found, size),
        "ms_by_check": _slowest_checks(found.one, size),
    }
    figures.update(_writer(figures["ms_per_submission"], start_wall, one_wall, size))
    figures.update(_regrading(found.again))
    figures.update(parts_of(found.single, found.warm, found.again, size))
    figures.update(_otter(found))
    if found.profile:
        names = found.profile[0].answer.keys() - {"samples"}
        figures["profile"] = {name: median(each.answer[name] for each in found.profile) for name in sorted(names)}
        figures["shares"] = _sampled(found.profile)
    return figures


def scale_figures(found: Scale) -> Figures:
    """Return the figures of the long run: of its largest class, and per assignment."""
    flat, growth = found.last_over_first(), found.growth_mb()
    largest = max(found.finished, key=lambda name: len(found.finished[name]))
    rates = {name: round(median(rates), 2) for name, rates in found.rates().items()}
    return {
        "scale_submissions": {name: len(moments) for name, moments in found.finished.items()},
        "scale_largest": largest,
        "scale_seconds": round(found.seconds, 1),
        "scale_submissions_per_second": rates,
        "throughput_last_over_first": flat[largest],
        "throughput_last_over_first_by_assignment": flat,
        "rss_growth_mb": growth[largest],
        "rss_growth_mb_by_assignment": growth,
        "scale_peak_mb": round(max(mb for _, mb in found.memory)),
    }


def notebook_figures(times: Mapping[str, NotebookTime], loops_over_matmul: float) -> Figures:
    """Return the times of the solved notebooks, and the gain of assignment 02's matrix product over its loops."""
    return {
        "notebooks": {name: msgspec.to_builtins(time) for name, time in times.items()},
        "loops_over_matmul": round(loops_over_matmul, 1),
    }


def machine() -> str:
    """Return the processor and how many of it this process may use."""
    import os

    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, Linux {platform.release()}, Python {platform.python_version()}"


def _wall(each: ProcessUsage) -> float:
    return each.wall_seconds


def _cpu(each: ProcessUsage) -> float:
    return each.cpu_seconds


def _peak(each: ProcessUsage) -> float:
    return each.peak_mb


def _median(runs: Sequence[ProcessUsage], of: Callable[[ProcessUsage], float]) -> float:
    return float(median(of(each) for each in runs))


def _marginal(whole: float, one: float, size: int) -> float:
    """Return the cost of each further submission, given the cost of ``size`` and of one."""
    return max(whole - one, 1e-9) / max(size - 1, 1)


def _all_seconds(each: ProcessUsage) -> list[float]:
    return [*each.answer["seconds"], *each.answer["feedback_seconds"]]


def _feedback(runs: Sequence[ProcessUsage]) -> float:
    pages = [seconds for each in runs for seconds in each.answer["feedback_seconds"]]
    return median(pages) if pages else 0.0


def _cpu_of_peer(each: ProcessUsage) -> float:
    """Return the CPU seconds of one submission, start-up taken out by its share of the wall time."""
    return float(each.cpu_seconds * sum(each.answer["seconds"]) / each.wall_seconds / each.answer["submissions"])


def _phases(runs: Sequence[ProcessUsage], size: int) -> dict[str, float]:
    names = {name for each in runs for name in each.answer["first"]["phases"]}
    return {
        name: round(median(each.answer["first"]["phases"].get(name, 0.0) for each in runs) / size * 1000, 1)
        for name in sorted(names)
    }


def _writer(phases: Mapping[str, float], start_wall: float, one_wall: float, size: int) -> Figures:
    """Return the time of the one writer for a submission, and how many workers it can keep up with."""
    spent = sum(phases.get(name, 0.0) for name in ("database", "conversion", "feedback"))
    worker = 1000 * _marginal(one_wall, start_wall, size)
    return {"writer_ms": round(spent, 1), "workers_at_writers_limit": round(worker / spent, 1) if spent else 0.0}


def _slowest_checks(runs: Sequence[ProcessUsage], size: int) -> dict[str, float]:
    """Return the milliseconds per submission of the five checks that take longest."""
    names = {name for each in runs for name in each.answer["first"].get("checks", {})}
    spent = {
        name: round(median(each.answer["first"]["checks"].get(name, 0.0) for each in runs) / size * 1000, 1)
        for name in names
    }
    return dict(sorted(spent.items(), key=lambda item: -item[1])[:5])


def _shares(runs: Sequence[ProcessUsage]) -> dict[str, float]:
    roles = {role for each in runs for role in each.by_program}
    return {
        role: round(median(each.by_program.get(role, 0.0) / each.cpu_seconds for each in runs), 3)
        for role in sorted(roles)
    }


def _cpu_by_process(found: Measurements, size: int) -> dict[str, float]:
    """Return the CPU milliseconds of a further submission, by the role of the process."""

    def spent(runs: Sequence[ProcessUsage], role: str) -> float:
        return _median(runs, lambda each: each.by_program.get(role, 0.0))

    roles = {role for each in found.one for role in each.by_program}
    return {
        role: round(_marginal(spent(found.one, role), spent(found.start, role), size) * 1000, 1)
        for role in sorted(roles)
    }


def _floor_cells(runs: Sequence[ProcessUsage]) -> float:
    """Return the CPU seconds of a submission's own cells and the given ones, in the bare process."""
    return _median(runs, lambda each: each.answer["cells_seconds"] / each.answer["submissions"])


def _sampled(runs: Sequence[ProcessUsage]) -> dict[str, dict[str, float]]:
    """Return, for each side, the share of all rounds' samples that each part has."""
    shares = {}
    for side in runs[0].answer["samples"]:
        found = sum((Counter(each.answer["samples"][side]) for each in runs), Counter())
        shares[side] = {part: round(count / max(found.total(), 1), 3) for part, count in sorted(found.items())}
    return shares


def _regrading(runs: Sequence[ProcessUsage]) -> Figures:
    if not runs:
        return {}

    def ratio(of: str) -> float:
        return _median(runs, lambda each: each.answer["first"]["seconds"] / each.answer[of]["seconds"])

    def working(each: ProcessUsage, of: str) -> float:
        return float(each.answer[of]["seconds"] - each.answer[of]["start_seconds"])

    return {
        "regrade_unchanged_ratio": round(ratio("unchanged")),
        "regrade_unchanged_seconds": round(median(each.answer["unchanged"]["seconds"] for each in runs), 4),
        "regrade_one_test_fraction": round(1 / ratio("one_test"), 3),
        "regrade_one_test_fraction_without_start": round(
            median(working(each, "one_test") / working(each, "first") for each in runs), 3
        ),
        "regrade_one_test_checks_run": median(each.answer["one_test"]["checks_run"] for each in runs),
        "checks_in_all": median(each.answer["first"]["checks_run"] for each in runs),
    }


def _otter(found: Measurements) -> Figures:
    if not found.otter:
        return {"otter": found.otter_missing}
    each = median(second for run in found.otter for second in run.answer["seconds"])
    marginal = _marginal(_median(found.one, _wall), _median(found.start, _wall), found.class_size)
    return {
        "otter_submissions": sum(run.answer["submissions"] for run in found.otter),
        "otter_seconds_per_submission": round(each, 3),
        "otter_cpu_seconds_per_submission": round(_median(found.otter, _cpu_of_peer), 3),
        "otter_peak_mb": round(_median(found.otter, _peak)),
        "otter_version": found.otter[0].answer["version"],
        "steady_ratio_to_otter_equal_workers": round(each / marginal, 1),
    }

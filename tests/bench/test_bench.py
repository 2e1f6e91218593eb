"""The benchmark's arithmetic, its class, and what it measures with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.bench import benchmark, scale
from autograder.bench.benchmark import PARTS, draw_curve, page_of
from autograder.bench.contenders import Bench, NotebookTime, run_notebook
from autograder.bench.deadline_night import Night
from autograder.bench.invented_class import honest_class
from autograder.bench.measurements import Measurements, figures_of, notebook_figures, scale_figures
from autograder.bench.peers import stock_source_notebook
from autograder.bench.process_usage import PeerFailed, ProcessUsage, measure, process_tree
from autograder.bench.scale import Scale
from autograder.bench.shares import part_of
from autograder.course import Course
from autograder.errors import MachineryError

SPIN = """
import json, subprocess, sys, time
program = "import time; end = time.process_time() + 0.5\\nwhile time.process_time() < end: pass"
child = subprocess.Popen([sys.executable, "-c", program])
end = time.process_time() + 0.5
while time.process_time() < end: pass
child.wait()
time.sleep(0.4)
print(json.dumps({"done": True}))
"""


@pytest.fixture(scope="module")
def course() -> Course:
    return Course.find(Path(__file__))


@pytest.fixture(scope="module")
def assignment(course: Course) -> Assignment:
    return load_assignment(course, "01-convolution")


def test_no_two_honest_students_are_alike(assignment: Assignment) -> None:
    code = honest_class(assignment, 100)
    assert len({json.dumps(answers) for answers in code.values()}) == 100
    assert code == honest_class(assignment, 100)


def test_every_alternative_is_in_a_class_of_a_hundred(assignment: Assignment) -> None:
    everything = "\n".join("\n".join(answers.values()) for answers in honest_class(assignment, 100).values())
    assert [each.slug for each in assignment.alternatives if each.source not in everything] == []


def test_a_program_is_measured_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spin.py").write_text(SPIN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    measured = measure("spin", [], folder=tmp_path)
    assert measured.answer == {"done": True}
    assert 0.9 <= measured.cpu_seconds < 3
    assert measured.peak_mb > 1


def test_a_program_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(PeerFailed, match="No module named"):
        measure("no_such_module", [], folder=tmp_path)


def test_the_process_tree_holds_grandchildren() -> None:
    sleep = "import time; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleep!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent])
    try:
        while len(process_tree(process.pid)) < 2:
            pass
    finally:
        for pid in reversed(process_tree(process.pid)):
            subprocess.run(["kill", "-9", str(pid)], check=True)
        process.wait()


def test_the_floor_passes_every_check(course: Course, assignment: Assignment, tmp_path: Path) -> None:
    bench = Bench(course, assignment, honest_class(assignment, 2), tmp_path)
    answer = bench.floor(2).answer
    assert answer["failed_checks"] == 0
    assert answer["submissions"] == 2


def test_the_stock_notebook_gives_each_check_its_tools_and_leaves_demonstrations_out(
    course: Course, assignment: Assignment, tmp_path: Path
) -> None:
    notebook = stock_source_notebook(course, assignment, tmp_path / "tools.json")
    checks = [cell for cell in notebook["cells"] if cell["metadata"].get("autograder", {}).get("kind") == "check"]
    assert len(checks) == len(assignment.checks)
    assert all("autograder.bench.plain" in cell["source"] for cell in checks)
    assert not [cell for cell in notebook["cells"] if cell["metadata"].get("autograder", {}).get("kind") == "demo"]


def ours(seconds: float, size: int, **more: object) -> ProcessUsage:
    first = {
        "submissions": size, "seconds": seconds, "start_seconds": 2.0, "checks_run": 40 * size,
        "phases": {"student": 0.1 * size, "hidden": 0.2 * size, "visible": 0.1 * size, "database": 0.004 * size},
        "checks": {"check-witness-sizes": 0.1 * size},
    }  # fmt: skip
    return ProcessUsage({"first": first, **more}, seconds, 1.2 * seconds, 900.0, {"driver": 0.3 * seconds})


def made_up() -> Measurements:
    """Starting costs 4 s; each further submission costs 0.1 s with one worker, 0.05 s with two; nbgrader's 5 s."""
    found = Measurements(101, 2)
    found.start = [ours(4.0, 1)]
    found.single = [ours(2.5, 1)]
    found.warm = [ours(4.0, 3, warm={"seconds": 0.41, "phases": {"student": 0.1, "hidden": 0.2}})]
    found.one = [ours(14.0, 101)]
    found.two = [ours(9.0, 101)]
    floor = {"submissions": 101, "cpu_seconds": 10.1, "cells_seconds": 1.01, "failed_checks": 0}
    found.floor = [ProcessUsage(floor, 12.0, 12.0, 300.0, {})]
    stock = {"submissions": 2, "seconds": [5.0, 5.0], "feedback_seconds": [1.0, 1.0], "scores": [30.0, 30.0]}
    found.stock = [ProcessUsage(stock, 15.0, 12.0, 350.0, {})]
    found.stock_single = [ProcessUsage(stock, 5.5, 5.0, 350.0, {})]
    again = {"seconds": 0.03, "start_seconds": 0.03, "checks_run": 0}
    one_test = {"seconds": 4.5, "start_seconds": 2.0, "checks_run": 101, "phases": {"student": 1.01, "database": 0.303}}
    found.again = [ours(9.0, 101, unchanged=again, one_test=one_test)]
    found.otter_missing = "no wheel for this machine"
    return found


def test_marginal_costs_leave_the_start_out() -> None:
    figures = figures_of(made_up())
    assert figures["steady_submissions_per_second_one_worker"] == 10.0
    assert figures["steady_submissions_per_second"] == 20.0
    assert figures["steady_ratio_to_nbgrader_equal_workers"] == 50.0
    assert figures["cpu_ratio_to_floor"] == 1.2


def test_the_ratio_for_the_class_counts_both_starts() -> None:
    figures = figures_of(made_up())
    assert figures["submissions_per_second"] == round(101 / 9, 2)
    assert figures["ratio_to_nbgrader_equal_workers"] == round((3 + 101 * 5) / 14, 1)


def test_a_single_submission_is_timed_cold_and_warm_and_beside_nbgraders() -> None:
    figures = figures_of(made_up())
    assert (figures["single_seconds"], figures["nbgrader_single_seconds"]) == (2.5, 5.5)
    assert (figures["warm_single_seconds"], figures["peak_mb_one_worker_without_torch"]) == (0.41, 900)
    assert figures["warm_over_students_code_seconds"] == 0.31


def test_what_has_an_aim_is_taken_apart() -> None:
    figures = figures_of(made_up())
    assert sum(figures["single_parts"].values()) == pytest.approx(figures["single_seconds"])
    assert sum(figures["warm_parts"].values()) == pytest.approx(0.41)
    assert figures["regrade_ms_per_submission"]["student"] == 10.0
    page = page_of(figures)
    assert "| hidden tests | 0.200 |" in page
    assert "the student's cells 10.0, visible tests 0.0" in page


def test_regrading_is_compared_with_the_first_time() -> None:
    figures = figures_of(made_up())
    assert figures["regrade_unchanged_ratio"] == 300
    assert figures["regrade_one_test_fraction"] == 0.5


def long_run() -> Scale:
    """400 submissions: one a second at first, then two a second, then four; memory rises by 1 MB a second."""
    gaps = [1.0] * 100 + [0.5] * 200 + [0.25] * 100
    moments = [sum(gaps[:count]) for count in range(1, 401)]
    return Scale({"01-convolution": moments}, [(float(at), 100.0 + at) for at in range(240)], 240.0)


def test_the_long_run_compares_its_last_hundred_with_its_second_hundred() -> None:
    found = long_run()
    assert found.rates() == {"01-convolution": [2.0, 2.0, 4.0]}
    assert found.last_over_first() == {"01-convolution": 2.0}


def test_growth_is_that_of_the_medians_of_two_tenths() -> None:
    first, last = 1.0, 225.0
    between = (0.95 - 0.15) * (last - first)
    assert long_run().growth_mb()["01-convolution"] == pytest.approx(between, abs=1)


def test_the_long_run_and_the_notebooks_reach_the_page() -> None:
    times = {"02-feature-maps": NotebookTime(9.5, 30.0, "7: x = 1 | 2", 3.5, {})}
    figures = figures_of(made_up()) | scale_figures(long_run()) | notebook_figures(times, 48.2)
    assert figures["throughput_last_over_first"] == 2.0
    page = page_of(figures)
    assert "400 submissions to 01-convolution" in page
    assert "| 01-convolution | 400 | 2.0 | 2.0 |" in page
    assert "| 02-feature-maps | 9.5 | 30 | `7: x = 1 \\| 2` | 3.5 |" in page
    assert "48 times as fast" in page


def test_a_solved_notebook_is_timed_cell_by_cell(course: Course) -> None:
    time = run_notebook(course, "03-pooling")
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # The promise is for a machine without other work.
    assert 0.1 < time.longest_seconds < time.seconds < busy * time.promised


def test_the_first_assignment_has_the_largest_class() -> None:
    assert scale.sizes(["a", "b", "c"], 1000, 200) == {"a": 1000, "b": 200, "c": 200}


def test_a_small_long_run_is_graded_in_full(course: Course, tmp_path: Path) -> None:
    found = scale.measure_scale(course, tmp_path, {"01-convolution": 6})
    assert len(found.finished["01-convolution"]) == 6
    assert found.finished["01-convolution"] == sorted(found.finished["01-convolution"])
    assert max(mb for _, mb in found.memory) > 100
    draw_curve(found, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 10_000


def test_every_assignment_but_the_challenge_is_in_the_long_run(course: Course) -> None:
    found = scale.scale_assignments(course)
    assert "01-convolution" in found
    assert "07-challenge" not in found


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_three_hundred_mixtures_of_right_answers_keep_full_marks_in_every_assignment(
    course: Course, tmp_path: Path
) -> None:
    scale.measure_scale(course, tmp_path, dict.fromkeys(scale.scale_assignments(course), 300))  # stops if one loses any


def test_the_page_holds_the_figures_and_says_why_a_peer_is_missing() -> None:
    page = page_of(figures_of(made_up()))
    assert "no wheel for this machine" in page
    assert "50.0 times" in page
    assert "| hidden tests | 200.0 |" in page


def test_a_profile_counts_questions_and_both_sides(course: Course, assignment: Assignment, tmp_path: Path) -> None:
    answer = Bench(course, assignment, honest_class(assignment, 1), tmp_path).profile(1).answer
    assert answer["questions"] > len(assignment.checks)
    assert 0 < answer["lent"] < answer["questions"] - answer["together"]
    assert answer["together"] > 100
    assert 0.1 < answer["turn_us"] < answer["together_us"] < answer["call_us"] < 10_000
    assert 1 < answer["question_us"] < 10_000
    assert min(answer["forks_ms"], answer["trusted_ms"], answer["student_ms"], answer["cells_ms"]) > 1
    assert 0.1 < answer["page_us"] < 1000
    assert answer["pages"] > 100
    samples = answer["samples"]
    assert samples["student"].keys() | samples["trusted"].keys() <= PARTS.keys()
    assert min(samples["student"]["wire"], samples["trusted"]["wire"]) > 0


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("<ipython-input-3-0123456789ab>", "answers"),
        ("<check-correlate1d-lengths>", "checks"),
        ("<01-convolution, cell correlate1d>", "checks"),
        ("/x/site-packages/numpy/_core/fromnumeric.py", "libraries"),
        ("/x/site-packages/IPython/core/interactiveshell.py", "cells"),
        ("/x/autograder/isolation/guest/shell.py", "cells"),
        ("/x/autograder/isolation/wire/codec.py", "wire"),
        ("/x/autograder/grading/comparison.py", "grader"),
        ("/x/lib/python3.11/copy.py", "other"),
        ("<string>", "other"),
    ],
)
def test_each_file_belongs_to_one_part(file: str, part: str) -> None:
    assert part_of(file) == part
    assert part in PARTS


def test_the_page_takes_the_profile_apart() -> None:
    found = made_up()
    answer = {
        "questions": 500, "lent": 100, "together": 300, "question_us": 50.0, "call_us": 40.0, "together_us": 10.0,
        "turn_us": 8.0, "forks_ms": 35.0, "trusted_ms": 70.0, "student_ms": 80.0,
        "pages": 1000, "page_us": 2.0, "cells_ms": 15.0,
        "samples": {"trusted": {"wire": 30, "libraries": 10}, "student": {"wire": 1, "answers": 3}},
    }  # fmt: skip
    found.profile = [ProcessUsage(answer, 9.0, 9.0, 300.0, {})]
    figures = figures_of(found)
    assert figures["shares"]["trusted"] == {"libraries": 0.25, "wire": 0.75}
    assert figures["shares"]["student"] == {"answers": 0.75, "wire": 0.25}
    page = page_of(figures)
    assert "| 300 questions that are sent together, at 10 µs for both sides | 3 |" in page
    assert "| 100 questions sent alone, at 40 µs | 4 |" in page
    assert "| 100 calls of lent functions, at 50 µs for all three processes | 5 |" in page
    assert "| 1,000 pages of memory that these processes write to and so get copies of, at 2.0 µs | 2 |" in page
    assert "| the student's cells in IPython's shell, 15 ms, instead of plainly executed | 5 |" in page
    assert "| questions and answers: writing, sending, reading | 75 % | 25 % |" in page
    assert "| CPU beside the floor | 2 × | 1.2 × |" in page


def test_a_comparison_is_only_added_to_where_it_was_measured(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('id = "bench"\n')
    course = Course.find(tmp_path)
    with pytest.raises(MachineryError, match="no comparison"):
        benchmark._earlier(course, scale=True, notebooks=True)
    figures = figures_of(made_up())
    (tmp_path / "benchmarks.json").write_text(json.dumps({**figures, "machine": "an abacus"}))
    with pytest.raises(MachineryError, match="another machine"):
        benchmark._earlier(course, scale=True, notebooks=True)
    (tmp_path / "benchmarks.json").write_text(json.dumps(figures))
    both, one = (benchmark._earlier(course, scale=scale, notebooks=True) for scale in (True, False))
    assert "but the long run and the notebooks in another" in page_of(both)
    assert "but the notebooks in another" in page_of(one)


def test_the_page_tells_of_the_night_of_a_deadline_where_it_was_measured() -> None:
    night = Night([0.05, 0.1], [0.5, 2.0], [0.1])
    asked = {"students": 300, "attempts": 3, "seconds": 600.0, "kills": 2, "flood": 50, "busy": 0.1, "took": 700}
    found = {**figures_of(made_up()), "deadline_night": {"the night": {**asked, **night.figures()}}}
    page = page_of(found)
    assert "| the night | 900 | 0.1 | 0.1 | 0.1 | 0.1 | 2.0 | 2.0 | 2.0 |" in page
    assert "300 students hand in 3 times each within 10 minutes" in page
    assert "the night of a deadline" not in page_of(figures_of(made_up()))
